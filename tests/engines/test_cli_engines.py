"""`edgewise chat --engine`: with an engine of this machine, or a server that is attached."""

from __future__ import annotations

import argparse
import json

import pytest

from app.cli.console import Console
from app.cli.model_source import ServedModel, find_source
from app.domain.errors import EngineMissing, ModelNotServed
from app.domain.server_address import ServerAddress
from app.services.attached_servers import AttachedServers, Wanted
from app.storage.paths import Paths
from app.storage.settings import Settings
from tests.engines.test_cli import SURE, edgewise


def options(engine: str, model: str | None = None) -> argparse.Namespace:
    return argparse.Namespace(engine=engine, model=model, context=None, threads=None)


def test_an_engine_by_its_name(edgewise_home) -> None:
    for name in ("llama.cpp", "LLAMA_CPP"):
        done = edgewise("chat", "Hi", "--engine", name, "--json", "--max-tokens", "4", *SURE)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["usage"]["completion_tokens"] == 4


def test_an_engine_that_is_not_installed(edgewise_home) -> None:
    done = edgewise("chat", "Hi", "--engine", "transformers")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("Transformers is not installed. Install it on the Engines page.")


def test_an_engine_that_does_not_read_the_model(edgewise_home) -> None:
    done = edgewise("chat", "Hi", "--engine", "vllm")
    assert done.returncode == 1
    assert "vLLM does not read GGUF files, and SmolLM2" in done.stderr


def test_an_engine_that_there_is_not(edgewise_home) -> None:
    done = edgewise("chat", "Hi", "--engine", "nonsense")
    assert done.returncode == 1
    assert "There is no engine “nonsense”. There is: llama_cpp, " in done.stderr
    assert ", transformers, vllm" in done.stderr


@pytest.fixture
def office(edgewise_home, loaded, monkeypatch):
    """A real llama-server that is attached as a stranger's."""
    where = loaded.client._address
    servers = AttachedServers(Paths.find(), offline=lambda: False)
    wanted = Wanted(ServerAddress.parse(f"http://127.0.0.1:{where.port}"), where.api_key, "Office")
    server, _ = servers.attach(wanted, servers.look(wanted))
    # No keyring keeps the key between processes here.
    monkeypatch.setattr("app.storage.secrets.ServerKeys.get", lambda *_: where.api_key)
    return server


def test_a_server_that_is_attached(office, loaded) -> None:
    source = find_source(Console(), Paths.find(), Settings(), options("office"))
    assert isinstance(source, ServedModel)
    model = source.ready()
    name = loaded.name.replace(",", " ")  # as llama-server was told it
    assert source.name == model.name == name
    assert source.ready() is model
    assert model.context_length == loaded.context_length
    assert source.choices() == [f"* {name}"]
    with pytest.raises(ModelNotServed, match="Office does not have another any more"):
        source.use("another")
    assert source.name == name, "what there was stays"
    source.close()
    assert loaded.process.exit_status is None, "it is not ours to end"


def test_a_server_by_another_name_is_none(office) -> None:
    with pytest.raises(EngineMissing, match=r"vllm.*, Office"):
        find_source(Console(), Paths.find(), Settings(), options("offices"))
