"""The supervisor with a real engine that is killed, replaced and closed at every moment."""

import dataclasses
import os
import signal
import sys
import threading
import time

import psutil
import pytest
from PySide6.QtCore import Qt

from app.domain.engine import EngineState
from app.domain.errors import EdgewiseError, EngineStartFailed, ModelFileError
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Finished, Role, SamplingParams
from app.domain.model import LocalModel
from app.engines.guard import TERMINATE_GRACE_S
from app.engines.llama_cpp import LlamaCpp
from app.services.engine_supervisor import EngineSupervisor
from app.services.loading import LoadWishes
from tests.faults.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


class Engine(LlamaCpp):
    """llama.cpp, but models called slow take their time before they begin to load."""

    def launch(self, model, options, *, port, api_key):
        launch = super().launch(model, options, port=port, api_key=api_key)
        if not model.name.startswith("slow"):
            return launch
        return dataclasses.replace(launch, argv=("/bin/sh", "-c", 'sleep 600; exec "$0" "$@"', *launch.argv))


@pytest.fixture
def supervisor(starter_model, tmp_path, qapp):
    def find(name):
        if name == "gone":
            raise ModelFileError("There is no model “gone”.")
        return LocalModel(name or "any", starter_model, starter_model.stat().st_size)

    supervisor = EngineSupervisor(lambda: (Engine(),), find, lambda _: LoadWishes(2048, 1), tmp_path / "logs")
    yield supervisor
    supervisor.shut_down()


@pytest.fixture
def logs(tmp_path):
    return lambda: sorted((tmp_path / "logs").glob("*.log"))


def state(supervisor):
    return supervisor.status.state


def loaded(supervisor, name, engine=None):
    """The model, as a reply has it that is over at once."""
    model = supervisor.acquire(name, engine, Cancellation())
    supervisor.release(model)
    return model


def works(model):
    request = ChatRequest([ChatMessage(Role.USER, "Hi")], SamplingParams(max_tokens=2))
    return isinstance([*model.client.stream(request, Cancellation())][-1], Finished)


def engine_of(model):
    (engine,) = psutil.Process(model.process.pid).children()
    return engine


def test_the_states_of_a_life(supervisor):
    seen = []
    supervisor.status_changed.connect(
        lambda status: seen.append((status.state, status.model)), Qt.ConnectionType.DirectConnection
    )
    assert state(supervisor) is EngineState.STOPPED
    model = loaded(supervisor, "one")
    until(lambda: state(supervisor) is EngineState.READY)
    assert supervisor.status.context_length == 2048
    assert loaded(supervisor, "one") is model
    assert "listening" in supervisor.read_log()
    supervisor.shut_down()
    assert state(supervisor) is EngineState.STOPPED
    assert not psutil.pid_exists(model.process.pid)
    assert seen == [
        (EngineState.STARTING, "one"),
        *[(EngineState.BUSY, "one"), (EngineState.READY, "one")] * 2,
        (EngineState.STOPPED, None),
    ]


def test_a_killed_engine_is_told_and_started_again(supervisor, logs):
    model = loaded(supervisor, "one")
    engine_of(model).kill()
    until(lambda: state(supervisor) is EngineState.FAILED)
    assert supervisor.status.error == "llama.cpp stopped unexpectedly (exit status 137). Start it again."
    assert "listening on" in supervisor.status.log
    again = loaded(supervisor, "one")
    assert again is not model
    assert works(again)
    until(lambda: state(supervisor) is EngineState.READY)
    assert len(logs()) == 2


def test_a_killed_guard_is_told_too(supervisor):
    model = loaded(supervisor, "one")
    engine = engine_of(model)
    os.kill(model.process.pid, signal.SIGKILL)
    until(lambda: state(supervisor) is EngineState.FAILED)
    until(lambda: not engine.is_running())
    assert works(loaded(supervisor, "one"))


def test_another_model_while_one_is_starting(supervisor):
    failures = []

    def wait_for_slow():
        try:
            loaded(supervisor, "slow")
        except EdgewiseError as error:
            failures.append(error)

    thread = threading.Thread(target=wait_for_slow)
    thread.start()
    until(lambda: supervisor.status.model == "slow")
    model = loaded(supervisor, "quick")
    thread.join(10)
    assert works(model)
    until(lambda: state(supervisor) is EngineState.READY)
    assert supervisor.status.model == "quick"
    assert [type(failure) for failure in failures] == [EngineStartFailed]


def test_one_model_at_a_time(supervisor):
    first = loaded(supervisor, "first")
    second = loaded(supervisor, "second")
    assert not psutil.pid_exists(first.process.pid)
    assert works(second)


def test_closing_while_one_is_starting(supervisor):
    supervisor.load("slow")
    until(lambda: psutil.Process().children())
    children = psutil.Process().children(recursive=True)
    began = time.monotonic()
    supervisor.shut_down()
    assert time.monotonic() - began < TERMINATE_GRACE_S, "it was asked to end, not killed for being stubborn"
    assert psutil.wait_procs(children, timeout=5)[1] == []
    assert state(supervisor) is EngineState.STOPPED
    with pytest.raises(EngineStartFailed, match="closing"):
        loaded(supervisor, "one")
    supervisor.load("one")
    assert supervisor.status.error == "Edgewise is closing."


def test_stopped_while_waiting_for_the_start(supervisor):
    cancellation = Cancellation()
    supervisor.load("slow")
    timer = threading.Timer(0.1, cancellation.cancel)
    timer.start()
    with pytest.raises(EngineStartFailed, match="Stopped before the model was loaded"):
        supervisor.acquire("slow", None, cancellation)
    timer.join()
    assert state(supervisor) is EngineState.STARTING, "who asked may go, the model stays wanted"


def test_many_who_ask_at_once_share_one_engine(supervisor, logs):
    got = []
    threads = [threading.Thread(target=lambda: got.append(loaded(supervisor, "one"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(got) == 12
    assert len(set(map(id, got))) == 1
    assert len(logs()) == 1


def test_a_fresh_start(supervisor):
    first = loaded(supervisor, "one")
    supervisor.load("one", again=True)
    second = loaded(supervisor, "one")
    assert second is not first
    assert not psutil.pid_exists(first.process.pid)


def test_a_model_that_is_not_there(supervisor):
    supervisor.load("gone")
    assert state(supervisor) is EngineState.FAILED
    assert supervisor.status.error == "There is no model “gone”."
    with pytest.raises(ModelFileError):
        loaded(supervisor, "gone")


def test_a_log_folder_that_cannot_be_made(supervisor, tmp_path):
    (tmp_path / "logs").touch()
    with pytest.raises(EngineStartFailed, match="log cannot be written"):
        loaded(supervisor, "one")
    assert state(supervisor) is EngineState.FAILED
