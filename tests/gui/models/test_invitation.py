"""What a page without content says, and that it gives way to the window."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from app.ui.models.invitation import Invitation


@pytest.fixture
def invitation(qtbot) -> Invitation:
    widget = Invitation()
    qtbot.addWidget(widget)
    widget.resize(1100, 500)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


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


def test_a_window_that_was_wide_can_become_narrow(invitation) -> None:
    invitation.say("Nothing here", "A sentence of many words. " * 6, ("This",))
    invitation.resize(400, 500)
    assert invitation.width() == 400
    assert invitation.minimumSizeHint().width() < 400
