import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from app.domain.errors import EngineStartFailed
from app.domain.generation import Cancellation
from app.engines.base import Launch
from app.engines.process import KEPT_LOGS, LOG_TAIL_BYTES, EngineProcess, free_port, new_api_key
from tests.mock_engine import MockEngine
from tests.processes import is_alive
from tests.unit.engines.test_guard import SHARES_MEMORY

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    left = int(sys.argv[2])
    def do_GET(self):
        Handler.left -= 1
        self.send_response(503 if Handler.left >= 0 else 200)
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def python(code, *arguments, env=None, without=()):
    return Launch((sys.executable, "-I", "-S", "-c", code, *map(str, arguments)), env or {}, 0, 10.0, without)


@pytest.fixture
def start(tmp_path):
    """Starts processes and ends them after the test."""
    started: list[EngineProcess] = []

    def starter(launch):
        process = EngineProcess.start(launch, log_path=tmp_path / "Protokolle 家" / f"{len(started)}.log")
        started.append(process)
        return process

    yield starter
    for process in started:
        process.stop()


def wait(process, port, *, timeout_s=10.0, cancellation=None):
    process.wait_until_ready(
        port=port, path="/health", timeout_s=timeout_s, cancellation=cancellation or Cancellation()
    )


def test_ready_once_it_answers_200_and_gone_once_stopped(start):
    port = free_port()
    process = start(python(SERVER, port, 3))
    wait(process, port)
    assert process.exit_status is None
    assert process.read_log().count(" 503 ") == 3
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.stop()
    process.stop()
    assert process.exit_status is not None
    assert psutil.wait_procs(family, timeout=5)[1] == []


def test_an_end_before_it_was_ready_has_status_and_log(start):
    process = start(python("import sys; print('Gründe 家', flush=True); sys.exit(3)"))
    with pytest.raises(EngineStartFailed, match="did not become ready") as caught:
        wait(process, free_port())
    assert caught.value.detail == "Gründe 家\n"
    assert process.exit_status == 3


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_end_by_a_signal_is_told_as_shells_do(start):
    process = start(python("import os; os.kill(os.getpid(), 9)"))
    assert process.wait() == 137
    assert process.exit_status == 137


def test_never_ready(start):
    process = start(python("import time; print('hanging', flush=True); time.sleep(1000)"))
    began = time.monotonic()
    with pytest.raises(EngineStartFailed) as caught:
        wait(process, free_port(), timeout_s=0.5)
    assert time.monotonic() - began < 6
    assert caught.value.detail == "hanging\n"
    assert process.exit_status is None
    assert not psutil.pid_exists(process.pid)


def test_a_cancelled_start_ends_at_once(start):
    process = start(python("import time; time.sleep(1000)"))
    cancellation = Cancellation()
    thread = threading.Timer(0.1, cancellation.cancel)
    thread.start()
    began = time.monotonic()
    with pytest.raises(EngineStartFailed, match="cancelled"):
        wait(process, free_port(), cancellation=cancellation)
    thread.join()
    assert time.monotonic() - began < 3
    assert not psutil.pid_exists(process.pid)


def test_another_program_at_the_port_is_not_the_engine(start):
    """It answers 200 to /health, as any Edgewise's engine does."""
    with MockEngine() as other:
        process = start(python("import time; time.sleep(0.3); print('the port is taken')"))
        with pytest.raises(EngineStartFailed) as caught:
            wait(process, other.port)
    assert caught.value.detail == "the port is taken\n"


def test_a_program_that_is_not_there(start):
    process = start(Launch(("/nowhere/engine", "--x"), {}, 0))
    with pytest.raises(EngineStartFailed) as caught:
        wait(process, free_port())
    assert "/nowhere/engine" in caught.value.detail
    assert process.exit_status == 127


def test_the_environment_it_gets(start, monkeypatch):
    monkeypatch.setenv("LLAMA_ARG_THREADS", "99")
    monkeypatch.setenv("KEPT_ÜBER", "ja")
    code = "import os; print({k: v for k, v in os.environ.items() if k[:4] in ('LLAM', 'KEPT')})"
    process = start(python(code, env={"LLAMA_API_KEY": "k"}, without=("LLAMA_",)))
    assert process.wait() == 0
    assert process.read_log() == "{'KEPT_ÜBER': 'ja', 'LLAMA_API_KEY': 'k'}\n"


def test_a_long_log_is_read_from_its_end(start):
    process = start(python(f"print('x' * {LOG_TAIL_BYTES}, 'end', sep='')"))
    process.wait()
    log = process.read_log()
    assert len(log) == LOG_TAIL_BYTES
    assert log.endswith("xend\n")
    process.log_path.unlink()
    assert process.read_log() == ""


def test_old_logs_go(tmp_path):
    for number in range(KEPT_LOGS + 5):
        path = tmp_path / f"{number}.log"
        path.touch()
        os.utime(path, (number, number))
    (tmp_path / "gone.log").symlink_to(tmp_path / "nowhere")
    process = EngineProcess.start(python("pass"), log_path=tmp_path / "new.log")
    process.wait()
    process.stop()
    kept = {path.name for path in tmp_path.glob("*.log")} - {"gone.log"}
    assert kept == {"new.log", *(f"{n}.log" for n in range(6, KEPT_LOGS + 5))}


def test_a_log_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EngineStartFailed, match="log cannot be written"):
        EngineProcess.start(python("pass"), log_path=tmp_path / "file" / "x.log")


def test_keys_and_ports_differ():
    assert len({new_api_key() for _ in range(100)}) == 100
    assert min(len(new_api_key()) for _ in range(100)) >= 40
    assert 1024 < free_port() < 65536


@pytest.mark.skipif(sys.platform != "linux", reason="Linux' /dev/shm")
def test_a_guard_that_is_killed_leaves_no_shared_memory(start, tmp_path):
    script = tmp_path / "engine.py"
    script.write_text(SHARES_MEMORY)
    process = start(Launch((sys.executable, str(script)), {}, 0))
    deadline = time.monotonic() + 20
    while not process.read_log().endswith("\n"):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    memory = Path("/dev/shm") / process.read_log().strip()
    assert memory.exists()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stop()
    assert not memory.exists()


STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = '''
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
'''
mine = subprocess.Popen([sys.executable, "-I", "-S", "-c", sleeper])
apart = subprocess.Popen([sys.executable, "-I", "-S", "-c", sleeper], start_new_session=True)
time.sleep(600)
"""
"""As vLLM's: it does not end when it is asked to, has a worker beside it and one in a session of its own."""


@pytest.fixture
def stubborn(start):
    """Such an engine and all its processes."""
    process = start(python(STUBBORN))
    deadline = time.monotonic() + 20
    while process.read_log().count("up") < 2:
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    assert len(family) == 4
    return process, family


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a session of its own escapes")
def test_by_force_nothing_is_left_within_a_second(stubborn):
    process, family = stubborn
    began = time.monotonic()
    process.stop(at_once=True)
    assert time.monotonic() - began < 1.0
    assert [one for one in family if is_alive(one)] == []
    process.stop(at_once=True)
    assert process.exit_status == 137


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a session of its own escapes")
def test_force_ends_a_polite_stop_that_waits(stubborn):
    process, family = stubborn
    polite = threading.Thread(target=process.stop)
    polite.start()
    deadline = time.monotonic() + 10
    while not process._process.stdin.closed:
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)
    began = time.monotonic()
    process.stop(at_once=True)
    assert time.monotonic() - began < 1.0
    polite.join()
    assert [one for one in family if is_alive(one)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="Linux' /dev/shm")
def test_shared_memory_goes_by_force_too(start, tmp_path):
    script = tmp_path / "engine.py"
    script.write_text(SHARES_MEMORY)
    process = start(Launch((sys.executable, str(script)), {}, 0))
    deadline = time.monotonic() + 20
    while not process.read_log().endswith("\n"):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    memory = Path("/dev/shm") / process.read_log().strip()
    assert memory.exists()
    began = time.monotonic()
    process.stop(at_once=True)
    assert time.monotonic() - began < 1.5
    assert not memory.exists()
