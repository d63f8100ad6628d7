"""What a page without content says, and that it gives way to the window."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.ui.models.invitation import Invitation


@pytest.fixture
def page(qtbot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    QVBoxLayout(widget).addWidget(Invitation(widget))
    widget.resize(1100, 500)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


@pytest.fixture
def invitation(page) -> Any:
    return page.findChild(Invitation)


def shown(invitation: Invitation) -> list[QPushButton]:
    return [button for button in invitation.findChildren(QPushButton) if button.isVisible()]


def test_it_says_and_offers(invitation, qtbot) -> None:
    invitation.say("Nothing here", "Do this.", ("This", "That"))
    assert invitation.text == invitation.accessibleName() == "Nothing here. Do this."
    assert [button.text() for button in shown(invitation)] == ["This", "That"]
    with qtbot.waitSignal(invitation.chosen) as told:
        qtbot.mouseClick(shown(invitation)[1], Qt.MouseButton.LeftButton)
    assert told.args == ["That"]
    invitation.say("Nothing here", "Do this.")
    assert shown(invitation) == []


def test_a_window_that_was_wide_can_become_narrow(page, invitation, qtbot) -> None:
    invitation.say("Nothing here", "A sentence of many words. " * 6, ("This",))
    page.resize(400, 500)
    qtbot.waitUntil(lambda: invitation.width() < 400)
    assert page.width() == 400
