"""A chat that changes its engine: two real engines, one conversation."""

from __future__ import annotations

import pytest

from app.domain.conversation import MessageState
from app.domain.engine import EngineState
from app.engines.llama_cpp import LlamaCpp
from app.services.engine_parts import EngineParts
from tests.gui.app_driver import App, change_settings, short


class Second(LlamaCpp):
    """The same program under another name: what it answers is real."""

    id: str = "second"
    name: str = "Second"


@pytest.fixture
def app(qtbot, edgewise_home, monkeypatch):
    monkeypatch.setattr(EngineParts, "adapters", lambda _: (LlamaCpp(), Second()))
    change_settings(params=short())
    app = App(qtbot)
    qtbot.addWidget(app.window)
    yield app
    app.close()


def rows(app):
    return [action for action in app.chat.picker.menu().actions() if action.isCheckable()]


def states(app):
    return {it.engine_id: it.state for it in app.edgewise.supervisor.statuses()}


def test_a_chat_goes_on_with_another_engine_and_keeps_everything(app) -> None:
    app.wait_ready()
    app.send("Hello")
    assert app.wait_reply_ends().engine == "llama_cpp"
    app.wait(lambda: len(rows(app)) == 2)
    rows(app)[1].trigger()
    app.wait(lambda: states(app) == {"llama_cpp": EngineState.READY, "second": EngineState.READY})
    assert "Second" in app.chat.picker.toolTip()
    app.send("And again")
    reply = app.wait_reply_ends()
    assert (reply.engine, reply.state in (MessageState.COMPLETE, MessageState.CUT)) == ("second", True)
    assert len(app.stored()) == 4, "question and reply of either engine"
    assert app.edgewise.store.get(app.id()).engine == "second"
    assert app.edgewise.settings.engines == {"GGUF": "second"}, "the next chat begins with it"


def test_what_was_chosen_is_there_after_a_restart(qtbot, app, monkeypatch) -> None:
    app.wait_ready()
    app.wait(lambda: len(rows(app)) == 2)
    rows(app)[1].trigger()
    app.send("Hello")
    assert app.wait_reply_ends().engine == "second"
    app.close()
    again = App(qtbot)
    qtbot.addWidget(again.window)
    again.wait_ready()
    assert again.chat.conversation is not None
    assert again.chat.conversation.engine == "second"
    assert states(again) == {"llama_cpp": EngineState.STOPPED, "second": EngineState.READY}
    again.close()


def test_a_model_that_does_not_fit_can_be_loaded_all_the_same(qtbot, edgewise_home, monkeypatch) -> None:
    monkeypatch.setattr("app.services.loading.available_memory", lambda: 100_000_000)
    app = App(qtbot)
    qtbot.addWidget(app.window)
    app.wait(lambda: "was not started with llama.cpp: it needs about" in app.chat.notice.text)
    app.click(app.notice_button("Load anyway"))
    app.wait_ready()
    app.wait(app.chat.notice.isHidden)
    app.close()
