"""A small turning arc for what takes longer than a moment."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui import motion, theme

_SIZE = 18
_FRAME_MS = 50
_STEP = 24
"""Degrees a frame: a turn in three quarters of a second."""


class Spinner(QWidget):
    """Keeps its place always, and draws itself only once something has been busy for 300 ms."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(_SIZE, _SIZE)
        self._angle = 0
        self._drawn = False
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(theme.BUSY_DELAY_MS)
        self._delay.timeout.connect(self._begin)
        self._turn = QTimer(self)
        self._turn.setInterval(_FRAME_MS)
        self._turn.timeout.connect(self._advance)

    @property
    def drawn(self) -> bool:
        """Whether there is anything to see of it."""
        return self._drawn

    def set_busy(self, busy: bool) -> None:
        """Something is under way, or is done."""
        if busy and not self._drawn and not self._delay.isActive():
            self._delay.start()
        elif not busy:
            self._delay.stop()
            self._turn.stop()
            self._drawn = False
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(_SIZE, _SIZE)

    def _begin(self) -> None:
        self._drawn = True
        if motion.duration(self):  # else it stands still: the words beside it say enough
            self._turn.start()
        self.update()

    def _advance(self) -> None:
        self._angle = (self._angle - _STEP) % 360
        if self.isVisible():
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if not self._drawn:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        pen = QPen(theme.current().hairline, 2)
        painter.setPen(pen)
        painter.drawEllipse(ring)
        pen.setColor(theme.current().accent)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawArc(ring, self._angle * 16, 90 * 16)
