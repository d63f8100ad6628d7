"""The frame that says where model files may be dropped."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui import theme

_AIR = theme.SPACE_S


class DropFrame(QWidget):
    """Lies over its parent while something is dragged there."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def cover(self) -> None:
        """Show that a drop is welcome."""
        parent = self.parentWidget()
        assert parent is not None
        self.setGeometry(parent.rect())
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(colours.window)
        veil.setAlphaF(0.85)
        painter.fillRect(self.rect(), veil)
        painter.setPen(QPen(colours.accent, 2, Qt.PenStyle.DashLine))
        inner = QRectF(self.rect()).adjusted(_AIR, _AIR, -_AIR, -_AIR)
        painter.drawRoundedRect(inner, theme.RADIUS_CARD, theme.RADIUS_CARD)
        painter.setFont(theme.body_font(theme.SIZE_HEADING, semibold=True))
        painter.setPen(colours.text)
        painter.drawText(inner, Qt.AlignmentFlag.AlignCenter, "Drop to add to your models")
