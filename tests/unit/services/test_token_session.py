"""Keeping and forgetting the hub's token; the keyring is one in memory, as a system without any has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.services.background import Background
from app.services.hub_access import HubAccess
from app.services.token_session import TokenSession
from app.storage.paths import Paths
from app.storage.secrets import TokenPlace


@pytest.fixture
def session(qapp, empty_home, monkeypatch) -> Iterator[TokenSession]:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    background = Background()
    made = TokenSession(HubAccess(Paths.find(), lambda: True, endpoint="http://127.0.0.1:9"), background)
    background.setParent(made)
    yield made
    background.finish()


def test_a_token_is_kept_and_forgotten(session, qtbot) -> None:
    with qtbot.waitSignal(session.changed) as changed:
        session.look()
    assert changed.args == [TokenPlace.NOWHERE]
    with qtbot.waitSignals([session.changed, session.settled, session.kept]):
        session.keep("hf_" + "a" * 34)
    with qtbot.waitSignal(session.changed) as changed:
        session.look()
    assert changed.args[0] is not TokenPlace.NOWHERE
    with qtbot.waitSignal(session.changed) as changed, qtbot.assertNotEmitted(session.kept):
        session.forget()
    assert changed.args == [TokenPlace.NOWHERE]


def test_what_is_no_token_is_refused_with_a_sentence(session, qtbot) -> None:
    with qtbot.waitSignal(session.settled) as settled:
        session.keep("two words\nand a line")
    assert settled.args[0].endswith(".")
    assert "two words" not in settled.args[0]


def test_a_token_in_the_environment_stays_the_one_that_is_used(session, qtbot, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "b" * 34)
    for order in (lambda: session.keep("hf_" + "a" * 34), session.forget):
        with qtbot.waitSignal(session.settled) as settled, qtbot.waitSignal(session.changed) as changed:
            order()
        assert changed.args == [TokenPlace.ENVIRONMENT]
        assert "HF_TOKEN" in settled.args[0]
