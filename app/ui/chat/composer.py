"""Where a person writes: grows with the text up to a limit, Enter sends, Esc stops."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QInputMethodEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QPlainTextEdit, QSizePolicy, QWidget

from app.ui import icons, theme

MAX_LINES = 10
DRAFT_DELAY_MS = 400
"""Typing must pause this long before the draft is kept."""
_BUTTON = 34
_AIR = 3
_SLACK = 2
"""QPlainTextEdit takes a viewport as high as its lines for one pixel too low, and scrolls."""
_BUTTON_ICON = 20


class Composer(QWidget):
    """The message field with its one button, which sends or, while a reply comes, stops."""

    submitted = Signal(str)
    stop_requested = Signal()
    draft_changed = Signal(str)
    """After a pause in typing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._replying = False
        self._field = _Field(self)
        self._button = _RoundButton(self)
        self._button.clicked.connect(self._press)
        self._draft_timer = QTimer(self)
        self._draft_timer.setSingleShot(True)
        self._draft_timer.setInterval(DRAFT_DELAY_MS)
        self._draft_timer.timeout.connect(self._emit_draft)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_L, theme.SPACE_S, theme.SPACE_S, theme.SPACE_S)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(self._field, 1)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignBottom)
        self._field.submitted.connect(self._press)
        self._field.escaped.connect(self._escape)
        self._field.focus_changed.connect(self.update)
        self._field.textChanged.connect(self._edited)
        self.setFocusProxy(self._field)
        self._show_button()

    @property
    def text(self) -> str:
        """What is written and not sent."""
        return self._field.toPlainText()

    def set_text(self, text: str) -> None:
        """Show the draft of another conversation; it counts as kept already."""
        self._field.setPlainText(text)
        self._field.moveCursor(self._field.textCursor().MoveOperation.End)
        self._draft_timer.stop()

    def set_model(self, name: str) -> None:
        """Name the model that will read this."""
        self._field.setPlaceholderText(f"Message {name}…" if name else "Message…")

    def set_replying(self, replying: bool) -> None:
        """While a reply comes, the button stops it. Writing on is always possible."""
        self._replying = replying
        self._show_button()

    def flush_draft(self) -> None:
        """Have the draft kept now, if it changed."""
        if self._draft_timer.isActive():
            self._draft_timer.stop()
            self._emit_draft()

    def _emit_draft(self) -> None:
        self.draft_changed.emit(self.text)

    def _edited(self) -> None:
        self._draft_timer.start()
        self._show_button()

    def _press(self) -> None:
        if self._replying:
            if self.sender() is self._button:
                self.stop_requested.emit()
            return
        if text := self.text.strip():
            self._field.clear()
            self._draft_timer.stop()
            self.submitted.emit(text)

    def _escape(self) -> None:
        if self._replying:
            self.stop_requested.emit()

    def _show_button(self) -> None:
        name, shape = ("Stop", "stop") if self._replying else ("Send", "send")
        able = self._replying or bool(self.text.strip())
        self._button.setEnabled(able)
        if self._button.accessibleName() != name:
            self._button.set_shape(shape)
            self._button.setAccessibleName(name)
            self._button.setToolTip("Stop the reply (Esc)" if self._replying else "Send (Enter)")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused = self._field.hasFocus()
        painter.setPen(QPen(colours.accent, 2) if focused else QPen(colours.hairline, 1))
        painter.setBrush(colours.raised)
        inset = 1.0 if focused else 0.5  # half the line: what is painted outside would be cut off
        frame = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(frame, theme.RADIUS_CARD, theme.RADIUS_CARD)


class _RoundButton(QAbstractButton):
    """A circle of the accent colour while it can be pressed, a bare icon while it cannot."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._shape = "send"
        self.setFixedSize(_BUTTON, _BUTTON)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.source().changed.connect(self.update)

    def set_shape(self, shape: str) -> None:
        self._shape = shape
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_BUTTON, _BUTTON)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = theme.blend(colours.text, colours.raised, 0.38)
        if self.isEnabled():
            ink = colours.on_accent
            veil = 0.78 if self.isDown() else 0.9 if self.underMouse() else 1.0
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.blend(colours.accent, colours.raised, veil))
            painter.drawEllipse(QRectF(self.rect()).adjusted(2, 2, -2, -2))
        if self.hasFocus():
            painter.setPen(QPen(colours.text, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        at = (_BUTTON - _BUTTON_ICON) // 2
        drawn = icons.pixmap(self._shape, ink, _BUTTON_ICON, self.devicePixelRatioF())
        painter.drawPixmap(at, at, drawn)


class _Field(QPlainTextEdit):
    """Plain text that asks for as many lines as it has."""

    submitted = Signal()
    escaped = Signal()
    focus_changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Message")
        self.setAccessibleDescription("Enter sends, Shift and Enter begin a new line, Escape stops a reply.")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.setViewportMargins(0, _AIR, 0, _AIR)
        self.document().documentLayout().documentSizeChanged.connect(self._resized)
        self.textChanged.connect(self._resized)
        self._height = 0
        self._composing = False

    def sizeHint(self) -> QSize:
        return QSize(200, self._height or self._text_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.sizeHint().height())

    def _text_height(self) -> int:
        """What up to `MAX_LINES` lines take. Lines differ: many scripts come from taller fonts."""
        height, lines = 0.0, 0
        layout, block = self.document().documentLayout(), self.document().firstBlock()
        while block.isValid() and lines < MAX_LINES:
            layout.blockBoundingRect(block)  # has the block laid out
            shown = [block.layout().lineAt(i) for i in range(min(block.lineCount(), MAX_LINES - lines))]
            height += sum(math.ceil(line.height()) for line in shown)
            lines += max(1, len(shown))
            block = block.next()
        return round(max(height, self.fontMetrics().lineSpacing())) + _SLACK + 2 * _AIR

    def _resized(self) -> None:
        # QPlainTextEdit's document measures its height in lines.
        full = self.document().size().height() > MAX_LINES
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if full else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
        height = self._text_height()
        if height != self._height:
            self._height = height
            self.updateGeometry()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._composing:  # Enter and Escape choose and dismiss what the input method offers
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.textCursor().insertText("\n")
                self.ensureCursorVisible()
            else:
                self.submitted.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit()
