"""One message on the page. The widgets are used again and again for other messages."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QEnterEvent, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.domain.conversation import Message, MessageState
from app.domain.generation import Role
from app.domain.markdown_blocks import split
from app.ui import theme
from app.ui.chat.message_extras import LeftOutDivider, ThoughtSection, WaitingDots
from app.ui.chat.message_footer import FailureNotice, MessageFooter
from app.ui.chat.prose import ProseText
from app.ui.chat.quiet_button import SIZE, QuietButton
from app.ui.chat.reply import LiveReply
from app.ui.chat.reply_text import ReplyText

GAP = theme.SPACE_XL
"""Air below a message."""

_BUBBLE_SHARE = 0.8


class MessageWidget(QWidget):
    """What both kinds of message share: the divider above, hover, focus, the context menu."""

    copy_requested = Signal(int)
    regenerate_requested = Signal(int)
    restart_requested = Signal(int)
    show_log_requested = Signal()
    link_activated = Signal(QUrl)
    thought_toggled = Signal(int, bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.message_id = 0
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self._divider: LeftOutDivider | None = None
        self._focus_within = False

    def show_message(self, message: Message, live: LiveReply | None, *, thought_open: bool) -> None:
        """Become `message`; `live` is what has come of it while it is being written."""
        raise NotImplementedError

    def focus_chain(self) -> list[QWidget]:
        """What Tab goes through, in reading order."""
        raise NotImplementedError

    def selected_text(self) -> str:
        """What is selected in it."""
        raise NotImplementedError

    def set_left_out(self, count: int) -> None:
        """Draw the divider above it that says how many messages stay behind; 0 takes it away."""
        if count and self._divider is None:
            self._divider = LeftOutDivider(self)
        if self._divider is not None:
            self._divider.setVisible(count > 0)
            if count:
                self._divider.show_count(count)

    def height_for(self, width: int) -> int:
        """Arrange everything in `width` pixels and say how high it is, air included."""
        y = 0
        if self._divider is not None and not self._divider.isHidden():
            self._divider.setGeometry(0, 0, width, LeftOutDivider.HEIGHT)
            self._divider.arrange(width)
            y = LeftOutDivider.HEIGHT
        return self._arrange(width, y) + GAP

    def reveal(self, top: int, bottom: int) -> int:  # noqa: ARG002
        """Draw what lies between `top` and `bottom`; how much what begins above `top` has grown by it."""
        return 0

    def set_focus_within(self, within: bool) -> None:
        """The focus is on one of its parts, or no more."""
        if within != self._focus_within:
            self._focus_within = within
            self._reveal(within or self.underMouse())

    def enterEvent(self, event: QEnterEvent) -> None:
        self._reveal(True)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._reveal(self._focus_within)
        super().leaveEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action in self._actions(menu):
            menu.addAction(action)
        at = event.globalPos()
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            at = self.mapToGlobal(self.visibleRegion().boundingRect().topLeft())
        menu.popup(at)
        event.accept()

    def _actions(self, menu: QMenu) -> list[QAction]:
        actions: list[QAction] = []
        if self.selected_text():
            selection = QAction("Copy selection", menu)
            selection.triggered.connect(self._copy_selection)
            actions.append(selection)
        copy = QAction("Copy message", menu)
        copy.triggered.connect(self._ask_copy)
        return [*actions, copy]

    def _arrange(self, width: int, y: int) -> int:
        raise NotImplementedError

    def _reveal(self, revealed: bool) -> None:
        raise NotImplementedError

    def _copy_selection(self) -> None:
        QGuiApplication.clipboard().setText(self.selected_text())

    def _ask_copy(self) -> None:
        self.copy_requested.emit(self.message_id)


class PersonMessage(MessageWidget):
    """A person's words, exactly as typed, in a quiet bubble on the right."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("You")
        self.text = ProseText(self)
        self.text.setAccessibleName("You")
        self.copy_button = QuietButton("copy", "Copy message", self)
        self.copy_button.clicked.connect(self._ask_copy)
        self._bubble = QRect()

    def show_message(self, message: Message, live: LiveReply | None, *, thought_open: bool) -> None:  # noqa: ARG002
        self.message_id = message.id
        self.text.restart()
        self.text.set_plain(message.text)
        self.copy_button.settle()

    def focus_chain(self) -> list[QWidget]:
        return [self.text, self.copy_button]

    def selected_text(self) -> str:
        return self.text.textCursor().selection().toPlainText()

    def confirm_copied(self) -> None:
        """Say that the message is on the clipboard."""
        self.copy_button.confirm("Copied")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().surface)
        painter.drawRoundedRect(QRectF(self._bubble), theme.RADIUS_CARD, theme.RADIUS_CARD)

    def _arrange(self, width: int, y: int) -> int:
        room = int(width * _BUBBLE_SHARE) - 2 * theme.SPACE_L
        height = self.text.height_for(room)
        words = min(room, math.ceil(self.text.document().idealWidth()) + 1)
        height = self.text.height_for(words)
        pad = theme.SPACE_S  # and the air that a line of text has above it
        outer = words + 2 * theme.SPACE_L
        self._bubble = QRect(width - outer, y, outer, height + pad + theme.SPACE_M)
        self.text.setGeometry(self._bubble.x() + theme.SPACE_L, y + pad, words, height)
        bottom = self._bubble.y() + self._bubble.height()
        self.copy_button.move(self._bubble.x() - SIZE - theme.SPACE_XS, bottom - SIZE - theme.SPACE_XS)
        self.update()
        return bottom

    def _reveal(self, revealed: bool) -> None:
        self.copy_button.set_revealed(revealed)


class ReplyMessage(MessageWidget):
    """A model's reply on the plain page, with its thought above and how it went below."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.text = ReplyText(self)
        self.text.link_activated.connect(self.link_activated)
        self.footer = MessageFooter(self)
        self.footer.copy_button.clicked.connect(self._ask_copy)
        self.footer.regenerate_button.clicked.connect(self._ask_regenerate)
        self.dots: WaitingDots | None = None
        self.thought: ThoughtSection | None = None
        self.failure: FailureNotice | None = None
        self._streaming = False

    def show_message(self, message: Message, live: LiveReply | None, *, thought_open: bool) -> None:
        self.message_id = message.id
        if self.thought is not None:
            self.thought.restart()
        name = (
            "System prompt" if message.role is Role.SYSTEM else f"Reply from {message.model or 'the model'}"
        )
        self.setAccessibleName(name)
        self.text.restart(name)
        if live is None:
            self.text.show_blocks(split(message.text))
        self.update_message(message, live, thought_open=thought_open)

    def update_message(self, message: Message, live: LiveReply | None, *, thought_open: bool) -> None:
        """Its state, figures or error changed, or more of it has come; the text drawn already stays."""
        self._streaming = message.state is MessageState.STREAMING
        self.show_thought(live.reasoning if live else message.reasoning, opened=thought_open)
        self.footer.show_message(message)
        interrupted = message.state is MessageState.INTERRUPTED
        if interrupted and self.failure is None:
            self.failure = FailureNotice(self)
            self.failure.restart_button.clicked.connect(self._ask_restart)
            self.failure.log_requested.connect(self.show_log_requested)
        if self.failure is not None:
            self.failure.setVisible(interrupted)
            self.failure.show_error(message.error)
        if live is not None:
            self.follow(live)
        else:
            self._wait(self._streaming and not message.text)

    def follow(self, live: LiveReply) -> None:
        """Draw what is new of a reply that is being written."""
        self.text.follow(live.markdown)
        self._wait(self._streaming and live.empty)

    def show_thought(self, words: str, *, opened: bool) -> None:
        """What the model thought, folded or open; nothing if it did not think aloud."""
        if words and self.thought is None:
            self.thought = ThoughtSection(self)
            self.thought.toggled.connect(self._thought_toggled)
        if self.thought is not None:
            self.thought.setVisible(bool(words))
            self.thought.show_thought(words, opened=opened, going_on=self._streaming and self.text.empty)

    def reveal(self, top: int, bottom: int) -> int:
        return self.text.reveal(top - self.text.y(), bottom - self.text.y())

    def focus_chain(self) -> list[QWidget]:
        chain: list[QWidget] = []
        if self.thought is not None and not self.thought.isHidden():
            chain += self.thought.focus_chain()
        chain += self.text.focus_chain()
        if self.failure is not None and not self.failure.isHidden():
            chain += [self.failure.restart_button, self.failure.log_button]
        if not self.footer.isHidden():
            chain += [self.footer.copy_button, self.footer.regenerate_button]
        return chain

    def selected_text(self) -> str:
        return self.text.selected_text()

    def confirm_copied(self) -> None:
        """Say that the reply is on the clipboard."""
        self.footer.copy_button.confirm("Copied")

    def _wait(self, waiting: bool) -> None:
        if waiting and self.dots is None:
            self.dots = WaitingDots(self)
        if self.dots is None or waiting is not self.dots.isHidden():
            return
        if waiting:
            self.dots.begin()
        else:
            self.dots.end()

    def _arrange(self, width: int, y: int) -> int:
        top = y
        for part in (self.thought, self.text, self.dots, self.failure, self.footer):
            if part is None or part.isHidden():
                continue
            height = part.height_for(width)
            if height and y > top:
                y += theme.SPACE_XS if part is self.footer else theme.SPACE_M
            part.setGeometry(0, y, width, height)
            y += height
        return y

    def _actions(self, menu: QMenu) -> list[QAction]:
        actions = super()._actions(menu)
        if not self._streaming:
            regenerate = QAction("Regenerate reply", menu)
            regenerate.triggered.connect(self._ask_regenerate)
            actions.append(regenerate)
        return actions

    def _reveal(self, revealed: bool) -> None:
        self.footer.set_revealed(revealed)

    def _ask_regenerate(self) -> None:
        self.regenerate_requested.emit(self.message_id)

    def _ask_restart(self) -> None:
        self.restart_requested.emit(self.message_id)

    def _thought_toggled(self, opened: bool) -> None:
        self.thought_toggled.emit(self.message_id, opened)
