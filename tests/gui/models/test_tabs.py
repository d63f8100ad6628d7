from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication

from app.ui.models.tabs import Tabs


@pytest.fixture
def tabs(qtbot) -> Tabs:
    widget = Tabs(("One", "Two", "Three"))
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    return widget


def test_the_first_is_chosen_and_a_click_chooses_another(tabs, qtbot) -> None:
    assert tabs.current == 0
    with qtbot.waitSignal(tabs.chosen) as chosen:
        qtbot.mouseClick(tabs.findChildren(QAbstractButton)[2], Qt.MouseButton.LeftButton)
    assert chosen.args == [2]
    assert tabs.current == 2


def test_arrows_walk(tabs, qtbot) -> None:
    tabs.focus_current()
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)
    assert tabs.current == 1
    assert tabs.findChildren(QAbstractButton)[1].hasFocus()


def test_choosing_what_is_chosen_says_nothing(tabs, qtbot) -> None:
    with qtbot.assertNotEmitted(tabs.chosen):
        tabs.choose(0)


def test_the_chosen_one_looks_different(tabs) -> None:
    one, two, _ = tabs.findChildren(QAbstractButton)
    before = one.grab().toImage(), two.grab().toImage()
    tabs.choose(1)
    assert one.grab().toImage() != before[0]
    assert two.grab().toImage() != before[1]
