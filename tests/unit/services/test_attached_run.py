import threading
from dataclasses import dataclass

import pytest

from app.domain.engine import EngineState
from app.domain.errors import EngineGone, EngineStartFailed, ModelNotServed
from app.domain.generation import Cancellation
from app.services.attached_run import AttachedRun
from tests.faults.waiting import until


@dataclass(frozen=True)
class Model:
    name: str
    context_length: int = 4096
    client: None = None

    def stop(self):
        raise AssertionError("the server is not ours to end")


class Server:
    """A server with two models; `gate` holds its answers back, `trouble` is what it raises."""

    id, name, remote = "attached:3", "Office", True

    def __init__(self):
        self.asked: list[str | None] = []
        self.gate = threading.Event()
        self.gate.set()
        self.trouble: Exception | None = None

    def models(self):
        return ("one", "two")

    def connect(self, model, cancellation):
        self.asked.append(model)
        cancellation.on_cancel(self.gate.set)
        self.gate.wait(10)
        if self.trouble is not None:
            raise self.trouble
        if model not in (None, "one", "two"):
            raise ModelNotServed(f"Office does not have {model}.")
        return Model(model or "one")


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def seen():
    return []


@pytest.fixture
def run(server, seen):
    return AttachedRun(server, seen.append)


def states(seen):
    return [(status.state, status.model, status.replies) for status in seen]


def test_a_life(run, server, seen):
    assert (run.status.state, run.status.engine_id, run.status.remote) == (
        EngineState.STOPPED,
        "attached:3",
        True,
    )
    model = run.acquire(None, Cancellation())
    assert run.acquire("one", Cancellation()) is model
    assert server.asked == [None], "it is asked once"
    assert run.status.context_length == 4096
    assert run.release(model)
    assert run.release(model)
    assert not run.release(model), "nobody holds it"
    assert run.unload()
    assert not run.unload()
    assert states(seen) == [
        (EngineState.STARTING, None, 0),
        (EngineState.READY, "one", 0),
        (EngineState.BUSY, "one", 1),
        (EngineState.BUSY, "one", 2),
        (EngineState.BUSY, "one", 1),
        (EngineState.READY, "one", 0),
        (EngineState.STOPPED, None, 0),
    ]


def test_another_model_is_asked_for(run, server):
    first = run.acquire("one", Cancellation())
    second = run.acquire("two", Cancellation())
    assert server.asked == ["one", "two"]
    assert run.status.model == "two"
    assert run.release(first), "its reply goes on until then"
    assert run.status.replies == 1
    run.release(second)
    run.acquire("two", Cancellation(), again=True)
    assert server.asked == ["one", "two", "two"]


def test_what_goes_wrong_is_told_and_tried_again(run, server):
    server.trouble = EngineGone("Office cannot be reached.", detail="refused")
    with pytest.raises(EngineGone):
        run.acquire("one", Cancellation())
    assert (run.status.state, run.status.error, run.status.log) == (
        EngineState.FAILED,
        "Office cannot be reached.",
        "refused",
    )
    server.trouble = None
    assert run.acquire("one", Cancellation()).name == "one"
    with pytest.raises(ModelNotServed):
        run.acquire("three", Cancellation())
    assert run.status.state is EngineState.FAILED


def test_a_model_in_use_is_not_forgotten_as_idle(run):
    model = run.acquire("one", Cancellation())
    assert not run.unload(only_idle=True)
    run.release(model)
    assert run.unload(only_idle=True)


@pytest.mark.parametrize("by", ["person", "closing"])
def test_waiting_for_a_server_ends_when_it_is_no_longer_wanted(run, server, by):
    server.gate.clear()
    cancellation = Cancellation()
    failures: list[BaseException] = []

    def wait():
        try:
            run.acquire("one", cancellation)
        except EngineStartFailed as error:
            failures.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: run.status.state is EngineState.STARTING and server.asked)
    if by == "person":
        cancellation.cancel()
    else:
        run.close()
    thread.join(10)
    assert [str(failure) for failure in failures] == ["Stopped before the server had answered."]
