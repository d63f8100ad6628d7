"""How every real engine starts and ends, whatever happens meanwhile: one suite for all of them.

Starts take minutes in some engines, so that each of them is made the most of.
"""

import dataclasses
import sys
import threading

import psutil
import pytest

from app.domain.errors import EngineGone, EngineStartFailed
from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    Role,
    SamplingParams,
    TextDelta,
)
from app.engines import loaded_model
from tests.processes import is_alive

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

QUESTION = [ChatMessage(Role.USER, "Hi")]
END_S = 10.0


class Hanging:
    """An adapter whose engine never becomes ready."""

    def __init__(self, adapter):
        self._adapter = adapter

    def __getattr__(self, name):
        return getattr(self._adapter, name)

    def launch(self, model, options, *, port, api_key):
        launch = self._adapter.launch(model, options, port=port, api_key=api_key)
        # Begun as the real one is, with its arguments and its variables.
        argv = ("/bin/sh", "-c", "echo waiting for nothing; sleep 600", *launch.argv)
        return dataclasses.replace(launch, argv=argv, start_timeout_s=2.0)


def family(loaded):
    root = psutil.Process(loaded.process.pid)
    return [root, *root.children(recursive=True)]


def all_end(processes):
    psutil.wait_procs(processes, timeout=END_S)
    return [process for process in processes if is_alive(process)] == []


def reply(loaded):
    *_, last = loaded.client.stream(ChatRequest(QUESTION, SamplingParams(max_tokens=3)), Cancellation())
    return last


def test_killed_while_it_streams_and_started_again_on_the_same_port(engine, load, monkeypatch):
    first = load(engine.model, adapter=engine.adapter, options=engine.options)
    everybody = family(first)
    request = ChatRequest(
        [ChatMessage(Role.USER, "Tell a very long story.")], SamplingParams(max_tokens=400), ignore_eos=True
    )
    events = first.client.stream(request, Cancellation())
    for _ in range(3):
        assert isinstance(next(events), TextDelta)
    everybody[1].kill()
    with pytest.raises(EngineGone):
        list(events)
    assert first.process.wait() == 137
    assert all_end(everybody), "no orphan"
    port = first.client._address.port
    monkeypatch.setattr(loaded_model, "free_port", lambda: port)
    again = load(engine.model, adapter=engine.adapter, options=engine.options)
    assert again.client._address.port == port
    assert isinstance(reply(again), Finished)
    everybody = family(again)
    again.stop()
    assert all_end(everybody), "no orphan"
    with pytest.raises(EngineGone):
        reply(again)


def test_a_start_that_never_becomes_ready(engine, load):
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(EngineStartFailed, match="did not start: ") as caught:
        load(engine.model, adapter=Hanging(engine.adapter), options=engine.options)
    assert "waiting for nothing" in caught.value.detail
    assert set(psutil.Process().children(recursive=True)) <= before, "no orphan"


def test_a_cancelled_start(engine, load):
    cancellation = Cancellation()
    timer = threading.Timer(0.3, cancellation.cancel)
    timer.start()
    with pytest.raises(EngineStartFailed, match="cancelled"):
        load(engine.model, adapter=Hanging(engine.adapter), options=engine.options, cancellation=cancellation)
    timer.join()


def test_a_model_that_is_not_there(engine, load, tmp_path):
    missing = dataclasses.replace(engine.model, path=tmp_path / engine.model.path.name)
    with pytest.raises(EngineStartFailed, match="did not start: ") as caught:
        load(missing, adapter=engine.adapter, options=engine.options)
    assert caught.value.detail
