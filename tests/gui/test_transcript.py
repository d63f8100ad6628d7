"""The page of a conversation, with real widgets."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from app.domain.conversation import Message, MessageState
from app.domain.generation import Role
from app.domain.metrics import GenerationMetrics
from app.ui import theme
from app.ui.chat.code_block import CodeBlock
from app.ui.chat.inert_text import InertText
from app.ui.chat.message_footer import status_line
from app.ui.chat.message_widget import MessageWidget, PersonMessage, ReplyMessage
from app.ui.chat.prose import ProseText
from app.ui.chat.transcript import TranscriptView

METRICS = GenerationMetrics(ttft_s=0.21, duration_s=10.0, prompt_tokens=20, completion_tokens=181)
TEXTS = (
    "A short one.",
    "A longer paragraph of words. " * 20,
    "A list:\n\n- one\n- two\n- three\n\nand the end.",
    "Code:\n\n```python\nx = 1\nprint(x)\n```\n\nDone.",
)


def person(number: int, text: str = "A question?") -> Message:
    return Message(number, number - 1 or None, Role.USER, text, 0.0)


def reply(number: int, text: str = "An answer.", **changes) -> Message:
    made = Message(number, number - 1, Role.ASSISTANT, text, 0.0, model="SmolLM2", metrics=METRICS)
    return replace(made, **changes)


def conversation(count: int) -> list[Message]:
    return [reply(n, TEXTS[n % 4]) if n % 2 == 0 else person(n, TEXTS[n % 3]) for n in range(1, count + 1)]


def streaming(number: int) -> Message:
    return reply(number, "", state=MessageState.STREAMING, metrics=None)


@pytest.fixture
def view(qtbot) -> TranscriptView:
    made = TranscriptView()
    made.resize(900, 600)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def rows(view: TranscriptView) -> list[MessageWidget]:
    """The message widgets on the page, from the top."""
    found = [w for w in view.viewport().children() if isinstance(w, MessageWidget) and not w.isHidden()]
    return sorted(found, key=lambda widget: widget.y())


def widget_of(view: TranscriptView, message_id: int) -> MessageWidget:
    return next(widget for widget in rows(view) if widget.message_id == message_id)


def reply_of(view: TranscriptView, message_id: int) -> ReplyMessage:
    widget = widget_of(view, message_id)
    assert isinstance(widget, ReplyMessage)
    return widget


def words_of(widget: MessageWidget) -> list[str]:
    if isinstance(widget, PersonMessage):
        return [widget.text.toPlainText()]
    assert isinstance(widget, ReplyMessage)
    return [
        part.text.toPlainText() if isinstance(part, CodeBlock) else part.toPlainText()
        for part in widget.text.parts
    ]


def wheel(view: TranscriptView, turn: int) -> None:
    """Turn the wheel over the middle of the page, as a mouse does."""
    middle = view.viewport().mapTo(view.window(), view.viewport().rect().center())
    QTest.wheelEvent(view.window().windowHandle(), QPointF(middle), QPoint(0, turn))
    QApplication.processEvents()


def assert_seamless(view: TranscriptView) -> None:
    """Every place in the window belongs to a row, and rows neither overlap nor leave gaps."""
    shown = rows(view)
    for above, below in pairwise(shown):
        assert below.y() == above.y() + above.height()
        assert below.message_id == above.message_id + 1


# Opening and scrolling


def test_it_opens_at_the_end(view: TranscriptView) -> None:
    view.set_messages(conversation(100))
    assert view.following
    last = rows(view)[-1]
    assert last.message_id == 100
    assert last.y() + last.height() + 24 == view.viewport().height()
    assert_seamless(view)


def test_it_is_at_the_end_when_its_window_opens(qtbot) -> None:
    made = TranscriptView()
    qtbot.addWidget(made)
    made.resize(720, 900)
    made.set_messages(conversation(30))
    made.show()
    qtbot.waitActive(made)
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None)
    assert made.following
    assert rows(made)[-1].message_id == 30
    assert rows(made)[-1].y() + rows(made)[-1].height() + 24 == made.viewport().height()


def test_a_short_conversation_begins_at_the_top(view: TranscriptView) -> None:
    view.set_messages([person(1), reply(2)])
    assert rows(view)[0].y() == 24
    assert view.verticalScrollBar().maximum() == 0


def test_the_column_is_narrow_and_centred(view: TranscriptView) -> None:
    view.resize(1300, 600)
    view.set_messages(conversation(10))
    [first, *_] = rows(view)
    assert first.width() == theme.COLUMN_WIDTH
    assert abs(first.x() - (view.viewport().width() - theme.COLUMN_WIDTH) / 2) <= 1
    view.resize(500, 600)
    assert rows(view)[0].width() == view.viewport().width() - 48
    assert_seamless(view)


def test_few_widgets_for_ten_thousand_rows(view: TranscriptView) -> None:
    view.set_messages(conversation(10_000))
    bar = view.verticalScrollBar()
    most = 0
    for step in range(100):
        bar.setValue(int(bar.maximum() * step / 100))
        most = max(most, len(view.viewport().children()))
        assert_seamless(view)
    assert most <= 45
    bar.setValue(0)
    assert rows(view)[0].message_id == 1
    assert rows(view)[0].y() == 24
    bar.setValue(bar.maximum())
    assert rows(view)[-1].message_id == 10_000


def test_what_is_in_view_stays_while_guesses_become_real(view: TranscriptView) -> None:
    view.set_messages(conversation(2000))
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    for _ in range(100):
        mark = rows(view)[len(rows(view)) // 2]
        number, before = mark.message_id, mark.y()
        wheel(view, 120)
        step = widget_of(view, number).y() - before
        assert 0 < step <= 200
        assert_seamless(view)


def test_the_place_stays_when_the_window_is_resized(view: TranscriptView, qtbot) -> None:
    view.set_messages(conversation(300))
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    first = next(w for w in rows(view) if w.y() + w.height() > 0).message_id
    for width in range(880, 500, -20):
        view.resize(width, 600)
        assert_seamless(view)
    assert first in {w.message_id for w in rows(view) if w.y() + w.height() > 0}
    qtbot.waitUntil(lambda: not view._settle.isActive())
    assert first in {w.message_id for w in rows(view) if w.y() + w.height() > 0}


def test_keys_scroll(view: TranscriptView, qtbot) -> None:
    view.set_messages(conversation(100))
    bar = view.verticalScrollBar()
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert bar.value() == 0
    qtbot.keyClick(view, Qt.Key.Key_PageDown)
    assert bar.value() > 300
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert view.following
    words = rows(view)[-1].focus_chain()[0]
    qtbot.keyClick(words, Qt.Key.Key_PageUp)
    assert not view.following


# Following


def test_it_follows_what_is_being_written(view: TranscriptView) -> None:
    view.set_messages(conversation(20))
    view.append(streaming(21))
    for _ in range(60):
        view.stream_text(21, "More and more words come. ")
        last = rows(view)[-1]
        assert last.y() + last.height() + 24 == view.viewport().height()


@pytest.mark.parametrize("how", ["wheel", "key", "bar"])
def test_a_look_back_is_not_disturbed(view: TranscriptView, qtbot, how: str) -> None:
    view.set_messages(conversation(30))
    view.append(streaming(31))
    near: list[bool] = []
    view.near_bottom_changed.connect(near.append)
    if how == "wheel":
        wheel(view, 120)
    elif how == "key":
        qtbot.keyClick(view, Qt.Key.Key_Up)
    else:
        view.verticalScrollBar().setValue(view.verticalScrollBar().value() - 50)
    assert near == [False]
    assert not view.following
    before = {widget.message_id: widget.y() for widget in rows(view)}
    for _ in range(30):
        view.stream_text(31, "Words that must not move the page.\n\n")
    view.append(person(32))
    after = {widget.message_id: widget.y() for widget in rows(view)}
    assert {n: y for n, y in after.items() if n in before and n <= 31} == {
        n: before[n] for n in after if n in before and n <= 31
    }


def test_the_way_back_to_the_end(view: TranscriptView, qtbot) -> None:
    view.set_messages(conversation(30))
    jump = view._jump
    assert jump.isHidden()
    wheel(view, 240)
    assert not jump.isHidden()
    assert jump.accessibleName() == "Jump to the end"
    jump.setFocus()
    qtbot.keyClick(jump, Qt.Key.Key_Space)
    assert view.following
    assert jump.isHidden()
    assert rows(view)[-1].message_id == 30


def test_scrolling_down_to_the_end_follows_again(view: TranscriptView) -> None:
    view.set_messages(conversation(30))
    wheel(view, 120)
    wheel(view, -240)
    assert view.following


# Streaming


@pytest.mark.parametrize("size", [1, 7, 26])
def test_a_streamed_reply_is_the_same_as_a_fresh_one(view: TranscriptView, size: int) -> None:
    text = "\n\n".join(TEXTS)
    view.set_messages([person(1)])
    view.append(streaming(2))
    for at in range(0, len(text), size):
        view.stream_text(2, text[at : at + size])
    view.replace(reply(2, text))
    streamed, height = words_of(widget_of(view, 2)), widget_of(view, 2).height()
    view.set_messages([person(1), reply(2, text)])
    assert words_of(widget_of(view, 2)) == streamed
    assert widget_of(view, 2).height() == height


def test_the_end_of_a_reply_draws_nothing_again(view: TranscriptView, monkeypatch) -> None:
    view.set_messages([person(1)])
    view.append(streaming(2))
    view.stream_text(2, "First.\n\nSecond.\n\nThird")
    drawn: list[str] = []
    freeze = ProseText.freeze

    def watched(prose: ProseText, source: str) -> None:
        drawn.append(source)
        freeze(prose, source)

    monkeypatch.setattr(ProseText, "freeze", watched)
    view.replace(reply(2, "First.\n\nSecond.\n\nThird"))
    assert drawn == ["Second.\n\n", "Third"]  # what was open, and only that
    assert words_of(widget_of(view, 2)) == ["First.\nSecond.\nThird"]


def test_another_final_text_is_drawn_as_it_is(view: TranscriptView) -> None:
    view.set_messages([person(1)])
    view.append(streaming(2))
    view.stream_text(2, "Half of a reply")
    view.replace(reply(2, "Something else."))
    assert words_of(widget_of(view, 2)) == ["Something else."]
    assert view._model.live(2) is None


def test_what_comes_out_of_sight_is_there_later(view: TranscriptView) -> None:
    view.set_messages(conversation(200))
    view.append(streaming(201))
    view.verticalScrollBar().setValue(0)
    for word in ["Out ", "of ", "sight."]:
        view.stream_text(201, word)
    view.jump_to_end()
    assert words_of(widget_of(view, 201)) == ["Out of sight."]
    view.stream_text(201, " And on.")
    view.verticalScrollBar().setValue(0)
    view.replace(reply(201, "Out of sight. And on."))
    view.jump_to_end()
    assert words_of(widget_of(view, 201)) == ["Out of sight. And on."]


def test_a_reply_that_had_begun_goes_on(view: TranscriptView) -> None:
    view.set_messages([person(1), reply(2, "It had ", state=MessageState.STREAMING, metrics=None)])
    view.stream_text(2, "begun.")
    assert words_of(widget_of(view, 2)) == ["It had begun."]


def test_a_message_of_another_conversation_is_ignored(view: TranscriptView) -> None:
    view.set_messages([person(1)])
    view.stream_text(99, "text")
    view.stream_reasoning(99, "text")
    view.replace(reply(99))
    assert len(rows(view)) == 1


def test_it_waits_quietly_and_shows_it_only_after_a_while(view: TranscriptView, qtbot) -> None:
    view.set_messages([person(1)])
    view.append(streaming(2))
    dots = reply_of(view, 2).dots
    assert dots is not None
    assert not dots.isHidden()
    assert not dots.drawn
    qtbot.waitUntil(lambda: dots.drawn)
    height = widget_of(view, 2).height()
    view.stream_text(2, "A")
    assert dots.isHidden()
    assert widget_of(view, 2).height() == height


# What a message says of itself


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (reply(2), "18.4 tok/s · first token 0.21 s"),
        (reply(2, metrics=None), ""),
        (reply(2, metrics=GenerationMetrics(0.5, 1.0)), "first token 0.50 s"),
        (reply(2, state=MessageState.STOPPED, metrics=None), "Stopped."),
        (reply(2, state=MessageState.STOPPED), "Stopped.  18.4 tok/s · first token 0.21 s"),
        (
            reply(2, state=MessageState.CUT, metrics=None),
            "Cut: the longest reply or the end of the context was reached.",
        ),
    ],
)
def test_the_line_below_a_reply(view: TranscriptView, message: Message, line: str) -> None:
    assert status_line(message) == line
    view.set_messages([person(1), message])
    assert reply_of(view, 2).footer.status == line


def test_an_interrupted_reply_says_why_and_offers_the_ways_on(view: TranscriptView, qtbot) -> None:
    broken = reply(2, "Half", state=MessageState.INTERRUPTED, error="The engine stopped.", metrics=None)
    view.set_messages([person(1), broken])
    failure = reply_of(view, 2).failure
    assert failure is not None
    assert failure.words == "The engine stopped."
    assert words_of(widget_of(view, 2)) == ["Half"]
    with qtbot.waitSignal(view.restart_requested) as restart:
        qtbot.mouseClick(failure.restart_button, Qt.MouseButton.LeftButton)
    assert restart.args == [2]
    with qtbot.waitSignal(view.show_log_requested):
        qtbot.mouseClick(failure.log_button, Qt.MouseButton.LeftButton)
    view.replace(reply(2, "Half"))
    assert failure.isHidden()


def test_a_thought_is_folded_until_asked_for(view: TranscriptView, qtbot) -> None:
    view.set_messages([person(1), reply(2, "Said.", reasoning="Thought about it.")])
    thought = reply_of(view, 2).thought
    assert thought is not None
    assert thought.text is None
    assert thought.button.accessibleName() == "Thought, folded"
    height = widget_of(view, 2).height()
    qtbot.keyClick(thought.button, Qt.Key.Key_Space)
    assert thought.text is not None
    assert thought.text.toPlainText() == "Thought about it."
    assert widget_of(view, 2).height() > height
    qtbot.mouseClick(thought.button, Qt.MouseButton.LeftButton)
    assert widget_of(view, 2).height() == height


def test_a_thought_can_be_followed(view: TranscriptView, qtbot) -> None:
    view.set_messages([person(1)])
    view.append(streaming(2))
    view.stream_reasoning(2, "First I ")
    thought = reply_of(view, 2).thought
    assert thought is not None
    assert thought.button.text() == "Thinking…"
    qtbot.mouseClick(thought.button, Qt.MouseButton.LeftButton)
    view.stream_reasoning(2, "think.")
    assert thought.text is not None
    assert thought.text.toPlainText() == "First I think."
    view.stream_text(2, "Said.")
    view.replace(reply(2, "Said.", reasoning="First I think."))
    assert thought.button.text() == "Thought"


def test_what_was_left_out_is_said_above_the_first_that_was_not(view: TranscriptView) -> None:
    view.set_messages(conversation(8))
    view.set_left_out(6)
    dividers = {w.message_id: w._divider for w in rows(view) if w._divider and not w._divider.isHidden()}
    assert list(dividers) == [7]
    assert dividers[7] is not None
    said = "The 6 messages above no longer fit into the context and were left out."
    assert dividers[7].words == said
    assert_seamless(view)
    view.set_left_out(2)
    assert [w.message_id for w in rows(view) if w._divider and not w._divider.isHidden()] == [3]
    view.set_left_out(0)
    assert not [w for w in rows(view) if w._divider and not w._divider.isHidden()]


def test_a_system_prompt_is_not_counted_as_left_out(view: TranscriptView) -> None:
    prompt = Message(1, None, Role.SYSTEM, "Be brief.", 0.0)
    view.set_messages([prompt, person(2), reply(3), person(4), reply(5)])
    view.set_left_out(2)
    assert [w.message_id for w in rows(view) if w._divider and not w._divider.isHidden()] == [4]


def long_reply(number: int) -> Message:
    return reply(number, "\n\n".join(f"Paragraph {n}. {TEXTS[n % 4]}" for n in range(400)))


def test_a_very_long_reply_is_drawn_only_where_it_is_seen(view: TranscriptView) -> None:
    view.set_messages([person(1), long_reply(2), person(3)])
    bar = view.verticalScrollBar()
    assert bar.maximum() > 30_000
    most = 0
    for step in range(60, -1, -1):
        bar.setValue(int(bar.maximum() * step / 60))
        most = max(most, len(reply_of(view, 2).text.parts))
        assert_seamless(view)
    assert most < 60
    assert words_of(widget_of(view, 2))[0].startswith("Paragraph 0.")
    bar.setValue(bar.maximum())
    assert "Paragraph 398." in "".join(words_of(widget_of(view, 2))[-3:])


@pytest.mark.parametrize("turn", [120, -120])
def test_scrolling_through_a_very_long_reply_is_steady(view: TranscriptView, turn: int) -> None:
    """What is in view moves by the wheel's step, although what comes near turns out higher or lower."""
    view.set_messages([person(1), long_reply(2), person(3)])
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)

    def places() -> dict[QWidget, tuple[int, int]]:
        window = range(view.viewport().height())
        found: dict[QWidget, tuple[int, int]] = {}
        for part in reply_of(view, 2).text.parts:
            top = part.mapTo(view.viewport(), QPoint()).y()
            if top in window or top + part.height() in window:
                found[part] = (top, part.height())
        return found

    for _ in range(120):
        before = places()
        wheel(view, turn)
        after = places()
        steps = {
            after[part][0] - before[part][0]
            for part in before
            if part in after and before[part][1] == after[part][1]
        }
        assert len(steps) == 1, steps
        assert 100 < abs(steps.pop()) < 150


def test_a_long_reply_being_written_keeps_few_widgets(view: TranscriptView) -> None:
    text = long_reply(2).text
    view.set_messages([person(1)])
    view.append(streaming(2))
    for at in range(0, len(text), 400):
        view.stream_text(2, text[at : at + 400])
    assert len(reply_of(view, 2).text.parts) < 60
    view.replace(long_reply(2))
    last = rows(view)[-1]
    assert last.y() + last.height() + 24 == view.viewport().height()


# Hands and ears


def test_a_persons_words_stay_as_typed(view: TranscriptView) -> None:
    text = "<b>not bold</b> **nor this**\n  two  spaces\n# no heading"
    view.set_messages([person(1, text)])
    assert words_of(widget_of(view, 1)) == [text]
    bubble = widget_of(view, 1)
    assert isinstance(bubble, PersonMessage)
    assert bubble._bubble.right() == bubble.width() - 1
    assert bubble._bubble.width() < 0.8 * bubble.width()


@pytest.mark.parametrize("number", [1, 2])
def test_copying_a_message(view: TranscriptView, qtbot, number: int) -> None:
    view.set_messages([person(1, "my **words**"), reply(2, "its **words**")])
    widget = widget_of(view, number)
    button = widget.copy_button if isinstance(widget, PersonMessage) else reply_of(view, 2).footer.copy_button
    with qtbot.waitSignal(view.copy_requested) as told:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert told.args == [number]
    assert QGuiApplication.clipboard().text() == ["my **words**", "its **words**"][number - 1]
    assert button.confirming


def test_actions_show_on_hover_and_focus_without_moving_anything(view: TranscriptView, qtbot) -> None:
    view.set_messages([person(1), reply(2)])
    widget = reply_of(view, 2)
    buttons = (widget.footer.copy_button, widget.footer.regenerate_button)
    heights = [w.height() for w in rows(view)]
    # The pointer lies where an earlier test left it, and that may be here.
    QCoreApplication.sendEvent(widget, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: not any(button.drawn for button in buttons))
    widget.text.parts[0].setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(lambda: all(button.drawn for button in buttons))
    assert [w.height() for w in rows(view)] == heights
    view.setFocus()
    qtbot.waitUntil(lambda: not any(button.drawn for button in buttons))


def test_regenerating(view: TranscriptView, qtbot) -> None:
    view.set_messages([person(1), reply(2)])
    with qtbot.waitSignal(view.regenerate_requested) as told:
        qtbot.keyClick(reply_of(view, 2).footer.regenerate_button, Qt.Key.Key_Space)
    assert told.args == [2]


def test_the_menu_key_reaches_every_action(view: TranscriptView, qtbot) -> None:
    view.set_messages([person(1), reply(2, "select me")])
    prose = reply_of(view, 2).text.parts[0]
    assert isinstance(prose, ProseText)
    prose.selectAll()
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), prose.mapToGlobal(QPoint(5, 5))
    )
    QCoreApplication.sendEvent(prose, event)
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    actions = {action.text(): action for action in menu.actions()}
    assert list(actions) == ["Copy selection", "Copy message", "Regenerate reply"]
    actions["Copy selection"].trigger()
    assert QGuiApplication.clipboard().text() == "select me"
    with qtbot.waitSignal(view.regenerate_requested):
        actions["Regenerate reply"].trigger()
    menu.close()


def test_words_are_selected_and_copied_by_keyboard(view: TranscriptView, qtbot) -> None:
    view.set_messages([person(1), reply(2, "keyboard words")])
    prose = reply_of(view, 2).text.parts[0]
    prose.setFocus()
    qtbot.keyClick(prose, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(prose, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "keyboard words"


def test_tab_reads_the_page_downwards(view: TranscriptView, qtbot) -> None:
    view.set_messages(conversation(60))
    wheel(view, 1200)
    qtbot.keyClick(view, Qt.Key.Key_Home)
    view.activateWindow()
    view.setFocus()
    qtbot.waitUntil(view.hasFocus)
    visited: list[int] = []
    for _ in range(90):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        focus = QApplication.focusWidget()
        assert focus is not None
        holder = next((w for w in rows(view) if w.isAncestorOf(focus)), None)
        if holder is None:
            break
        assert focus.mapTo(view.viewport(), QPoint()).y() < view.viewport().height()
        visited.append(holder.message_id)
    assert visited == sorted(visited)
    assert set(range(1, max(visited) + 1)) == set(visited)
    assert max(visited) > 20


def test_names_for_the_ear(view: TranscriptView) -> None:
    view.set_messages([person(1), reply(2, TEXTS[3]), reply(3, model=None)])
    assert view.accessibleName() == "Conversation"
    assert [widget.accessibleName() for widget in rows(view)] == [
        "You",
        "Reply from SmolLM2",
        "Reply from the model",
    ]
    named: list[QWidget] = [part for widget in rows(view) for part in widget.focus_chain()]
    assert all(part.accessibleName() for part in named)
    assert {"Copy message", "Copy reply", "Regenerate reply", "Copy code", "Python code"} <= {
        part.accessibleName() for part in named
    }


def test_nothing_is_selected_that_nobody_selected(view: TranscriptView) -> None:
    view.set_messages(conversation(8))
    view.append(streaming(9))
    for piece in ("Some **words**", " and\n\n```python\n", "x = 1\n", "y = '" + "z" * 200, "'\n```\nend"):
        view.stream_text(9, piece)
    texts = [part for widget in rows(view) for part in widget.focus_chain() if isinstance(part, InertText)]
    assert len(texts) > 6
    assert not any(text.textCursor().hasSelection() for text in texts)
    assert not any(text.horizontalScrollBar().value() for text in texts)


def test_links_are_told_to_the_window(view: TranscriptView, qtbot) -> None:
    view.set_messages([person(1), reply(2, "[a](https://example.org)")])
    prose = reply_of(view, 2).text.parts[0]
    assert isinstance(prose, ProseText)
    at = prose.cursorRect(prose.textCursor()).center() + QPoint(3, 0)
    with qtbot.waitSignal(view.link_activated) as told:
        qtbot.mouseClick(prose.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert told.args[0].toString() == "https://example.org"


# Themes and memory


def test_the_theme_changes_under_a_conversation(view: TranscriptView, qapp) -> None:
    view.set_messages([*conversation(5), reply(6, reasoning="Hm."), streaming(7)])
    view.stream_text(7, "Half of `a` reply")
    thought = reply_of(view, 6).thought
    assert thought is not None
    thought.button.click()
    before = [words_of(widget) for widget in rows(view)]
    theme.apply(qapp, "dark")
    assert [words_of(widget) for widget in rows(view)] == before
    image = view.grab().toImage()
    assert image.pixelColor(2, 2) == theme.dark().window
    texts = [part for widget in rows(view) for part in widget.focus_chain() if isinstance(part, InertText)]
    assert {part.palette().highlight().color().name() for part in texts} == {theme.dark().selection().name()}
    view.stream_text(7, ", and the rest.")
    assert words_of(widget_of(view, 7)) == ["Half of a reply, and the rest."]


def test_two_hundred_conversations_leave_no_widgets_behind(view: TranscriptView, qtbot) -> None:
    def widgets() -> int:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        return len(view.findChildren(QWidget))

    talks = [conversation(40), [person(1), reply(2, "\n\n".join(TEXTS) * 5)], conversation(3)]

    def switch(times: int) -> int:
        for number in range(times):
            view.set_messages(talks[number % 3])
            view.append(streaming(90))
            view.stream_text(90, TEXTS[3])
        return widgets()

    before = switch(30)
    assert switch(201) <= before


def test_a_closed_page_is_gone(qtbot, qapp) -> None:
    made = TranscriptView()
    gone: list[bool] = []
    made.destroyed.connect(lambda: gone.append(True))
    made.set_messages(conversation(10))
    made.deleteLater()
    del made
    wait_for: Callable[[], bool] = lambda: bool(gone)  # noqa: E731
    qtbot.waitUntil(wait_for)
    theme.apply(qapp, "dark")


def test_clear(view: TranscriptView) -> None:
    view.set_messages(conversation(5))
    view.clear()
    assert rows(view) == []
    view.append(person(1))
    assert len(rows(view)) == 1


# --- the messages before ---------------------------------------------------------------------------------


def test_what_comes_before_moves_nothing(view) -> None:
    messages = conversation(400)
    view.set_messages(messages[350:])
    before = {row.message_id: row.y() for row in rows(view)}
    view.prepend(messages[:350])
    assert {row.message_id: row.y() for row in rows(view)} == before
    assert view.following
    view.verticalScrollBar().setValue(0)
    assert rows(view)[0].message_id == 1
    view.jump_to_end()
    assert rows(view)[-1].message_id == 400


def test_what_comes_before_moves_nothing_of_what_is_read_further_up(view) -> None:
    messages = conversation(400)
    view.set_messages(messages[350:])
    view.scroll_to(360)
    before = {row.message_id: row.y() for row in rows(view)}
    view.prepend(messages[:350])
    assert {row.message_id: row.y() for row in rows(view)} == before
    assert not view.following


def test_a_reply_grows_on_when_what_comes_before_arrives(view) -> None:
    messages = conversation(120)
    view.set_messages([*messages[100:], streaming(121)])
    view.stream_text(121, "Half of ")
    view.prepend(messages[:100])
    view.stream_text(121, "a reply")
    assert rows(view)[-1].message_id == 121
    assert "Half of a reply" in rows(view)[-1].findChildren(ProseText)[0].toPlainText()


def test_the_end_of_the_context_is_marked_once_it_can_be_counted(view) -> None:
    messages = conversation(60)
    view.set_messages(messages[50:])
    view.set_left_out(54)
    assert not [w for w in rows(view) if w._divider and not w._divider.isHidden()]
    view.prepend(messages[:50])
    assert [w.message_id for w in rows(view) if w._divider and not w._divider.isHidden()] == [55]
