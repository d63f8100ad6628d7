"""A question in its place: the safe answer is at hand, and the keyboard goes back to where it was."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.ui.models import question_bar
from app.ui.models.question_bar import QuestionBar


@pytest.fixture
def page(qtbot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    layout = QVBoxLayout(widget)
    layout.addWidget(QLineEdit(widget))
    layout.addWidget(QuestionBar(widget))
    widget.resize(600, 200)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    return widget


@pytest.fixture
def bar(page) -> Any:
    return page.findChild(QuestionBar)


@pytest.fixture
def field(page) -> Any:
    made: Any = page.findChild(QLineEdit)
    made.setFocus()
    return made


def buttons(bar: Any) -> dict[str, QPushButton]:
    return {button.text(): button for button in bar.findChildren(QPushButton)}


def ask(bar: Any, field: Any) -> list[str]:
    """What was done in the end."""
    done: list[str] = []
    bar.ask("Delete it?", yes="Delete", no="Keep", deed=lambda: done.append("deleted"), back_to=field)
    return done


def test_nothing_is_asked_at_first(bar) -> None:
    assert bar.isHidden()
    assert bar.text == ""


def test_asking_is_heard_and_the_safe_answer_is_at_hand(bar, field, monkeypatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(question_bar, "announce", lambda _, sentence: heard.append(sentence))
    ask(bar, field)
    assert bar.text == "Delete it?"
    assert heard == ["Delete it?"]
    assert buttons(bar)["Keep"].hasFocus()
    assert buttons(bar)["Delete"].accessibleDescription() == "Delete it?"


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Escape])
def test_keys_that_keep(bar, field, qtbot, key) -> None:
    done = ask(bar, field)
    qtbot.keyClick(buttons(bar)["Keep"], key)
    assert done == []
    assert bar.isHidden()
    assert field.hasFocus()


def test_the_deed_is_done_once(bar, field, qtbot) -> None:
    done = ask(bar, field)
    buttons(bar)["Delete"].setFocus()
    qtbot.keyClick(buttons(bar)["Delete"], Qt.Key.Key_Return)
    assert done == ["deleted"]
    assert bar.isHidden()
    assert field.hasFocus()


def test_a_deed_may_ask_again(bar, field) -> None:
    bar.ask("One?", yes="Yes", no="No", deed=lambda: ask(bar, field))
    buttons(bar)["Yes"].click()
    assert bar.text == "Delete it?"


def test_settling_takes_no_focus_from_elsewhere(bar, field, page) -> None:
    ask(bar, None)
    field.setFocus()
    bar.settle()
    assert bar.isHidden()
    assert field.hasFocus()
