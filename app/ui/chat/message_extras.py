"""Small parts of a message: waiting dots, the folded thought, the divider of what was left out."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from app.ui import icons, theme
from app.ui.chat.prose import ProseText

_BREATH_MS = 60
_BREATH = 24  # steps


class WaitingDots(QWidget):
    """Three dots that breathe, only when the first word takes its time."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Waiting for the first word")
        self._step = -1
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._breathe)
        self.hide()

    @property
    def drawn(self) -> bool:
        """Whether the dots show already."""
        return self._step >= 0

    def height_for(self, width: int) -> int:  # noqa: ARG002
        """As high as the line of words it stands for."""
        return 21

    def begin(self) -> None:
        """Wait, at first without showing it."""
        self._step = -1
        self._timer.start(theme.BUSY_DELAY_MS)
        self.show()

    def end(self) -> None:
        """The first word is there."""
        self._timer.stop()
        self.hide()

    def _breathe(self) -> None:
        still = self.style().styleHint(self.style().StyleHint.SH_Widget_Animation_Duration) <= 0
        if self._step < 0 and not still:
            self._timer.setInterval(_BREATH_MS)
        self._step = 0 if still else (self._step + 1) % _BREATH
        if still:
            self._timer.stop()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if self._step < 0:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for dot in range(3):
            phase = 2 * math.pi * (self._step / _BREATH - dot / 6)
            ink = QColor(theme.current().secondary)
            ink.setAlphaF(0.55 + 0.35 * math.sin(phase))
            painter.setBrush(ink)
            painter.drawEllipse(QRectF(dot * 10, 8, 6, 6))


class FoldButton(QAbstractButton):
    """A word with an arrow that says whether what is below is folded away."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.opened = False
        self.setFont(theme.body_font(theme.SIZE_SECONDARY))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_state(self, word: str, *, opened: bool) -> None:
        """Say `word`, with the arrow for open or folded."""
        self.opened = opened
        self.setText(word)
        self.setAccessibleName(f"{word}, {'open' if opened else 'folded'}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 14 + 3 * theme.SPACE_XS, 24)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        ink = colours.text if self.underMouse() else colours.secondary
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.hasFocus():
            painter.setPen(QPen(colours.accent, 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        arrow = "chevron-down" if self.opened else "chevron-right"
        painter.drawPixmap(0, 5, icons.pixmap(arrow, ink, 14, self.devicePixelRatioF()))
        painter.setPen(ink)
        words = self.rect().adjusted(14 + theme.SPACE_XS, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())


class ThoughtSection(QWidget):
    """What the model thought before it replied, folded away until asked for."""

    toggled = Signal(bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.button = FoldButton(self)
        self.button.clicked.connect(self._toggle)
        self.text: ProseText | None = None

    def restart(self) -> None:
        """Forget what was shown, and its colours."""
        if self.text is not None:
            self.text.restart()

    def show_thought(self, words: str, *, opened: bool, going_on: bool) -> None:
        """Hold `words`; they are drawn only while it is open."""
        self.button.show_state("Thinking…" if going_on else "Thought", opened=opened)
        if not opened:
            if self.text is not None:
                self.text.hide()
            return
        if self.text is None:
            self.text = ProseText(self)
            self.text.setAccessibleName("Thought")
        self.text.set_plain(words)
        self.text.show()

    def height_for(self, width: int) -> int:
        """Arrange in `width` pixels."""
        size = self.button.sizeHint()
        self.button.setGeometry(0, 0, size.width(), size.height())
        if self.text is None or self.text.isHidden():
            return size.height()
        inner = width - theme.SPACE_L - 2
        height = self.text.height_for(inner)
        self.text.setGeometry(theme.SPACE_L + 2, size.height() + theme.SPACE_XS, inner, height)
        return size.height() + theme.SPACE_XS + height

    def focus_chain(self) -> list[QWidget]:
        """What Tab goes through."""
        return [self.button] if self.text is None or self.text.isHidden() else [self.button, self.text]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if self.text is not None and not self.text.isHidden():
            painter = QPainter(self)
            painter.setPen(QPen(theme.current().hairline, 2))
            top = self.text.y() + 2
            painter.drawLine(7, top, 7, self.text.geometry().bottom() - 2)

    def _toggle(self) -> None:
        self.toggled.emit(not self.button.opened)


class LeftOutDivider(QWidget):
    """A calm line across the page, with the reason in its middle."""

    HEIGHT = 52

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._label = QLabel(self)
        self._label.setFont(theme.body_font(theme.SIZE_SECONDARY))
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._label.setWordWrap(True)

    def show_count(self, count: int) -> None:
        """Say how many messages stay behind."""
        what, were = ("message", "fits") if count == 1 else (f"{count:,} messages", "fit")
        past = "was" if count == 1 else "were"
        self._label.setText(f"The {what} above no longer {were} into the context and {past} left out.")

    @property
    def words(self) -> str:
        """The sentence it shows."""
        return self._label.text()

    def arrange(self, width: int) -> None:
        """Place the sentence in `width` pixels."""
        self._label.adjustSize()
        words = min(width, self._label.fontMetrics().horizontalAdvance(self._label.text()) + theme.SPACE_XL)
        self._label.setGeometry((width - words) // 2, 0, words, self.HEIGHT - theme.SPACE_L)
        palette = self._label.palette()
        palette.setColor(self._label.foregroundRole(), theme.current().secondary)
        self._label.setPalette(palette)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setPen(theme.current().hairline)
        y = (self.HEIGHT - theme.SPACE_L) // 2
        painter.drawLine(0, y, self._label.x() - theme.SPACE_XS, y)
        painter.drawLine(self._label.geometry().right() + theme.SPACE_XS, y, self.width(), y)
