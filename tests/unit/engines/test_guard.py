import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.engines import guard

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")


def run(*command, **options):
    """The guard over `command`, with its pipe held open until it ends."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin:
        status = process.wait(20)
    with process.stdout, process.stderr:
        return status, process.stdout.read(), process.stderr.read()


@POSIX
@pytest.mark.parametrize("status", [0, 1, 77, 255])
def test_the_status_is_passed_on(status):
    assert run("sh", "-c", f"echo out; echo err >&2; exit {status}") == (status, "out\n", "err\n")


@POSIX
@pytest.mark.parametrize(("name", "status"), [("KILL", 137), ("TERM", 143), ("ABRT", 134)])
def test_a_signal_is_told_as_shells_do(name, status):
    assert run("sh", "-c", f"ulimit -c 0; kill -{name} $$")[0] == status


def test_what_cannot_be_run():
    status, _, said = run("/nowhere/llama-server")
    assert status == guard.NOT_STARTED
    assert said.startswith("/nowhere/llama-server: ")


def test_without_a_command():
    status, _, said = run()
    assert status == 2
    assert said.startswith("usage:")


@POSIX
def test_arguments_travel_unchanged():
    arguments = ["", " ", "ü 家", "a\nb", "--x=$HOME", "*"]
    code = "import sys; print(ascii(sys.argv[1:]))"
    _, said, _ = run(sys.executable, "-c", code, *arguments)
    assert said == ascii(arguments) + "\n"


@POSIX
def test_the_engine_has_no_input():
    assert run("cat") == (0, "", "")


@POSIX
def test_what_the_engine_started_ends_with_it():
    """The pipes come to their end only once nobody holds them: no child is left when the guard ends."""
    began = time.monotonic()
    script = "sleep 1000 & (trap '' TERM; sleep 1000) & exit 5"
    if sys.platform == "linux":
        script = "setsid sleep 1000 & " + script
    assert run("sh", "-c", script) == (5, "", "")
    assert time.monotonic() - began < 10


SHARES_MEMORY = """
import multiprocessing, os, signal, sys
from multiprocessing.shared_memory import SharedMemory

def child(names):
    names.put(SharedMemory(create=True, size=4096).name)
    signal.pause()

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    names = context.Queue()
    context.Process(target=child, args=(names,)).start()
    print(names.get(), flush=True)
    if sys.argv[1:] == ["dies"]:
        os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux' /dev/shm")
def test_shared_memory_of_an_engine_that_is_killed_is_removed(tmp_path):
    script = tmp_path / "engine.py"
    script.write_text(SHARES_MEMORY)
    status, said, _ = run(sys.executable, str(script), "dies")
    assert status == 137
    assert said.startswith("psm_")
    assert not (Path("/dev/shm") / said.strip()).exists()
