"""How a real engine starts, why it does not, and how it ends."""

import dataclasses
import os
import shutil
import socket
import sys
import threading
import time
from contextlib import closing

import psutil
import pytest

from app.domain.errors import EngineGone, EngineStartFailed, ModelFileError
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Finished, Role, SamplingParams
from app.domain.model import LocalModel
from app.engines import loaded_model
from app.engines.llama_cpp import LlamaCpp, find_program
from app.engines.process import free_port
from app.services.loading import LoadWishes, load_model
from tests.mock_engine import MockEngine

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="how Linux does it")
QUESTION = [ChatMessage(Role.USER, "Hi")]


def reply(loaded):
    *_, last = loaded.client.stream(ChatRequest(QUESTION, SamplingParams(max_tokens=3)), Cancellation())
    return last


class Wrapped(LlamaCpp):
    """llama-server started by a shell that does something first."""

    def __init__(self, script):
        self.script = script

    def launch(self, model, options, *, port, api_key):
        launch = super().launch(model, options, port=port, api_key=api_key)
        return dataclasses.replace(
            launch, argv=("/bin/sh", "-c", f'{self.script}; exec "$0" "$@"', *launch.argv)
        )


def test_start_reply_stop(load):
    began = time.monotonic()
    loaded = load()
    print("ready after", time.monotonic() - began)
    assert isinstance(reply(loaded), Finished)
    family = [
        psutil.Process(loaded.process.pid),
        *psutil.Process(loaded.process.pid).children(recursive=True),
    ]
    assert len(family) == 2
    began = time.monotonic()
    loaded.stop()
    print("stopped after", time.monotonic() - began)
    assert psutil.wait_procs(family, timeout=5)[1] == []
    assert loaded.process.exit_status == 0, "it ended by itself when asked to"
    assert "cleaning up before exit" in loaded.process.read_log()
    assert loaded.process.log_path.is_file()
    with pytest.raises(EngineGone):
        reply(loaded)


def test_a_path_and_a_name_in_many_letters(load, model, tmp_path):
    path = tmp_path / "Modelle von Zoë, 家 🦊 'quoted' \"twice\"" / "klein–schön 模型.gguf"
    path.parent.mkdir()
    shutil.copyfile(model.path, path)
    assert isinstance(reply(load(LocalModel(path.stem, path, model.size))), Finished)


def damaged(kind, tmp_path, model):
    path = tmp_path / "broken.gguf"
    if kind == "not GGUF":
        path.write_bytes(b"hello" * 1000)
    elif kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind in ("truncated", "cut header"):
        with model.path.open("rb") as whole:
            path.write_bytes(whole.read(50_000_000 if kind == "truncated" else 5000))
    return LocalModel("Zoë’s", path, 0)


FAULTS = {
    "missing": "the file broken.gguf is not there. It may have been moved or deleted.",
    "not GGUF": "broken.gguf is not a GGUF model file.",
    "empty": "broken.gguf is not a GGUF model file.",
    "folder": "broken.gguf is a folder, not a model file.",
    "truncated": "the file ends early (50 of 98 MB). Download it again.",
    "cut header": "the file broken.gguf is damaged: it claims an array of 49152 texts. Download it again.",
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_faulty_file_is_told_before_anything_is_started(kind, tmp_path, model):
    faulty = damaged(kind, tmp_path, model)
    with pytest.raises(ModelFileError) as caught:
        load_model(LlamaCpp(), faulty, LoadWishes(), logs=tmp_path / "logs")
    assert caught.value.message == f"Zoë’s did not start: {FAULTS[kind]}"
    assert caught.value.detail
    assert not (tmp_path / "logs").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.gguf"
    path.touch(mode=0o000)
    with pytest.raises(ModelFileError, match=r"secret\.gguf cannot be read"):
        load_model(LlamaCpp(), LocalModel("secret", path, 0), LoadWishes(), logs=tmp_path)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "the file broken.gguf is not there. It may have been moved or deleted."),
        ("not GGUF", "broken.gguf is not a GGUF model file."),
        ("truncated", "the file broken.gguf ends early or is damaged. Download it again."),
    ],
)
def test_what_only_the_engine_noticed(kind, reason, load, tmp_path, model):
    """The file changed between our look at it and the engine's."""
    with pytest.raises(EngineStartFailed) as caught:
        load(damaged(kind, tmp_path, model))
    assert caught.value.message == f"Zoë’s did not start: {reason}"
    assert "exiting due to model loading error" in caught.value.detail


@LINUX
def test_a_library_that_is_missing(load, tmp_path, monkeypatch):
    shutil.copy(find_program("llama-server"), tmp_path / "llama-server")
    monkeypatch.setattr("app.engines.llama_cpp.find_program", lambda name: tmp_path / name)
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    with pytest.raises(EngineStartFailed, match=r"did not start: the library lib\S+ is missing") as caught:
        load()
    assert "cannot open shared object file" in caught.value.detail


@LINUX
def test_too_little_memory(load):
    with pytest.raises(EngineStartFailed, match="did not start: there is not enough memory") as caught:
        load(adapter=Wrapped("ulimit -v 300000"), context=2048)
    assert "failed to allocate" in caught.value.detail


def test_far_too_much_context(load):
    with pytest.raises(EngineStartFailed, match="did not start: there is not enough memory"):
        load(context=8_000_000)


def test_killed_while_it_loads(load):
    with pytest.raises(EngineStartFailed, match="its process was killed, most likely for want of memory"):
        load(adapter=Wrapped("kill -9 $$"))


@pytest.fixture
def taken():
    """A port with a program behind it that takes connections and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_a_port_taken_meanwhile_is_tried_again_elsewhere(load, taken, monkeypatch):
    ports = [taken, free_port()]
    monkeypatch.setattr(loaded_model, "free_port", lambda: ports.pop(0))
    assert isinstance(reply(load()), Finished)
    assert ports == []


def test_a_port_taken_by_a_server_that_answers_everything(load, monkeypatch):
    with MockEngine() as other:
        ports = [other.port, free_port()]
        monkeypatch.setattr(loaded_model, "free_port", lambda: ports.pop(0))
        loaded = load()
        assert isinstance(reply(loaded), Finished)
        assert other.requests == []


def test_ports_that_are_always_taken(load, taken, monkeypatch):
    monkeypatch.setattr(loaded_model, "free_port", lambda: taken)
    with pytest.raises(EngineStartFailed, match="did not start: its port was taken by another program"):
        load()


def test_a_cancelled_start(load):
    cancellation = Cancellation()
    thread = threading.Timer(0.05, cancellation.cancel)
    thread.start()
    with pytest.raises(EngineStartFailed, match="cancelled"):
        load(adapter=Wrapped("sleep 30"), cancellation=cancellation)
    thread.join()


def test_cancelled_before_it_began(load):
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(EngineStartFailed, match="cancelled"):
        load(cancellation=cancellation)


def test_two_models_at_once_and_a_port_used_again(load, monkeypatch):
    first, second = load(), load()
    port = first.client._address.port
    assert port != second.client._address.port
    assert isinstance(reply(first), Finished)
    assert isinstance(reply(second), Finished)
    first.stop()
    assert isinstance(reply(second), Finished)
    monkeypatch.setattr(loaded_model, "free_port", lambda: port)
    again = load()
    assert again.client._address.port == port
    assert isinstance(reply(again), Finished)
    assert len({one.process.log_path for one in (first, second, again)}) == 3
