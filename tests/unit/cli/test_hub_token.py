import io
import json

import keyring
import pytest

from app.cli.command_line import _command, _parser
from app.cli.hub_token import manage_token
from app.domain.errors import HubError
from tests.unit.storage.test_secrets import SystemStore

TOKEN = "hf_secretSECRETsecret"


@pytest.fixture(autouse=True)
def home(empty_home, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)


@pytest.fixture
def system():
    before = keyring.get_keyring()
    store = SystemStore()
    keyring.set_keyring(store)
    yield store
    keyring.set_keyring(before)


@pytest.fixture
def typed(monkeypatch):
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def told(capsys, **what):
    options = {"keep": False, "forget": False, "as_json": True} | what
    assert manage_token(**options) == 0
    said = capsys.readouterr()
    assert TOKEN not in said.out + said.err
    return json.loads(said.out)["token"]


def test_a_token_comes_and_goes(system, typed, capsys):
    assert told(capsys) == "nowhere"
    typed(f"{TOKEN}\n")
    assert told(capsys, keep=True) == "keyring"
    assert system.passwords == {("Edgewise", "huggingface.co"): TOKEN}
    assert told(capsys) == "keyring"
    assert told(capsys, forget=True) == "nowhere"
    assert system.passwords == {}


def test_without_a_keyring_it_says_what_to_do(typed):
    typed(TOKEN)
    with pytest.raises(HubError, match="HF_TOKEN"):
        manage_token(keep=True, forget=False, as_json=False)


def test_the_environments_token(monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert told(capsys) == "environment"


def test_what_is_no_token(typed, capsys, system):
    typed("not one")
    with pytest.raises(HubError, match="not an access token"):
        manage_token(keep=True, forget=False, as_json=False)


def test_the_command_line(system, typed, capsys):
    typed(TOKEN)
    assert _command(_parser().parse_args(["models", "token", "--set"])) == 0
    assert "in the system’s keyring" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        _parser().parse_args(["models", "token", "--set", "--forget"])
    assert "not allowed with" in capsys.readouterr().err
