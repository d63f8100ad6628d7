"""One answer to choose: words that take as many lines as they need, in a row that can be clicked anywhere."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QRadioButton, QSizePolicy, QWidget

from app.ui import theme

_SIDE, _AIR = theme.SPACE_L, theme.SPACE_M
_RING, _BEHIND = 16, 28
_SMALL = 3
_FLAGS = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute


class OptionRow(QRadioButton):
    """A radio button for a screen reader and the arrow keys. Enter, or a double click, takes it at once."""

    taken = Signal()

    def __init__(self, option: str, words: str, below: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.option = option
        self._below = below
        self.setText(words.replace("&", "&&"))
        self._words = words
        self.setAccessibleName(words)
        self.setAccessibleDescription(below)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(320, self._height(max(160, self.width())))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self._height(max(160, self.width())))

    def hitButton(self, pos: object) -> bool:  # noqa: ARG002
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        super().mouseDoubleClickEvent(event)
        self.taken.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.setChecked(True)
            self.taken.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        chosen = self.isChecked()
        edge = colours.accent if chosen or self.hasFocus() else colours.hairline
        painter.setPen(QPen(edge, 2 if self.hasFocus() else 1))
        veil = 0.10 if self.isDown() else 0.05 if self.underMouse() or chosen else 0.0
        painter.setBrush(colours.wash(veil) if veil else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(row, theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        x = row.right() - _SIDE - _RING if mirrored else row.left() + _SIDE
        ring = QRectF(x, (self.height() - _RING) / 2, _RING, _RING)
        painter.setPen(QPen(colours.accent if chosen else colours.secondary, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(ring)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.accent)
            painter.drawEllipse(ring.adjusted(4, 4, -4, -4))
        self._write(painter, mirrored)

    def _write(self, painter: QPainter, mirrored: bool) -> None:
        colours = theme.current()
        words, below = self._heights(self.width())
        before = (_SIDE, 0, -_SIDE - _BEHIND, 0) if mirrored else (_SIDE + _BEHIND, 0, -_SIDE, 0)
        inner = self.rect().adjusted(*before)
        top = (self.height() - words - (below + _SMALL if below else 0)) // 2
        side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        painter.setPen(colours.text)
        painter.setFont(theme.body_font(semibold=self.isChecked()))
        painter.drawText(QRect(inner.left(), top, inner.width(), words), int(side | _FLAGS), self._words)
        if below:
            painter.setPen(colours.secondary)
            painter.setFont(theme.body_font(theme.SIZE_SECONDARY))
            where = QRect(inner.left(), top + words + _SMALL, inner.width(), below)
            painter.drawText(where, int(side | _FLAGS), self._below)

    def _heights(self, width: int) -> tuple[int, int]:
        room = QRect(0, 0, max(80, width - 2 * _SIDE - _BEHIND), 10_000)
        wrap = int(Qt.TextFlag.TextWordWrap)
        words = QFontMetrics(theme.body_font(semibold=True)).boundingRect(room, wrap, self._words)
        if not self._below:
            return words.height(), 0
        small = QFontMetrics(theme.body_font(theme.SIZE_SECONDARY))
        return words.height(), small.boundingRect(room, wrap, self._below).height()

    def _height(self, width: int) -> int:
        words, below = self._heights(width)
        return words + (below + _SMALL if below else 0) + 2 * _AIR

    def _fit(self) -> None:
        height = self._height(max(160, self.width()))
        if height != self.minimumHeight() or height != self.maximumHeight():
            self.setFixedHeight(height)
