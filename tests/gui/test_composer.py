"""The message field: what its keys do, how it grows, what it keeps."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QColor, QInputMethodEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QPlainTextEdit, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.chat.composer import MAX_LINES, Composer


@pytest.fixture
def page(qtbot) -> QWidget:
    """A page with a composer at its foot, shown and focused."""
    page = QWidget()
    page.resize(600, 500)
    layout = QVBoxLayout(page)
    layout.addStretch(1)
    layout.addWidget(Composer(page))
    qtbot.addWidget(page)
    page.show()
    qtbot.waitExposed(page)
    page.activateWindow()
    composer(page).setFocus()
    qtbot.waitUntil(lambda: field(page).hasFocus())
    return page


def composer(page: QWidget) -> Composer:
    found = page.findChild(Composer)
    assert isinstance(found, Composer)
    return found


def field(page: QWidget) -> QPlainTextEdit:
    found = page.findChild(QPlainTextEdit)
    assert isinstance(found, QPlainTextEdit)
    return found


def button(page: QWidget) -> QAbstractButton:
    found = page.findChild(QAbstractButton)
    assert isinstance(found, QAbstractButton)
    return found


def written(page: QWidget) -> list[str]:
    """Collects what the composer submits from now on."""
    sent: list[str] = []
    composer(page).submitted.connect(sent.append)
    return sent


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_sends_and_empties(page, qtbot, key) -> None:
    sent = written(page)
    qtbot.keyClicks(field(page), "Hello there")
    qtbot.keyClick(field(page), key)
    assert sent == ["Hello there"]
    assert composer(page).text == ""


def test_shift_enter_breaks_the_line(page, qtbot) -> None:
    sent = written(page)
    qtbot.keyClicks(field(page), "one")
    qtbot.keyClick(field(page), Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(field(page), "two")
    assert sent == []
    assert composer(page).text == "one\ntwo"


@pytest.mark.parametrize("text", ["", "   ", "\n\n\t "])
def test_blank_text_is_not_sent(page, qtbot, text) -> None:
    sent = written(page)
    composer(page).set_text(text)
    assert not button(page).isEnabled()
    qtbot.keyClick(field(page), Qt.Key.Key_Return)
    assert sent == []


def test_the_button_sends_what_the_keys_would(page, qtbot) -> None:
    sent = written(page)
    qtbot.keyClicks(field(page), "Hello")
    assert button(page).accessibleName() == "Send"
    qtbot.mouseClick(button(page), Qt.MouseButton.LeftButton)
    assert sent == ["Hello"]
    assert not button(page).isEnabled()


def test_escape_stops_only_while_a_reply_comes(page, qtbot) -> None:
    stops: list[bool] = []
    composer(page).stop_requested.connect(lambda: stops.append(True))
    qtbot.keyClick(field(page), Qt.Key.Key_Escape)
    assert stops == []
    composer(page).set_replying(True)
    qtbot.keyClick(field(page), Qt.Key.Key_Escape)
    assert stops == [True]


def test_while_a_reply_comes_writing_goes_on_and_enter_waits(page, qtbot) -> None:
    sent = written(page)
    composer(page).set_replying(True)
    qtbot.keyClicks(field(page), "next question")
    qtbot.keyClick(field(page), Qt.Key.Key_Return)
    assert sent == []
    assert composer(page).text == "next question"
    assert button(page).accessibleName() == "Stop"
    with qtbot.waitSignal(composer(page).stop_requested):
        qtbot.mouseClick(button(page), Qt.MouseButton.LeftButton)
    composer(page).set_replying(False)
    qtbot.keyClick(field(page), Qt.Key.Key_Return)
    assert sent == ["next question"]


@pytest.mark.parametrize("line", ["plain words", "漢字とÄ", "नमस्ते"])
def test_it_grows_with_its_lines_and_shows_them_all(page, qtbot, line) -> None:
    one = field(page).height()
    for count in (2, 5, MAX_LINES - 1):
        composer(page).set_text("\n".join([line] * count))
        qtbot.waitUntil(lambda: field(page).height() == field(page).sizeHint().height())
        assert field(page).height() > one
        assert field(page).verticalScrollBar().maximum() == 0
        one = field(page).height()


def test_it_grows_no_further_than_its_limit_and_then_scrolls(page, qtbot) -> None:
    composer(page).set_text("\n".join(["line"] * MAX_LINES))
    qtbot.waitUntil(lambda: field(page).height() == field(page).sizeHint().height())
    limit = field(page).height()
    composer(page).set_text("\n".join(["line"] * (MAX_LINES + 20)))
    qtbot.waitUntil(lambda: field(page).verticalScrollBar().isVisible())
    assert field(page).height() == limit
    composer(page).set_text("")
    qtbot.waitUntil(lambda: field(page).height() < limit / 3)
    assert not field(page).verticalScrollBar().isVisible()


def test_one_line_stands_in_the_middle(page, qtbot) -> None:
    qtbot.waitUntil(lambda: field(page).height() == field(page).sizeHint().height())
    field(page).setCursorWidth(0)
    composer(page).set_text("xxxx")
    image = composer(page).grab().toImage()
    background = image.pixelColor(image.width() // 2, image.height() // 2)
    rows = [
        y
        for y in range(4, image.height() - 4)
        if any(image.pixelColor(x, y) != background for x in range(20, 40))
    ]
    middle = (rows[0] + rows[-1]) / 2
    # Small letters stand a little below the middle of their line.
    assert abs(middle - image.height() / 2) <= 3


def test_a_long_paste_is_taken_whole_and_soon(page, qtbot) -> None:
    text = "\n".join(f"Zeile {n}: äöü 漢字 🙂" for n in range(20_000))
    mime = QMimeData()
    mime.setText(text)
    QApplication.clipboard().setMimeData(mime)
    sent = written(page)
    field(page).paste()
    assert composer(page).text == text
    qtbot.keyClick(field(page), Qt.Key.Key_Return)
    assert sent == [text]


def test_pasted_markup_stays_text(page, qtbot) -> None:
    mime = QMimeData()
    mime.setHtml("<b>bold</b>")
    mime.setText("<b>bold</b>")
    QApplication.clipboard().setMimeData(mime)
    field(page).paste()
    assert composer(page).text == "<b>bold</b>"


def test_a_draft_is_kept_after_a_pause(page, qtbot) -> None:
    with qtbot.waitSignal(composer(page).draft_changed, timeout=5000) as kept:
        qtbot.keyClicks(field(page), "half a thought")
    assert kept.args == ["half a thought"]


def test_a_draft_is_kept_at_once_when_asked_and_only_if_it_changed(page, qtbot) -> None:
    drafts: list[str] = []
    composer(page).draft_changed.connect(drafts.append)
    composer(page).set_text("kept already")
    composer(page).flush_draft()
    assert drafts == []
    qtbot.keyClicks(field(page), "!")
    composer(page).flush_draft()
    assert drafts == ["kept already!"]


def test_what_was_sent_is_no_draft(page, qtbot) -> None:
    drafts: list[str] = []
    composer(page).draft_changed.connect(drafts.append)
    qtbot.keyClicks(field(page), "sent")
    qtbot.keyClick(field(page), Qt.Key.Key_Return)
    composer(page).flush_draft()
    assert drafts == []


def test_the_cursor_stands_after_a_draft(page, qtbot) -> None:
    composer(page).set_text("Hello")
    qtbot.keyClicks(field(page), " there")
    assert composer(page).text == "Hello there"


def test_keys_of_an_input_method_are_its_own(page, qtbot) -> None:
    sent = written(page)
    stops: list[bool] = []
    composer(page).stop_requested.connect(lambda: stops.append(True))
    QApplication.sendEvent(field(page), QInputMethodEvent("にほん", []))
    qtbot.keyClick(field(page), Qt.Key.Key_Return)
    composer(page).set_replying(True)
    qtbot.keyClick(field(page), Qt.Key.Key_Escape)
    composer(page).set_replying(False)
    assert (sent, stops) == ([], [])
    committed = QInputMethodEvent("", [])
    committed.setCommitString("日本")
    QApplication.sendEvent(field(page), committed)
    qtbot.keyClick(field(page), Qt.Key.Key_Return)
    assert [text.strip() for text in sent] == ["日本"]


def test_tab_leaves_the_field(page, qtbot) -> None:
    qtbot.keyClicks(field(page), "x")
    qtbot.keyClick(field(page), Qt.Key.Key_Tab)
    assert button(page).hasFocus()
    assert composer(page).text == "x"


def colour_of_the_border(page: QWidget) -> QColor:
    image = composer(page).grab().toImage()
    return image.pixelColor(image.width() // 2, 0)


def test_the_border_says_where_the_keys_go(page, qtbot) -> None:
    assert colour_of_the_border(page) == theme.current().accent
    field(page).clearFocus()
    qtbot.waitUntil(lambda: not field(page).hasFocus())
    assert colour_of_the_border(page) == theme.current().hairline


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_button_is_a_filled_circle_when_it_can_be_pressed(page, qtbot, scheme) -> None:
    theme.source().set_scheme(scheme)
    composer(page).set_text("x")
    assert button(page).grab().toImage().pixelColor(6, 17) == theme.current().accent
    composer(page).set_text("")
    assert button(page).grab().toImage().pixelColor(6, 17) != theme.current().accent
