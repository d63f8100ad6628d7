import importlib
import io
import json
import sys
from pathlib import Path

import pytest

from app.cli.attach import attach_server, detach_server, list_servers
from app.cli.command_line import _parser, run
from app.cli.engines import run as run_engines
from app.domain.errors import AddressError, KeyRefused, ModelNotServed, ServerBlocked, StorageError
from app.storage.paths import Paths
from app.storage.settings import Settings, save_settings
from tests.mock_engine import MockEngine

KEY = "key-of-the-team"
LISTING = b'{"data": [{"id": "a", "owned_by": "vllm", "max_model_len": 32768}]}'


def behave(exchange):
    """A vLLM that wants the key where it is asked for /v1."""
    if exchange.path == "/version":
        exchange.answer(200, b'{"version": "0.32.0"}')
    elif exchange.path.startswith("/v1") or exchange.headers.get("authorization") == f"Bearer {KEY}":
        exchange.answer(200, LISTING)
    else:
        exchange.answer(401, b"{}")


@pytest.fixture
def server(empty_home):
    with MockEngine(behave) as running:
        yield running


def type_in(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


LEADS_TO = [
    (
        "attach https://gpu.example",
        "attach_server",
        ("https://gpu.example",),
        {"name": "", "ask_key": False, "ca_file": None, "as_json": False},
    ),
    (
        "attach localhost:1 --name GPU --key-stdin --ca ca.pem --json",
        "attach_server",
        ("localhost:1",),
        {"name": "GPU", "ask_key": True, "ca_file": Path("ca.pem"), "as_json": True},
    ),
    ("servers --json", "list_servers", (True,), {}),
    ("detach GPU --yes", "detach_server", ("GPU",), {"as_json": False, "without_asking": True}),
]


@pytest.mark.parametrize(("line", "function", "arguments", "options"), LEADS_TO, ids=[a[0] for a in LEADS_TO])
def test_every_command_leads_to_its_function(monkeypatch, line, function, arguments, options):
    called = []

    def record(*given, **named):
        called.append((given, named))
        return 7

    monkeypatch.setattr(importlib.import_module("app.cli.attach"), function, record)
    assert run_engines(_parser().parse_args(["engines", *line.split()])) == 7
    assert called == [(arguments, options)]


def test_attached_listed_detached(server, capsys):
    assert attach_server(f"localhost:{server.port}", name="Team GPU") == 0
    said = capsys.readouterr().out
    assert "Team GPU is attached as attached:1: vLLM 0.32.0." in said
    assert "a (32,768 tokens of context)" in said
    assert "another computer" not in said
    assert list_servers() == 0
    assert f"attached:1  Team GPU  vLLM 0.32.0  http://localhost:{server.port}/v1" in capsys.readouterr().out
    assert detach_server("team gpu", without_asking=True) == 0
    assert list_servers() == 0
    assert "No server is attached." in capsys.readouterr().out


def test_as_json(server, capsys):
    attach_server(f"localhost:{server.port}", as_json=True)
    described = json.loads(capsys.readouterr().out)
    assert described == {
        "id": "attached:1",
        "name": "vLLM on localhost",
        "address": f"http://localhost:{server.port}/v1",
        "remote": False,
        "has_key": False,
        "kind": "vLLM",
        "version": "0.32.0",
        "models": [{"name": "a", "context_length": 32768}],
    }
    list_servers(as_json=True)
    assert json.loads(capsys.readouterr().out) == [described]
    detach_server("1", as_json=True, without_asking=True)
    assert json.loads(capsys.readouterr().out) == {"detached": "attached:1"}


def test_without_a_keyring_a_key_is_kept_nowhere(server, monkeypatch, capsys):
    type_in(monkeypatch, f"{KEY}\n")
    with pytest.raises(StorageError, match="writes no key into a file") as raised:
        attach_server(f"http://localhost:{server.port}/other", ask_key=True)
    assert KEY not in raised.value.message + raised.value.detail + "".join(capsys.readouterr())
    list_servers()
    assert "No server is attached." in capsys.readouterr().out


def test_a_key_that_is_wanted(server):
    with pytest.raises(KeyRefused, match="wants a key"):
        attach_server(f"http://localhost:{server.port}/other")


def test_offline_a_server_elsewhere_is_not_asked(empty_home, monkeypatch):
    monkeypatch.setattr("app.engines.http_exchange.connect", lambda *_, **__: pytest.fail("a connection"))
    paths = Paths.find()
    paths.create()
    save_settings(paths.settings, Settings(offline=True))
    with pytest.raises(ServerBlocked):
        attach_server("https://gpu.example")


def test_what_is_no_address(empty_home, capsys):
    with pytest.raises(AddressError):
        attach_server("nonsense")
    assert run(["engines", "attach", "nonsense"]) == 1
    assert "not the address of a server" in capsys.readouterr().err


def test_nobody_can_be_asked(server, monkeypatch, capsys):
    attach_server(f"localhost:{server.port}", name="GPU")
    type_in(monkeypatch, "y\n")
    assert detach_server("GPU") == 2
    assert "--yes" in capsys.readouterr().err
    with pytest.raises(ModelNotServed, match="No server called other"):
        detach_server("other", without_asking=True)


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 1), ("", 1)])
def test_a_person_is_asked(server, monkeypatch, capsys, answer, left):
    attach_server(f"localhost:{server.port}", name="GPU")
    terminal = io.StringIO(f"{answer}\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert detach_server("GPU") == 0
    capsys.readouterr()
    list_servers(as_json=True)
    assert len(json.loads(capsys.readouterr().out)) == left
