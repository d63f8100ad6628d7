import json
from dataclasses import replace

import pytest

from app.domain.attached import AttachedServer, ServerFacts, ServerKind, ServerModel
from app.domain.errors import KeyRefused, ModelNotServed, ServerBlocked, ServerUnreachable
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Role, SamplingParams, TextDelta
from app.domain.server_address import ServerAddress
from app.engines.attached import UNTOLD_CONTEXT, AttachedServerEngine
from app.engines.process import free_port
from tests.mock_engine import DONE, MockEngine, finish, say, text

FACTS = ServerFacts(ServerKind.VLLM, (ServerModel("a", 4096), ServerModel("b")), "0.32.0")
LISTING = {"data": [{"id": "a", "owned_by": "vllm", "max_model_len": 4096}, {"id": "b", "owned_by": "vllm"}]}


def behave(exchange):
    """A vLLM."""
    if exchange.path == "/v1/models":
        exchange.answer(200, json.dumps(LISTING).encode())
    elif exchange.path == "/version":
        exchange.answer(200, b'{"version": "0.32.0"}')
    else:
        say(text("ok"), finish(), DONE)(exchange)


def server(port, host="127.0.0.1", **changes):
    return replace(AttachedServer(3, "Team GPU", ServerAddress(host, port)), **changes)


def engine_of(attached, *, key=None, offline=False, seen=None):
    known = [FACTS]

    def see(facts):
        known[0] = facts
        if seen is not None:
            seen.append(facts)

    return AttachedServerEngine(attached, lambda: known[0], see, lambda: key, lambda: offline)


def test_a_model_that_replies():
    seen: list[ServerFacts] = []
    with MockEngine(behave) as mock:
        engine = engine_of(server(mock.port, has_key=True), key="secret", seen=seen)
        model = engine.connect("a", Cancellation())
        assert (model.name, model.context_length, model.context_told) == ("a", 4096, True)
        params = SamplingParams(repeat_penalty=1.1)
        events = list(
            model.client.stream(ChatRequest([ChatMessage(Role.USER, "Hi")], params), Cancellation())
        )
        model.stop()
    assert events[0] == TextDelta("ok")
    assert seen == [FACTS]
    asked = mock.requests[-1]
    assert asked.json["model"] == "a"
    assert asked.json["repetition_penalty"] == 1.1, "as vLLM spells it"
    assert all(request.headers["authorization"] == "Bearer secret" for request in mock.requests)


def test_without_a_name_it_is_the_first():
    with MockEngine(behave) as mock:
        assert engine_of(server(mock.port)).connect(None, Cancellation()).name == "a"
        assert "authorization" not in mock.requests[0].headers


def test_a_context_that_is_not_told():
    with MockEngine(behave) as mock:
        model = engine_of(server(mock.port)).connect("b", Cancellation())
    assert (model.context_length, model.context_told) == (UNTOLD_CONTEXT, False)


def test_a_model_that_is_gone():
    with (
        MockEngine(behave) as mock,
        pytest.raises(ModelNotServed, match=r"Team GPU does not have c any more\. It has a, b\."),
    ):
        engine_of(server(mock.port)).connect("c", Cancellation())


def test_what_it_is_called():
    engine = engine_of(server(1, "gpu.example"))
    assert (engine.id, engine.name, engine.remote) == ("attached:3", "Team GPU", True)
    assert not engine_of(server(1)).remote
    assert engine.models() == ("a", "b")


def test_a_server_that_is_not_there():
    with pytest.raises(ServerUnreachable, match="Team GPU is not running"):
        engine_of(server(free_port())).connect("a", Cancellation())


def test_a_key_that_is_lost():
    engine = engine_of(server(1, has_key=True), key=None)
    with pytest.raises(KeyRefused, match="not in the system’s keyring any more"):
        engine.connect("a", Cancellation())


def test_offline_a_server_elsewhere_is_not_asked(monkeypatch):
    monkeypatch.setattr("app.engines.http_exchange.connect", lambda *_, **__: pytest.fail("a connection"))
    with pytest.raises(ServerBlocked, match="Team GPU is on another computer"):
        engine_of(server(1, "gpu.example"), offline=True).connect("a", Cancellation())


def test_offline_one_on_this_computer_is_asked():
    with MockEngine(behave) as mock:
        assert engine_of(server(mock.port), offline=True).connect("a", Cancellation()).name == "a"


def test_it_is_the_same_as_long_as_it_is_attached_in_the_same_way():
    one, same = engine_of(server(1)), engine_of(server(1, facts=FACTS))
    assert one == same
    assert one != engine_of(server(2))


def test_the_key_is_in_no_text():
    engine = engine_of(server(1, has_key=True), key="secret")
    assert "secret" not in repr(engine) + str(engine)
