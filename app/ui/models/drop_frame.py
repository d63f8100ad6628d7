"""Where model files may be dropped: what is taken of a drag, and the frame that says so."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui import theme

_AIR = theme.SPACE_S


def dropped_models(event: QDropEvent) -> list[Path]:
    """GGUF files, and what may be a folder: to look would be to read the disk in the window's thread."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix.lower() == ".gguf" or not path.suffix]


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
