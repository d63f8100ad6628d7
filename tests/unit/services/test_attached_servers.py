import json
import logging

import pytest

from app.domain.attached import ServerFacts, ServerKind, ServerModel
from app.domain.errors import KeyRefused, ModelNotServed, ServerBlocked, StorageError
from app.domain.generation import Cancellation
from app.domain.server_address import ServerAddress
from app.services.attached_servers import AttachedServers, Found, Wanted
from app.storage.paths import Paths
from app.storage.secrets import ServerKeys, TokenPlace
from tests.mock_engine import MockEngine

KEY = "key-of-the-team"
FACTS = ServerFacts(ServerKind.UNKNOWN, (ServerModel("a", 4096),))


class Server(MockEngine):
    """Has the models in `models`, and wants the key."""

    def __init__(self):
        super().__init__(self._behave)
        self.models = ["a"]

    def _behave(self, exchange):
        if exchange.headers.get("authorization") != f"Bearer {KEY}":
            exchange.answer(401, b"{}")
        elif exchange.path == "/v1/models":
            data = [{"id": name, "max_model_len": 4096} for name in self.models]
            exchange.answer(200, json.dumps({"data": data}).encode())
        else:
            exchange.answer(404, b"{}")


@pytest.fixture
def paths(empty_home):
    found = Paths.find()
    found.create()
    return found


@pytest.fixture
def server():
    with Server() as running:
        yield running


def wanted(server, **changes):
    return Wanted(**{"address": ServerAddress("127.0.0.1", server.port), "key": KEY, **changes})


def attached_to(paths, server, **changes):
    servers = AttachedServers(paths, lambda: False)
    asked = wanted(server, **changes)
    return servers, servers.attach(asked, servers.look(asked))[0]


def test_looking_keeps_nothing(paths, server):
    servers = AttachedServers(paths, lambda: False)
    found = servers.look(wanted(server))
    assert found.facts == FACTS
    assert found.suggested_name == "OpenAI-compatible server on 127.0.0.1"
    assert servers.all() == ()
    with pytest.raises(KeyRefused):
        servers.look(wanted(server, key=""))


def test_attached_it_is_an_engine(paths, server):
    servers, attached = attached_to(paths, server, name="  Team \n GPU ")
    assert (attached.id, attached.name, attached.has_key) == ("attached:1", "Team GPU", True)
    (engine,) = servers.engines()
    assert engine.models() == ("a",)
    assert engine.connect("a", Cancellation()).context_length == 4096


def test_where_the_key_is_kept(paths, server):
    servers = AttachedServers(paths, lambda: False)
    found = servers.look(wanted(server))
    assert servers.attach(wanted(server), found)[1] is TokenPlace.THIS_RUN, "tests have no keyring"
    assert servers.attach(wanted(server, key=""), found)[1] is TokenPlace.NOWHERE


def test_what_is_no_key_is_not_attached(paths, server):
    servers = AttachedServers(paths, lambda: False)
    with pytest.raises(StorageError, match="cannot be a key"):
        servers.attach(wanted(server, key="two words"), Found(ServerAddress("127.0.0.1", 1), FACTS))
    assert servers.all() == ()


def test_the_key_is_in_no_file_and_no_text(paths, server, caplog):
    caplog.set_level(logging.DEBUG)
    servers, attached = attached_to(paths, server)
    assert KEY not in repr(wanted(server)) + repr(attached) + repr(servers.engines()) + caplog.text
    for path in paths.home.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()


def test_what_it_says_now_is_kept(paths, server):
    servers, attached = attached_to(paths, server)
    (engine,) = servers.engines()
    server.models = ["a", "b"]
    assert servers.ask(attached).model("b") is not None
    assert engine.models() == ("a", "b"), "also in an engine that was made before"
    assert engine == servers.engines()[0]
    assert AttachedServers(paths, lambda: False).all()[0].facts.model("b") is not None


def test_detached_it_leaves_nothing(paths, server):
    keys = ServerKeys()
    servers = AttachedServers(paths, lambda: False, keys=keys)
    attached, _ = servers.attach(wanted(server), servers.look(wanted(server)))
    assert keys.get(attached.key_account) == KEY
    servers.detach(attached)
    assert servers.all() == ()
    assert servers.engines() == ()
    assert keys.get(attached.key_account) is None


def test_two_of_one_name_are_told_apart(paths, server):
    servers, _ = attached_to(paths, server, name="GPU")
    asked = wanted(server, name="GPU")
    assert servers.attach(asked, servers.look(asked))[0].name == "GPU (2)"


@pytest.mark.parametrize("by", ["attached:1", "1", "Team GPU", "team gpu"])
def test_one_is_found(paths, server, by):
    servers, attached = attached_to(paths, server, name="Team GPU")
    assert servers.find(by) == attached
    with pytest.raises(ModelNotServed, match="No server called other"):
        servers.find("other")


def test_offline_nothing_is_asked_of_others(paths, monkeypatch):
    monkeypatch.setattr("app.engines.http_exchange.connect", lambda *_, **__: pytest.fail("a connection"))
    servers = AttachedServers(paths, lambda: True)
    elsewhere = Wanted(ServerAddress.parse("https://gpu.example"), name="Team GPU")
    with pytest.raises(ServerBlocked, match="Team GPU is on another computer"):
        servers.look(elsewhere)
    attached, _ = servers.attach(elsewhere, Found(elsewhere.address, FACTS))
    with pytest.raises(ServerBlocked):
        servers.ask(attached)
