"""A progress bar as thin as a line."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from app.ui import theme

_HEIGHT = 4
_STEPS = 100


class ThinBar(QProgressBar):
    """Filled in the colour of a role of the theme. It keeps its place when there is nothing to fill."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._role = "accent"
        self.setAccessibleName(name)
        self.setRange(0, _STEPS)
        self.setValue(0)
        self.setTextVisible(False)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._share: float | None = None

    def set_share(self, share: float | None, role: str = "accent") -> None:
        """`share` of the whole (0 to 1) is there; None: the whole is not known, and the line stays empty."""
        if (share, role) == (self._share, self._role):
            return
        self._share, self._role = share, role
        # The value is what a screen reader is told of: whole percents, not each byte.
        self.setValue(round(min(1.0, max(0.0, share or 0.0)) * _STEPS))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(self.rect())
        radius = _HEIGHT / 2
        painter.setBrush(colours.hairline)
        painter.drawRoundedRect(whole, radius, radius)
        share = min(1.0, max(0.0, self._share or 0.0))
        if share <= 0:
            return
        filled = QRectF(0, 0, max(float(_HEIGHT), whole.width() * share), whole.height())
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            filled.moveRight(whole.right())
        painter.setBrush(getattr(colours, self._role))
        painter.drawRoundedRect(filled, radius, radius)
