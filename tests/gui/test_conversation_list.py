"""The conversation list: order, headings, renaming, deleting, searching, and many rows."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QListWidget, QListWidgetItem, QMenu, QPushButton

from app.domain.conversation import ConversationSummary
from app.ui.chat.conversation_list import ConversationList, day_heading

NOON = datetime.combine(date.today(), datetime.min.time()) + timedelta(hours=12)


def summary(number: int, title: str, days_ago: int = 0) -> ConversationSummary:
    return ConversationSummary(number, title, (NOON - timedelta(days=days_ago)).timestamp())


@pytest.fixture
def conversations(qtbot) -> ConversationList:
    widget = ConversationList()
    qtbot.addWidget(widget)
    widget.resize(widget.width(), 500)
    widget.set_summaries(
        [
            summary(5, "Lighthouse story"),
            summary(4, "Regex help"),
            summary(3, "Über Straßen", 1),
            summary(2, "Boat names", 3),
            summary(1, "Old times", 400),
        ]
    )
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    return widget


def rows(widget: ConversationList) -> QListWidget:
    found = widget.findChild(QListWidget)
    assert isinstance(found, QListWidget)
    return found


def texts(widget: ConversationList) -> list[str]:
    return [rows(widget).item(row).text() for row in range(rows(widget).count())]


def row_of(widget: ConversationList, title: str) -> QListWidgetItem:
    return next(rows(widget).item(n) for n, text in enumerate(texts(widget)) if text == title)


def press_on(widget: ConversationList, title: str, qtbot) -> None:
    rows(widget).setFocus()
    at = rows(widget).visualItemRect(row_of(widget, title)).center()
    qtbot.mouseClick(rows(widget).viewport(), Qt.MouseButton.LeftButton, pos=at)


def editor(widget: ConversationList) -> QLineEdit | None:
    found = rows(widget).viewport().findChild(QLineEdit)
    return found if isinstance(found, QLineEdit) else None


def begin_rename(widget: ConversationList, title: str, qtbot) -> QLineEdit:
    press_on(widget, title, qtbot)
    qtbot.keyClick(rows(widget), Qt.Key.Key_F2)
    qtbot.waitUntil(lambda: editor(widget) is not None)
    field = editor(widget)
    assert field is not None
    return field


def test_rows_stand_in_the_given_order_under_days(conversations) -> None:
    assert texts(conversations) == [
        "Today",
        "Lighthouse story",
        "Regex help",
        "Yesterday",
        "Über Straßen",
        "Last 7 days",
        "Boat names",
        "Earlier",
        "Old times",
    ]


@pytest.mark.parametrize(
    ("days_ago", "heading"),
    [
        (-1, "Today"),  # a clock that was set back
        (0, "Today"),
        (1, "Yesterday"),
        (2, "Last 7 days"),
        (6, "Last 7 days"),
        (7, "Last 30 days"),
        (29, "Last 30 days"),
        (30, "Earlier"),
        (4000, "Earlier"),
    ],
)
def test_headings_by_day(days_ago, heading) -> None:
    today = date(2025, 3, 1)  # the days before it are of another month
    assert day_heading(today - timedelta(days=days_ago), today) == heading


def test_a_click_chooses_and_a_heading_is_nothing_to_choose(conversations, qtbot) -> None:
    chosen: list[int] = []
    conversations.chosen.connect(chosen.append)
    conversations.set_current(5)
    press_on(conversations, "Regex help", qtbot)
    press_on(conversations, "Yesterday", qtbot)
    assert chosen == [4]


def test_marking_the_open_one_asks_for_nothing(conversations, qtbot) -> None:
    with qtbot.assertNotEmitted(conversations.chosen):
        conversations.set_current(2)
    assert rows(conversations).currentItem().text() == "Boat names"


def test_arrows_walk_over_headings(conversations, qtbot) -> None:
    conversations.set_current(4)
    rows(conversations).setFocus()
    with qtbot.waitSignal(conversations.chosen) as chosen:
        qtbot.keyClick(rows(conversations), Qt.Key.Key_Down)
    assert chosen.args == [3]


def test_f2_renames(conversations, qtbot) -> None:
    field = begin_rename(conversations, "Regex help", qtbot)
    field.setText("  Regex,   explained ")
    with qtbot.waitSignal(conversations.renamed) as renamed:
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert renamed.args == [4, "Regex, explained"]


@pytest.mark.parametrize("typed", ["", "   ", "Regex help", " Regex  help "])
def test_a_rename_to_nothing_or_the_same_is_none(conversations, qtbot, typed) -> None:
    field = begin_rename(conversations, "Regex help", qtbot)
    field.setText(typed)
    with qtbot.assertNotEmitted(conversations.renamed):
        qtbot.keyClick(field, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: editor(conversations) is None)
    assert "Regex help" in texts(conversations)


def test_escape_ends_a_rename_without_a_trace(conversations, qtbot) -> None:
    field = begin_rename(conversations, "Regex help", qtbot)
    field.setText("something else")
    with qtbot.assertNotEmitted(conversations.renamed):
        qtbot.keyClick(field, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: editor(conversations) is None)
    assert "Regex help" in texts(conversations)


def test_keys_inside_a_rename_are_for_the_text(conversations, qtbot) -> None:
    field = begin_rename(conversations, "Regex help", qtbot)
    field.setCursorPosition(0)
    with qtbot.assertNotEmitted(conversations.delete_requested):
        qtbot.keyClick(field, Qt.Key.Key_Delete)
    assert field.text() == "egex help"


def test_a_refresh_does_not_end_a_rename(conversations, qtbot) -> None:
    field = begin_rename(conversations, "Regex help", qtbot)
    field.setText("Regex, half")
    conversations.set_summaries([summary(6, "Newer"), summary(4, "Regex help")])
    assert editor(conversations) is field
    field.setText("Regex, whole")
    with qtbot.waitSignal(conversations.renamed) as renamed:
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert renamed.args == [4, "Regex, whole"]
    qtbot.waitUntil(lambda: "Newer" in texts(conversations))


def test_delete_deletes_and_backspace_does_not(conversations, qtbot) -> None:
    conversations.set_current(3)
    rows(conversations).setFocus()
    with qtbot.assertNotEmitted(conversations.delete_requested):
        qtbot.keyClick(rows(conversations), Qt.Key.Key_Backspace)
    with qtbot.waitSignal(conversations.delete_requested) as deleted:
        qtbot.keyClick(rows(conversations), Qt.Key.Key_Delete)
    assert deleted.args == [3, "Über Straßen"]


def test_nothing_chosen_nothing_deleted(conversations, qtbot) -> None:
    rows(conversations).setFocus()
    rows(conversations).setCurrentRow(-1)
    with qtbot.assertNotEmitted(conversations.delete_requested):
        qtbot.keyClick(rows(conversations), Qt.Key.Key_Delete)
        qtbot.keyClick(rows(conversations), Qt.Key.Key_F2)
    assert editor(conversations) is None


def search(widget: ConversationList) -> QLineEdit:
    return next(f for f in widget.findChildren(QLineEdit) if f.accessibleName().startswith("Search"))


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("REGEX", ["Today", "Regex help"]),
        ("über strassen", ["Yesterday", "Über Straßen"]),
        ("  boat ", ["Last 7 days", "Boat names"]),
        ("no such thing", []),
        (".*", []),
    ],
)
def test_search_over_titles(conversations, qtbot, typed, found) -> None:
    qtbot.keyClicks(search(conversations), typed) if typed.isascii() else search(conversations).setText(typed)
    assert texts(conversations) == found
    search(conversations).clear()
    assert len(texts(conversations)) == 9


def test_enter_in_the_search_opens_the_first_found(conversations, qtbot) -> None:
    conversations.set_current(5)
    conversations.focus_search()
    search(conversations).setText("boat")
    with qtbot.waitSignal(conversations.chosen) as chosen, qtbot.waitSignal(conversations.left):
        qtbot.keyClick(search(conversations), Qt.Key.Key_Return)
    assert chosen.args == [2]


def test_a_search_stays_when_the_list_changes(conversations, qtbot) -> None:
    search(conversations).setText("boat")
    conversations.set_summaries([summary(9, "A bigger boat"), summary(4, "Regex help")])
    assert texts(conversations) == ["Today", "A bigger boat"]


def test_new_chat(conversations, qtbot) -> None:
    with qtbot.waitSignal(conversations.new_requested):
        qtbot.mouseClick(conversations.findChild(QPushButton), Qt.MouseButton.LeftButton)


def test_the_menu_opens_with_the_menu_key_and_knows_both_deeds(conversations, qtbot) -> None:
    conversations.set_current(4)
    rows(conversations).setFocus()
    at = rows(conversations).visualItemRect(row_of(conversations, "Regex help")).center()
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Keyboard, at, rows(conversations).viewport().mapToGlobal(at)
    )
    QApplication.sendEvent(rows(conversations).viewport(), event)
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert [action.text() for action in menu.actions()] == ["Rename", "Delete"]
    with qtbot.waitSignal(conversations.delete_requested) as deleted:
        menu.actions()[1].trigger()
    assert deleted.args == [4, "Regex help"]
    menu.close()


def test_there_is_no_menu_on_a_heading(conversations, qtbot) -> None:
    at = rows(conversations).visualItemRect(row_of(conversations, "Today")).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, QPoint(0, 0))
    QApplication.sendEvent(rows(conversations).viewport(), event)
    assert QApplication.activePopupWidget() is None


def test_a_thousand_rows_are_quick(conversations, qtbot) -> None:
    many = [summary(n, f"Conversation {n} about something", n // 30) for n in range(1000, 0, -1)]
    started = time.process_time()
    conversations.set_summaries(many)
    conversations.set_current(500)
    conversations.grab()
    filled = time.process_time() - started
    assert sum(text.startswith("Conversation") for text in texts(conversations)) == 1000
    started = time.process_time()
    search(conversations).setText("conversation 77")
    searched = time.process_time() - started
    assert len(texts(conversations)) >= 11
    # Computing time, so that a busy machine does not fail it: about 20 ms here.
    assert filled < 0.25
    assert searched < 0.1
