"""Several engines at once, real ones: side by side, unloaded when idle or in the way, started again."""

import dataclasses
import sys
import threading

import psutil
import pytest
from PySide6.QtCore import Qt

from app.domain.engine import EngineState, EngineStatus
from app.domain.errors import EngineMissing, EngineStartFailed, ModelFileError, WouldNotFit
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Finished, Role, SamplingParams
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.engines.base import LoadOptions
from app.engines.llama_cpp import LlamaCpp
from app.engines.loaded_model import LoadedModel
from app.services import loading
from app.services.engine_run import READY_FOR_A_WHILE_S
from app.services.engine_supervisor import EngineSupervisor
from app.services.loading import LoadWishes
from tests.faults.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

GIB = 1 << 30


class First(LlamaCpp):
    id: str = "first"
    name: str = "First"


class Second(LlamaCpp):
    id: str = "second"
    name: str = "Second"

    def start_progress(self, log):
        return "reading weights"

    def launch(self, model, options, *, port, api_key):
        launch = super().launch(model, options, port=port, api_key=api_key)
        if not model.name.startswith("slow"):
            return launch
        return dataclasses.replace(launch, argv=("/bin/sh", "-c", 'sleep 600; exec "$0" "$@"', *launch.argv))


class Third(LlamaCpp):
    id: str = "third"
    name: str = "Third"
    formats: tuple[Format, ...] = (Format.SAFETENSORS, Format.GGUF)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class Attached:
    """A server of somebody else's: one model, which is there."""

    id, name, remote = "attached:1", "Office", True

    def __init__(self, model):
        self.model = model

    def models(self):
        return (self.model.name,)

    def connect(self, model, cancellation):
        if model not in (None, self.model.name):
            raise EngineMissing(f"Office has no model {model}.")
        return self.model


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def attached():
    return []


@pytest.fixture
def find(starter_model):
    def find(name):
        if name == "gone":
            raise ModelFileError("There is no model “gone”.")
        return LocalModel(name or "any", starter_model, starter_model.stat().st_size)

    return find


@pytest.fixture
def supervisor(find, tmp_path, qapp, clock, attached):
    supervisor = EngineSupervisor(
        lambda: (First(), Second(), Third()),
        find,
        lambda _: LoadWishes(1024, 1),
        tmp_path / "logs",
        attached=lambda: attached,
        preferred=lambda _: "second",
        idle_minutes=lambda: 15,
        clock=clock,
    )
    yield supervisor
    supervisor.shut_down()


def loaded(supervisor, name, engine):
    model = supervisor.acquire(name, engine, Cancellation())
    supervisor.release(model)
    return model


def state(supervisor, engine):
    return supervisor.status_of(engine).state


def works(model):
    request = ChatRequest([ChatMessage(Role.USER, "Hi")], SamplingParams(max_tokens=2))
    return isinstance([*model.client.stream(request, Cancellation())][-1], Finished)


def kill(model):
    (engine,) = psutil.Process(model.process.pid).children()
    engine.kill()


def test_two_engines_reply_side_by_side(supervisor):
    first = supervisor.acquire("one", "first", Cancellation())
    second = supervisor.acquire("two", "second", Cancellation())
    assert works(first)
    assert works(second)
    assert [(it.engine_id, it.state, it.model, it.replies) for it in supervisor.statuses()] == [
        ("first", EngineState.BUSY, "one", 1),
        ("second", EngineState.BUSY, "two", 1),
        ("third", EngineState.STOPPED, None, 0),
    ]
    supervisor.release(first)
    assert state(supervisor, "first") is EngineState.READY
    assert state(supervisor, "second") is EngineState.BUSY
    supervisor.unload("first")
    assert state(supervisor, "first") is EngineState.STOPPED
    assert works(second)
    supervisor.release(second)


def test_an_engine_is_busy_as_long_as_one_of_its_replies_is_made(supervisor):
    model = supervisor.acquire("one", "first", Cancellation())
    assert supervisor.acquire("one", "first", Cancellation()) is model
    assert supervisor.status_of("first").replies == 2
    supervisor.release(model)
    assert state(supervisor, "first") is EngineState.BUSY
    supervisor.release(model)
    assert state(supervisor, "first") is EngineState.READY


def test_without_a_choice_a_model_goes_to_the_engine_that_was_chosen_last(supervisor):
    assert supervisor.engine_for("one", None) == "second"
    assert supervisor.engine_for("one", "first") == "first"
    loaded(supervisor, "one", None)
    assert state(supervisor, "second") is EngineState.READY


def test_what_is_loaded_for_nobody_does_not_end_a_reply(supervisor):
    model = supervisor.acquire("one", "first", Cancellation())
    supervisor.load("two", "first")
    assert supervisor.status_of("first").model == "one"
    assert works(model)
    supervisor.release(model)
    supervisor.load("two", "first")
    until(lambda: supervisor.status.model == "two" and supervisor.status.state is EngineState.READY)


def test_idle_models_are_unloaded_but_for_the_one_in_use(supervisor, clock):
    held = supervisor.acquire("one", "first", Cancellation())
    loaded(supervisor, "two", "second")
    loaded(supervisor, "three", "third")
    supervisor.load("three", "third", in_view=True)
    clock.now += 14 * 60
    supervisor.unload_idle()
    assert state(supervisor, "second") is EngineState.READY
    clock.now += 2 * 60
    supervisor.unload_idle()
    assert state(supervisor, "second") is EngineState.STOPPED
    assert state(supervisor, "first") is EngineState.BUSY, "a reply is being made"
    assert state(supervisor, "third") is EngineState.READY, "it is the one in use"
    supervisor.release(held)
    clock.now += 14 * 60
    supervisor.unload_idle()
    assert state(supervisor, "first") is EngineState.READY, "it counts from the end of the reply"


def test_an_engine_that_ends_is_started_again_once(supervisor, clock):
    seen: list[EngineStatus] = []
    supervisor.status_changed.connect(seen.append, Qt.ConnectionType.DirectConnection)
    first = loaded(supervisor, "one", "first")
    clock.now += READY_FOR_A_WHILE_S
    kill(first)
    until(lambda: first.process.exit_status is not None and state(supervisor, "first") is EngineState.READY)
    again = loaded(supervisor, "one", "first")
    assert again is not first
    assert works(again)
    assert "starting again after it stopped unexpectedly" in [status.progress for status in seen]
    assert EngineState.FAILED not in [status.state for status in seen]
    clock.now += READY_FOR_A_WHILE_S
    kill(again)
    until(lambda: state(supervisor, "first") is EngineState.FAILED)
    assert "stopped unexpectedly (exit status 137)" in supervisor.status_of("first").error
    assert works(loaded(supervisor, "one", "first")), "whoever asks starts it"


def test_no_engine_is_started_again_while_the_app_closes(supervisor, clock):
    model = loaded(supervisor, "one", "first")
    clock.now += READY_FOR_A_WHILE_S
    thread = threading.Thread(target=supervisor.shut_down)
    kill(model)
    thread.start()
    thread.join(30)
    assert state(supervisor, "first") is EngineState.STOPPED
    assert not psutil.Process().children(recursive=True)


@pytest.fixture
def memory(monkeypatch, supervisor):
    """A machine on which only `room` bytes are free, less what loaded engines are said to hold."""

    def limit(room, held=0):
        def free():
            processes = [run.process for run in supervisor.runs() if getattr(run, "process", None)]
            return max(0, room - held * len(processes))

        monkeypatch.setattr(loading, "available_memory", free)

    return limit


def test_what_does_not_fit_is_refused_with_figures_and_can_be_forced(supervisor, memory, tmp_path):
    memory(GIB // 10)
    supervisor.load("one", "first")
    until(lambda: state(supervisor, "first") is EngineState.FAILED)
    status = supervisor.status
    assert status.can_force
    assert status.error.startswith("one was not started with First: it needs about 0.")
    assert "GB at a context of 1,024 tokens, and 0.1 GB are free." in status.error
    assert not (tmp_path / "logs").exists(), "nothing was started"
    with pytest.raises(WouldNotFit):
        supervisor.acquire("one", "first", Cancellation())
    supervisor.load("one", "first", again=True, force=True)
    until(lambda: state(supervisor, "first") is EngineState.READY)
    assert not supervisor.status.can_force
    assert works(loaded(supervisor, "one", "first"))
    supervisor.load("one", "first", again=True)
    assert works(loaded(supervisor, "one", "first")), "who insisted need not insist again"


def test_the_longest_idle_model_makes_room_and_none_in_use_does(supervisor, memory, clock):
    for name, engine in (("one", "first"), ("two", "second")):
        loaded(supervisor, name, engine)
        clock.now += 60
    memory(GIB, GIB * 45 // 100)  # with two loaded too little is free for a third
    model = loaded(supervisor, "three", "third")
    assert works(model)
    assert state(supervisor, "first") is EngineState.STOPPED
    assert state(supervisor, "second") is EngineState.READY
    second = supervisor.acquire("two", "second", Cancellation())
    third = supervisor.acquire("three", "third", Cancellation())
    with pytest.raises(WouldNotFit, match="two in Second, three in Third are in use"):
        supervisor.acquire("one", "first", Cancellation())
    assert works(second)
    assert works(third)


def test_a_start_says_what_it_is_at(supervisor):
    supervisor.load("slow", "second")
    until(lambda: supervisor.status.progress == "reading weights")
    assert supervisor.status.state is EngineState.STARTING
    supervisor.unload("second")
    assert state(supervisor, "second") is EngineState.STOPPED


def test_a_start_under_way_counts_as_memory_that_is_taken(supervisor, memory):
    supervisor.load("slow", "second")
    until(lambda: supervisor.status.progress == "reading weights")
    memory(GIB * 3 // 10)
    with pytest.raises(WouldNotFit):
        supervisor.acquire("one", "first", Cancellation())
    supervisor.unload("second")
    assert works(loaded(supervisor, "one", "first"))


def test_environments_that_come_and_go(supervisor):
    supervisor.environment_changed("third", EngineState.ABSENT)
    assert state(supervisor, "third") is EngineState.ABSENT
    supervisor.environment_changed("third", EngineState.INSTALLING)
    assert state(supervisor, "third") is EngineState.INSTALLING
    supervisor.environment_changed("third", EngineState.STOPPED)
    loaded(supervisor, "three", "third")
    supervisor.environment_changed("third", EngineState.INSTALLING)
    assert state(supervisor, "third") is EngineState.READY, "the old one runs until the new one is there"


def test_an_engine_that_cannot_take_it(supervisor, starter_model):
    supervisor._find_model = lambda name: LocalModel(name, starter_model, 1, format=Format.SAFETENSORS)
    with pytest.raises(EngineStartFailed, match="First does not read safetensors files, and folder is one"):
        supervisor.acquire("folder", "first", Cancellation())
    assert supervisor.engine_for("folder", None) == "third", "though another was chosen last"
    with pytest.raises(EngineMissing, match="not attached any more"):
        supervisor.acquire("folder", "attached:7", Cancellation())


def test_an_attached_server_is_an_engine_like_the_others(supervisor, attached, find, tmp_path):
    server = LoadedModel.load(LlamaCpp(), find("theirs"), LoadOptions(512, 1), logs=tmp_path / "theirs")
    try:
        attached.append(Attached(server))
        own = supervisor.acquire("one", "first", Cancellation())
        theirs = supervisor.acquire("theirs", "attached:1", Cancellation())
        status = supervisor.statuses()[-1]
        assert (status.state, status.engine, status.remote) == (EngineState.BUSY, "Office", True)
        assert works(own)
        assert works(theirs)
        supervisor.release(theirs)
        supervisor.release(own)
        assert supervisor.status_of("attached:1").state is EngineState.READY
        supervisor.load("other", "attached:1", in_view=True)
        assert supervisor.status.error == "Office has no model other."
        supervisor.unload("attached:1")
        assert works(server), "it is not ours to end"
        offered = supervisor.model_choices([])
        assert [(it.name, it.engine_id, it.remote) for it in offered] == [("theirs", "attached:1", True)]
        attached.clear()
        assert [it.engine_id for it in supervisor.statuses()] == ["first", "second", "third"]
    finally:
        server.stop()


def test_what_is_shown_is_the_open_conversation_s_engine(supervisor):
    supervisor.load("one", "first", in_view=True)
    until(lambda: supervisor.status.state is EngineState.READY)
    supervisor.load("two", "second")
    until(lambda: state(supervisor, "second") is EngineState.READY)
    assert supervisor.status.model == "one"
    supervisor.load("gone", "second")
    assert supervisor.status_of("second").error == "There is no model “gone”."
    assert supervisor.status.state is EngineState.READY
    supervisor.load("gone", None, in_view=True)
    assert (supervisor.status.state, supervisor.status.model) == (EngineState.FAILED, "gone")
    assert state(supervisor, "first") is EngineState.READY, "it has not failed"
    supervisor.load("one", "first", in_view=True)
    assert supervisor.status.state is EngineState.READY


def test_a_crash_while_replies_are_made(supervisor):
    model = supervisor.acquire("one", "first", Cancellation())
    assert supervisor.acquire("one", "first", Cancellation()) is model
    other = supervisor.acquire("two", "second", Cancellation())
    kill(model)
    until(lambda: state(supervisor, "first") is EngineState.FAILED)
    supervisor.release(model)
    supervisor.release(model)
    assert state(supervisor, "first") is EngineState.FAILED, "the end of its replies is no news of it"
    assert "listening" in supervisor.read_log("first")
    assert works(other), "the other engine noticed nothing"
    supervisor.restart("first")
    until(lambda: state(supervisor, "first") is EngineState.READY)
    assert supervisor.status_of("first").model == "one"
    assert supervisor.status_of("first").replies == 0
    with pytest.raises(KeyError):
        supervisor.unload("nonsense")
