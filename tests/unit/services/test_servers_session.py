"""Attached servers on the engines page, with a server that wants a key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from app.domain.engine import EngineState
from app.domain.errors import AddressError, KeyRefused, ServerBlocked
from app.services.attached_servers import AttachedServers
from app.services.background import Background
from app.services.engine_supervisor import EngineSupervisor
from app.services.model_library import ModelLibrary
from app.services.servers_session import ServersSession
from app.storage.paths import Paths
from app.storage.settings import Settings
from tests.mock_engine import MockEngine
from tests.unit.services.test_attached_servers import FACTS, KEY, Server

PATIENCE_MS = 20_000


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    with running:
        yield running


@pytest.fixture
def room(qapp, empty_home, monkeypatch) -> Iterator[SimpleNamespace]:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    paths = Paths.find()
    paths.create()
    made = SimpleNamespace(settings=Settings())
    made.servers = AttachedServers(paths, lambda: made.settings.offline)
    made.supervisor = EngineSupervisor(
        lambda: (),
        lambda name: ModelLibrary(paths).find(name or ""),
        made.settings.wishes_for,
        paths.logs,
        attached=made.servers.engines,
    )
    background = Background()
    made.session = ServersSession(lambda: made.servers, made.supervisor, background)
    yield made
    made.supervisor.shut_down()
    background.finish()


@pytest.fixture
def session(room) -> ServersSession:
    return room.session


def state(session: ServersSession) -> EngineState:
    return session.cards[0].status.state


def attach(session: ServersSession, server: MockEngine, qtbot, name: str = "Team") -> None:
    with qtbot.waitSignal(session.found, timeout=PATIENCE_MS):
        session.look(f"127.0.0.1:{server.port}", KEY, None)
    with qtbot.waitSignal(session.settled, timeout=PATIENCE_MS) as settled:
        session.attach(name)
    assert settled.args == [""]
    qtbot.waitUntil(lambda: len(session.cards) > 0)


def test_looked_at_kept_and_let_go(room, session, server, qtbot) -> None:
    with qtbot.waitSignals([session.models_changed, session.remark], timeout=PATIENCE_MS):
        attach(session, server, qtbot)
    (card,) = session.cards
    assert (card.server.name, card.server.facts) == ("Team", FACTS)
    assert not card.server.address.remote
    assert card.status.state is EngineState.STOPPED
    with qtbot.waitSignal(session.models_changed):
        session.detach(card.id)
    qtbot.waitUntil(lambda: session.cards == ())
    assert room.servers.all() == ()


def test_where_the_key_is_kept_is_told(session, server, qtbot) -> None:
    with qtbot.waitSignal(session.remark, timeout=PATIENCE_MS) as remark:
        attach(session, server, qtbot)
    assert remark.args[0].startswith("Team is attached.")
    assert KEY not in remark.args[0]


@pytest.mark.parametrize(("address", "error"), [("not an address", AddressError), ("", AddressError)])
def test_what_is_no_address(session, qtbot, address, error) -> None:
    with qtbot.waitSignal(session.not_found) as told:
        session.look(address, "", None)
    assert isinstance(told.args[0], error)


def test_a_key_that_is_refused(session, server, qtbot) -> None:
    with qtbot.waitSignal(session.not_found, timeout=PATIENCE_MS) as told:
        session.look(f"127.0.0.1:{server.port}", "another-key", None)
    assert isinstance(told.args[0], KeyRefused)
    session.attach("Team")  # there is nothing to attach
    assert session.cards == ()


def test_offline_no_other_machine_is_asked(room, session, qtbot) -> None:
    room.settings = Settings(offline=True)
    with qtbot.waitSignal(session.not_found, timeout=PATIENCE_MS) as told:
        session.look("https://gpu.example.org/v1", "", None)
    assert isinstance(told.args[0], ServerBlocked)


def test_of_what_was_given_up_nobody_hears(room, session, qtbot) -> None:
    asked, answer = threading.Event(), threading.Event()

    class Slow(Server):
        def _behave(self, exchange):
            asked.set()
            answer.wait(PATIENCE_MS / 1000)
            super()._behave(exchange)

    with Slow() as slow:
        heard: list[object] = []
        session.found.connect(heard.append)
        session.not_found.connect(heard.append)
        session.look(f"127.0.0.1:{slow.port}", KEY, None)
        qtbot.waitUntil(asked.is_set)
        session.give_up()
        answer.set()
        with Server() as other:  # the next question is answered
            attach(session, other, qtbot)
    assert heard == [FACTS]


def test_asked_anew(session, server, qtbot) -> None:
    attach(session, server, qtbot)
    server.models = ["a", "b"]
    session.ask(session.cards[0].id)
    assert state(session) is EngineState.STARTING
    qtbot.waitUntil(lambda: len(session.cards[0].server.facts.models) == 2, timeout=PATIENCE_MS)
    assert state(session) is EngineState.STOPPED


def test_one_that_has_gone(session, qtbot) -> None:
    with Server() as server:
        attach(session, server, qtbot)
    session.ask(session.cards[0].id)
    qtbot.waitUntil(lambda: state(session) is EngineState.FAILED, timeout=PATIENCE_MS)
    assert session.cards[0].status.error.endswith(".")


def test_its_state_follows_the_manager(room, session, server, qtbot) -> None:
    attach(session, server, qtbot)
    room.supervisor.load("a", session.cards[0].id)
    qtbot.waitUntil(lambda: state(session) is EngineState.READY, timeout=PATIENCE_MS)
    assert session.cards[0].status.context_length == 4096
