"""The answer's one button in the real app: a real download from a hub, a real start, the chat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from app.advisor.guide_rules import rules
from app.domain.engine import EngineState
from app.services.advice_follower import Stage
from app.ui.advisor.page import AdvisorPage
from tests.gui.app_driver import App
from tests.hub_server import HubServer


@pytest.fixture
def hub(monkeypatch) -> Iterator[HubServer]:
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        for name in ("HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.fixture
def app(qtbot, edgewise_home, hub) -> Iterator[App]:
    made = App(qtbot)
    qtbot.addWidget(made.window)
    yield made
    made.close()


def test_one_button_leads_to_the_chat(app: App, hub: HubServer, starter_model: Path) -> None:
    app.ctrl(Qt.Key.Key_5)
    page = app.edgewise.window.advisor_page
    assert isinstance(page, AdvisorPage)
    session = page._session
    app.wait(lambda: session.is_ready)
    chatbot = next(it for it in rules().use_cases if it.id == "local-chatbot")
    session.take_use_case(chatbot)
    app.wait(lambda: page.view is page.answer and page.answer.answer is not None)
    answer = page.answer.answer
    assert answer is not None
    model = answer.model
    assert model is not None
    assert model.path is None
    name = f"{model.repository.rpartition('/')[2]}-{model.precision}.gguf"
    hub.add(model.repository, {name: starter_model})

    steps = page.answer.steps
    app.wait(lambda: steps.follow.isVisible() and steps.follow.isEnabled())
    steps.follow.setFocus()
    app.click(steps.follow)
    app.wait(lambda: app.edgewise.window._pages.currentWidget() is app.edgewise.chat)
    assert [it.stage for it in page._follower.steps] == [Stage.DONE] * len(answer.steps)
    app.wait(lambda: app.edgewise.supervisor.status.state is EngineState.READY)
    downloaded = app.edgewise.library.find(model.precision)
    assert app.edgewise.supervisor.status.model == downloaded.name
    chat = app.edgewise.chat
    app.wait(lambda: chat.conversation is not None and chat.conversation.model == downloaded.name)
    assert page.answer.verticalScrollBar().value() == 0
