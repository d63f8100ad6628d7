"""The chat page on a machine without a model: every way leads to one, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QStackedWidget

from tests.gui.app_driver import App, one


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
