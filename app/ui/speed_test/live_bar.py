"""How fast an engine is at this moment, as a bar that shares its scale with those beside it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme

_HEIGHT = 10


class LiveBar(QWidget):
    """In the engine's colour. The figure beside it says the same: a reader skips the bar."""

    def __init__(self, engine_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colour = theme.engine_colour(engine_id)
        self._share = 0.0
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def share(self) -> float:
        """How much of it is filled, 0 to 1."""
        return self._share

    def set_share(self, share: float) -> None:
        """Fill so much of it."""
        share = min(1.0, max(0.0, share))
        if round(share * self.width()) != round(self._share * self.width()):
            self.update()
        self._share = share

    def sizeHint(self) -> QSize:
        return QSize(160, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(self.rect())
        painter.setBrush(theme.current().wash(0.06))
        painter.drawRoundedRect(whole, 3, 3)
        filled = QRectF(whole)
        filled.setWidth(whole.width() * self._share)
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            filled.moveRight(whole.right())
        if filled.width() >= 1:
            painter.setBrush(self._colour)
            painter.drawRoundedRect(filled, min(3.0, filled.width() / 2), 3)
