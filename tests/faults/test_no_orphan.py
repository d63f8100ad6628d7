"""Whatever is killed, and however: no process stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.engines.base import Launch
from app.engines.guard import TERMINATE_GRACE_S
from app.engines.process import EngineProcess
from tests.processes import is_alive

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals; a job object does it on Windows")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="macOS has no parent-death signal")

ROOT = Path(__file__).parents[2]
DEADLINE_S = 5.0

APP = """
import sys
from pathlib import Path
from app.engines.base import Launch, LoadOptions
from app.engines.llama_cpp import LlamaCpp
from app.engines.loaded_model import LoadedModel
from app.engines.process import EngineProcess
from app.domain.model import LocalModel

logs, model, script = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
if script:
    process = EngineProcess.start(Launch(("sh", "-c", script), {}, 0), log_path=logs / "x.log")
else:
    local = LocalModel("x", model, 0)
    process = LoadedModel.load(LlamaCpp(), local, LoadOptions(256, 1), logs=logs).process
print(process.pid, flush=True)
sys.stdin.read()
process.stop()
"""

FAMILY = "sleep 1000 & sleep 1001 & wait"
STUBBORN = "trap '' TERM; (trap '' TERM; sleep 1000) & while true; do sleep 1000; done"
ESCAPED = "setsid sleep 1000 & sleep 1001"


def gone(processes, deadline_s=DEADLINE_S):
    """Whether all have ended by then; one that nobody has reaped yet has."""
    end = time.monotonic() + deadline_s
    while True:
        left = [p for p in processes if is_alive(p)]
        if not left or time.monotonic() > end:
            return not left
        psutil.wait_procs(left, timeout=0.05)


def family(pid, count):
    """The process `pid` and its `count` descendants, once all are there."""
    root = psutil.Process(pid)
    deadline = time.monotonic() + DEADLINE_S
    while len(found := [root, *root.children(recursive=True)]) <= count:
        assert time.monotonic() < deadline, found
        psutil.wait_procs([root], timeout=0.01)
    return found


@pytest.fixture
def app(tmp_path, starter_model):
    """Starts a process that runs an engine as the app does: the real one, or a shell script."""
    started: list[subprocess.Popen[str]] = []

    def start(script=""):
        process = subprocess.Popen(
            [sys.executable, "-c", APP, str(tmp_path), str(starter_model), script],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        with process:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_app_is_killed_with_a_real_engine(app, number):
    process, guard = app()
    everybody = family(guard, 1)
    process.send_signal(number)
    assert gone(everybody)


@pytest.mark.parametrize(
    ("script", "children", "deadline_s"),
    [
        (FAMILY, 3, DEADLINE_S),
        (STUBBORN, 3, TERMINATE_GRACE_S + DEADLINE_S),
        pytest.param(ESCAPED, 3, DEADLINE_S, marks=LINUX),
    ],
    ids=["family", "stubborn", "escaped"],
)
def test_the_app_is_killed_and_the_engine_has_children(app, script, children, deadline_s):
    process, guard = app(script)
    everybody = family(guard, children)
    process.kill()
    assert gone(everybody, deadline_s)


def test_the_app_ends_in_order(app):
    process, guard = app()
    everybody = family(guard, 1)
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert gone(everybody, 0)


@LINUX
def test_the_app_and_the_guard_are_killed_together(app):
    process, guard = app()
    everybody = family(guard, 1)
    process.kill()
    os.kill(guard, signal.SIGKILL)
    assert gone(everybody)


@pytest.fixture
def engine(tmp_path):
    """Runs a script as an engine of this very process."""
    started: list[EngineProcess] = []

    def start(script):
        process = EngineProcess.start(Launch(("sh", "-c", script), {}, 0), log_path=tmp_path / "x.log")
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


@LINUX
def test_the_guard_is_killed(engine):
    """The kernel ends the engine; what it had started ends when the app notices."""
    process = engine(FAMILY)
    everybody = family(process.pid, 3)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == 137
    process.stop()
    assert gone(everybody)


@pytest.mark.parametrize("script", [FAMILY, pytest.param(ESCAPED, marks=LINUX)], ids=["family", "escaped"])
def test_the_engine_is_killed(engine, script):
    process = engine(script)
    guard, shell, *rest = family(process.pid, 3)
    shell.kill()
    assert process.wait() == 137
    assert gone([guard, shell, *rest])


def test_the_guard_is_asked_to_end(engine):
    process = engine(FAMILY)
    everybody = family(process.pid, 3)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait() == 143
    assert gone(everybody)


def test_a_stubborn_engine_is_stopped_all_the_same(engine):
    process = engine(STUBBORN)
    everybody = family(process.pid, 3)
    began = time.monotonic()
    process.stop()
    assert TERMINATE_GRACE_S <= time.monotonic() - began < TERMINATE_GRACE_S + DEADLINE_S
    assert gone(everybody)


def test_two_engines_do_not_hold_each_other(engine):
    """The second one's guard must not have inherited the first one's pipe."""
    first, second = engine(FAMILY), engine(FAMILY)
    family(first.pid, 3)
    others = family(second.pid, 3)
    first.stop()
    assert first.exit_status == 143
    assert second.exit_status is None
    assert all(process.is_running() for process in others)
