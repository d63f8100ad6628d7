"""The chat page on a machine without a model: every way leads to one, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QStackedWidget

from app.domain.engine import EngineState
from tests.gui.app_driver import App, one, write_conversation


@pytest.fixture
def app(qtbot, empty_home) -> Iterator[App]:
    opened = App(qtbot)
    qtbot.addWidget(opened.window)
    yield opened
    opened.close()


def test_the_pickers_menu_leads_to_the_models(app) -> None:
    more = app.chat.picker.menu().actions()[-1]
    assert more.text() == "More models…"
    more.trigger()
    assert one(app.window, QStackedWidget).currentWidget() is app.window.models_page


def test_a_message_stays_in_the_field_and_the_offer_is_pointed_to(app) -> None:
    app.wait(lambda: bool(app.visible_texts("Download")))
    app.type("Is anyone there?")
    app.press(Qt.Key.Key_Return)
    assert app.chat.composer.text == "Is anyone there?"
    assert app.stored() == []
    assert app.chat.notice.isHidden()
    words = [label.text() for label in app.chat.empty.findChildren(QLabel) if label.isVisible()]
    assert words[:2] == [
        "There is no model yet",
        "A message needs a model that answers it. What you wrote stays in the field.",
    ]
    assert app.window.focusWidget().text().startswith("Download")
    app.wait(lambda: app.edgewise.store.get(app.id()).draft == "Is anyone there?")


def test_an_old_conversation_leads_to_the_models_too(qtbot, empty_home) -> None:
    write_conversation("Boat names", "Name a boat.", "Seagull.")
    app = App(qtbot)
    qtbot.addWidget(app.window)
    app.wait(lambda: app.edgewise.supervisor.status.state is EngineState.FAILED)
    app.wait(lambda: not app.chat.empty.first_run.isHidden())
    app.type("Another one?")
    app.press(Qt.Key.Key_Return)
    app.transcript.regenerate_requested.emit(app.stored()[-1].id)
    app.transcript.restart_requested.emit(app.stored()[-1].id)
    assert app.chat.composer.text == "Another one?"
    assert [message.text for message in app.stored()] == ["Name a boat.", "Seagull."]
    assert app.chat.notice.text.startswith("There is no model yet that could answer.")
    app.click(app.notice_button("See all models"))
    assert one(app.window, QStackedWidget).currentWidget() is app.window.models_page
    app.close()
