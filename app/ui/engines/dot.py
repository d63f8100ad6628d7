"""An engine's colour, as a dot."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui import theme

_DOT, _LINE = 10, 28


class Dot(QWidget):
    """Beside the engine's name, which says what the colour stands for. `hollow` while it is not installed."""

    def __init__(self, engine_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colour = theme.engine_colour(engine_id)
        self._hollow = False
        self.setFixedSize(_DOT, _LINE)

    def set_hollow(self, hollow: bool) -> None:
        """Draw only its rim."""
        if hollow != self._hollow:
            self._hollow = hollow
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(_DOT, _LINE)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        where = QRectF(0, (_LINE - _DOT) / 2, _DOT, _DOT)
        if self._hollow:
            pen = painter.pen()
            pen.setColor(self._colour)
            pen.setWidthF(2)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            where.adjust(1, 1, -1, -1)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._colour)
        painter.drawEllipse(where)
