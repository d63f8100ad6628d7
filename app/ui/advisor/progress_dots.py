"""How far a row of questions is: a dot for each, the one that is asked now is longer."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme

_DOT, _LONG, _GAP, _HEIGHT = 8, 20, 8, 24


class ProgressDots(QWidget):
    """A click on a dot leads there, where one has been before; the keyboard has Back and Next for it."""

    chosen = Signal(int)
    """A question's place, from 0."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._place = self._count = self._reached = 0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)

    @property
    def text(self) -> str:
        """What a screen reader says: "Question 2 of 6"."""
        return self.accessibleName()

    def set_progress(self, place: int, count: int, reached: int) -> None:
        """The question at `place` of `count` is asked; those before `reached` are answered."""
        self._place, self._count, self._reached = place, count, reached
        self.setAccessibleName(f"Question {place + 1} of {count}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(max(0, self._count - 1) * (_DOT + _GAP) + _LONG, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for place, dot in enumerate(self._dots()):
            now = place == self._place
            painter.setBrush(colours.accent if now or place < self._reached else colours.hairline)
            painter.setOpacity(1.0 if now or place >= self._reached else 0.55)
            painter.drawRoundedRect(dot, _DOT / 2, _DOT / 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._dot_at(event)
        if place is not None:
            self.chosen.emit(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hand, plain = Qt.CursorShape.PointingHandCursor, Qt.CursorShape.ArrowCursor
        self.setCursor(plain if self._dot_at(event) is None else hand)

    def _dot_at(self, event: QMouseEvent) -> int | None:
        for place, dot in enumerate(self._dots()):
            if dot.adjusted(-_GAP / 2, -_GAP, _GAP / 2, _GAP).contains(event.position()):
                return place if place != self._place and place <= self._reached else None
        return None

    def _dots(self) -> list[QRectF]:
        dots, x = [], 0.0
        for place in range(self._count):
            width = float(_LONG if place == self._place else _DOT)
            dot = QRectF(x, (_HEIGHT - _DOT) / 2, width, _DOT)
            if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
                dot.moveRight(self.width() - x)
            dots.append(dot)
            x += width + _GAP
        return dots
