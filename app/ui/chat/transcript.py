"""The page of a conversation. Only what can be seen exists as widgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QFrame, QWidget

from app.domain.conversation import Message
from app.domain.generation import Role
from app.ui import theme
from app.ui.chat.jump_button import JumpButton
from app.ui.chat.message_widget import MessageWidget, PersonMessage, ReplyMessage
from app.ui.chat.reply import LiveReply
from app.ui.chat.row_placer import MARGIN, PAD, RowPlacer
from app.ui.chat.spare_messages import SpareMessages
from app.ui.chat.tab_order import TabOrder, distance_into_view
from app.ui.chat.transcript_model import TranscriptModel

_SETTLE_MS = 200


class TranscriptView(QAbstractScrollArea):
    """Shows the messages of one conversation and follows the one being written.

    The place on the page is kept as an anchor, a row and how far it reaches above the window: heights of
    rows nobody has seen are guesses, and when a guess becomes real only the scroll bar moves.
    """

    copy_requested = Signal(int)
    """A message was copied; it is on the clipboard already."""
    regenerate_requested = Signal(int)
    restart_requested = Signal(int)
    """Start the engine again, then regenerate this message."""
    show_log_requested = Signal()
    link_activated = Signal(QUrl)
    near_bottom_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = TranscriptModel()
        self._shown: dict[int, MessageWidget] = {}
        self._spare = SpareMessages()
        self._anchor = (0, -PAD)
        self._following = True
        self._placing = False
        self._column = 0
        self._left_out = 0
        self._tabs = TabOrder()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Conversation")
        self.viewport().setBackgroundRole(QPalette.ColorRole.Window)  # opaque, so that it can be scrolled
        self._jump = JumpButton(self)
        self._jump.clicked.connect(self.jump_to_end)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._guess_again)
        theme.source().changed.connect(self._draw_again)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_moved)

    # What it shows

    def set_messages(self, messages: Iterable[Message]) -> None:
        """Show another conversation, from its end."""
        for row in list(self._shown):
            self._release(row)
        self._left_out = 0
        self._model.set_messages(messages, self._column_width())
        self.jump_to_end()

    def prepend(self, earlier: Sequence[Message]) -> None:
        """Add all the messages before the first one; what is in view stays where it is."""
        self._model.prepend(earlier, self._column_width())
        self._shown = {row + len(earlier): widget for row, widget in self._shown.items()}
        row, offset = self._anchor
        self._anchor = (row + len(earlier), offset)
        for row, widget in self._shown.items():
            self._mark(row, widget)
            self._model.heights[row] = widget.height_for(self._column)
        self._place()

    def clear(self) -> None:
        """Show nothing."""
        self.set_messages([])

    def append(self, message: Message) -> None:
        """Add a message at the end."""
        self._model.append(message, self._column_width())
        self._place()

    def replace(self, message: Message) -> None:
        """Show `message` instead of the one with its id; one that is not here is ignored.

        What is drawn already of the same text stays: a reply that ends is not drawn again.
        """
        row = self._model.row_of(message.id)
        if row is None:
            return
        live = self._model.live(message.id)
        same_text = self._model.replace(message)
        widget = self._shown.get(row)
        if widget is None:
            return
        if live is not None and same_text and self._model.live(message.id) is None:
            live.markdown.finish()
        thought_open = self._model.thought_open(message.id)
        if same_text and isinstance(widget, ReplyMessage):
            widget.update_message(message, live, thought_open=thought_open)
        else:
            widget.show_message(message, None, thought_open=thought_open)
        self._measure(row)

    def stream_text(self, message_id: int, new_text: str) -> None:
        """Add what has come of a reply since the last call; a message that is not here is ignored."""
        row = self._model.row_of(message_id)
        if row is None or not new_text:
            return
        live = self._live(row)
        live.feed(new_text)
        widget = self._shown.get(row)
        if isinstance(widget, ReplyMessage):
            parts = widget.text.changes
            widget.follow(live)
            self._measure(row, parts_changed=widget.text.changes != parts)

    def stream_reasoning(self, message_id: int, new_text: str) -> None:
        """Add what the model has thought since the last call; a message that is not here is ignored."""
        row = self._model.row_of(message_id)
        if row is None or not new_text:
            return
        live = self._live(row)
        live.feed_reasoning(new_text)
        widget = self._shown.get(row)
        if isinstance(widget, ReplyMessage):
            widget.show_thought(live.reasoning, opened=self._model.thought_open(message_id))
            self._measure(row)

    def set_left_out(self, count: int) -> None:
        """Say above the first message still in the context that `count` stay behind; 0 says nothing."""
        if count == self._left_out:
            return
        before, self._left_out = self._model.context_row(self._left_out), count
        for row in {before, self._model.context_row(count)}:
            if row in self._shown:
                self._mark(row, self._shown[row])
                self._measure(row)

    # Where it is

    @property
    def first(self) -> Message | None:
        """The first message, None if there is none."""
        return self._model.messages[0] if self._model.messages else None

    @property
    def following(self) -> bool:
        """Whether the end is in view and stays there while a reply grows."""
        return self._following

    def jump_to_end(self) -> None:
        """Go to the end and follow it."""
        if self._jump.hasFocus():
            self.setFocus()
        self._set_following(True)
        self._place()

    def scroll_to(self, message_id: int) -> None:
        """Bring the beginning of a message to the top of the window."""
        row = self._model.row_of(message_id)
        if row is not None:
            self._anchor = (row, -PAD)
            self._set_following(False)
            self._place()
            self._set_following(self._at_end())

    def scrollContentsBy(self, dx: int, dy: int) -> None:  # noqa: ARG002
        if self._placing or not self._model.messages:
            return
        bar = self.verticalScrollBar()
        value = bar.value()
        if abs(dy) < 2 * self.viewport().height() and 0 < value < bar.maximum():
            row, offset = self._anchor
            self._anchor = (row, offset - dy)
        else:
            row = self._model.heights.row_at(value - PAD)
            self._anchor = (row, value - PAD - self._model.heights.top(row))
        self._set_following(value >= bar.maximum())
        self._place()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.verticalScrollBar()
        if event.key() == Qt.Key.Key_Home:
            bar.setValue(0)
        elif event.key() == Qt.Key.Key_End:
            self.jump_to_end()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()
        middle = (self.viewport().width() - self._jump.width()) // 2
        self._jump.move(middle, self.height() - self._jump.height() - theme.SPACE_L)

    # Rows and widgets

    def _column_width(self) -> int:
        return max(120, min(theme.COLUMN_WIDTH, self.viewport().width() - 2 * theme.SPACE_XL))

    def _measure(self, row: int, *, parts_changed: bool = True) -> None:
        """A shown row changed: take its height again and put every row in its place."""
        self._tabs.stale = self._tabs.stale or parts_changed
        widget = self._shown.get(row)
        if widget is not None:
            self._model.heights[row] = widget.height_for(self._column)
        self._place()

    def _ready(self, row: int) -> int:
        """Have a widget for `row`; its height."""
        if row not in self._shown:
            message = self._model.messages[row]
            kind = PersonMessage if message.role is Role.USER else ReplyMessage
            widget = self._spare.take(kind) or self._new(kind)
            self._shown[row] = widget
            self._show(row, widget)
        return self._model.heights[row]

    def _live(self, row: int) -> LiveReply:
        """The growing text of the message in `row`; a widget that shows it grows with it from now on."""
        message_id = self._model.messages[row].id
        if (live := self._model.live(message_id)) is None:
            live = self._model.begin_live(row)
            if row in self._shown:
                self._show(row, self._shown[row])
        return live

    def _show(self, row: int, widget: MessageWidget) -> None:
        message = self._model.messages[row]
        widget.show_message(
            message, self._model.live(message.id), thought_open=self._model.thought_open(message.id)
        )
        self._mark(row, widget)
        self._tabs.stale = True
        self._model.heights[row] = widget.height_for(self._column)

    def _mark(self, row: int, widget: MessageWidget) -> None:
        widget.set_left_out(self._left_out if self._model.context_row(self._left_out) == row else 0)

    def _new(self, kind: type[MessageWidget]) -> MessageWidget:
        widget = kind(self.viewport())
        widget.copy_requested.connect(self._copy)
        widget.regenerate_requested.connect(self.regenerate_requested)
        widget.restart_requested.connect(self.restart_requested)
        widget.show_log_requested.connect(self.show_log_requested)
        widget.link_activated.connect(self.link_activated)
        widget.thought_toggled.connect(self._toggle_thought)
        return widget

    def _release(self, row: int) -> None:
        self._spare.give(self._shown.pop(row))
        self._tabs.stale = True

    def _place(self) -> None:
        """Put the rows where they belong, making and releasing widgets as they come into view and leave."""
        if self._placing:
            return
        self._placing = True
        try:
            column = self._column_width()
            if column != self._column:
                self._column = column
                for row, widget in self._shown.items():
                    self._model.heights[row] = widget.height_for(column)
                self._settle.start()
            tops = self._tops() if self._model.messages else {}
            self._arrange(tops)
            self._move_bar(tops)
        finally:
            self._placing = False

    def _tops(self) -> dict[int, int]:
        """Which rows are in view or near it, and where each begins in the window."""
        last = len(self._model.messages) - 1
        placer = RowPlacer(self.viewport().height(), last, self._ready, self._reveal)
        return placer.from_end() if self._following else placer.from_anchor(*self._anchor)

    def _reveal(self, row: int, top: int) -> tuple[int, int]:
        """Draw what is in view of a row that begins at `top`; its growth above the view, and its height."""
        widget, grown = self._shown[row], 0
        if isinstance(widget, ReplyMessage):
            changes = widget.text.changes
            grown = widget.reveal(-top - MARGIN, self.viewport().height() - top + MARGIN)
            if widget.text.changes != changes:
                self._tabs.stale = True
                self._model.heights[row] = widget.height_for(self._column)
        return grown, self._model.heights[row]

    def _arrange(self, tops: dict[int, int]) -> None:
        window = self.viewport().height()
        left = (self.viewport().width() - self._column) // 2
        focus = QApplication.focusWidget()
        self._scroll_along(tops)
        for row in list(self._shown):
            top, height = tops.get(row), self._model.heights[row]
            near = top is not None and top + height > -MARGIN and top < window + MARGIN
            widget = self._shown[row]
            if near and top is not None:
                # Apart, for Qt copies what only moves and draws what only grows where it is new.
                widget.move(left, top)
                widget.resize(self._column, height)
                if widget.isHidden():
                    widget.show()
            elif focus is not None and widget.isAncestorOf(focus):
                widget.move(left, -2 * height - window)  # it must not lose the focus
            else:
                tops.pop(row, None)
                self._release(row)
        visible = [row for row, top in tops.items() if top + self._model.heights[row] > 0]
        if visible:
            self._anchor = (min(visible), -tops[min(visible)])
        if self._tabs.stale:
            parts = [part for row in sorted(self._shown) for part in self._shown[row].focus_chain()]
            self._tabs.arrange([self, *parts, self._jump])

    def _scroll_along(self, tops: dict[int, int]) -> None:
        """Let Qt copy what only moves, instead of drawing all of it again."""
        moved = next(
            (top - self._shown[row].y() for row, top in tops.items() if not self._shown[row].isHidden()), 0
        )
        if 0 < abs(moved) < self.viewport().height():
            # Paints all that waits to be painted: Qt copies nothing else.
            self.viewport().repaint(0, 0, 1, 1)
            self.viewport().scroll(0, moved)

    def _move_bar(self, tops: dict[int, int]) -> None:
        bar, window = self.verticalScrollBar(), self.viewport().height()
        total = self._model.heights.total + 2 * PAD if tops else 0
        bar.setRange(0, max(0, total - window))
        bar.setPageStep(window)
        bar.setSingleStep(2 * 21)
        row, offset = self._anchor
        bar.setValue(PAD + self._model.heights.top(row) + offset if tops else 0)

    # What happens to it

    def _set_following(self, following: bool) -> None:
        if following != self._following:
            self._following = following
            self.near_bottom_changed.emit(following)
            self._jump.setVisible(not following)
            self._jump.raise_()

    def _at_end(self) -> bool:
        return self.verticalScrollBar().value() >= self.verticalScrollBar().maximum()

    def _copy(self, message_id: int) -> None:
        QGuiApplication.clipboard().setText(self._model.text_of(message_id))
        widget = self._shown.get(self._model.row_of(message_id) or 0)
        if isinstance(widget, PersonMessage | ReplyMessage):
            widget.confirm_copied()
        self.copy_requested.emit(message_id)

    def _toggle_thought(self, message_id: int, opened: bool) -> None:
        row = self._model.row_of(message_id)
        self._model.open_thought(message_id, opened)
        widget = self._shown.get(row) if row is not None else None
        if row is None or not isinstance(widget, ReplyMessage):
            return
        live = self._model.live(message_id)
        reasoning = live.reasoning if live else self._model.messages[row].reasoning
        widget.show_thought(reasoning, opened=opened)
        self._measure(row)

    def _focus_moved(self, old: QWidget | None, new: QWidget | None) -> None:
        for widget in list(self._shown.values()):
            within = new is not None and widget.isAncestorOf(new)
            widget.set_focus_within(within)
            # Not for a window that comes to the front: its focus did not move, it only came back.
            if within and old is not None and new is not None and not QGuiApplication.mouseButtons():
                bar = self.verticalScrollBar()
                bar.setValue(bar.value() + distance_into_view(new, self.viewport(), PAD))

    def _draw_again(self) -> None:
        for row, widget in self._shown.items():
            self._show(row, widget)
        self._place()

    def _guess_again(self) -> None:
        """The width has come to rest: guess the unseen heights for it."""
        self._model.guess_heights(self._column)
        for row, widget in self._shown.items():
            self._model.heights[row] = widget.height_for(self._column)
        self._place()
