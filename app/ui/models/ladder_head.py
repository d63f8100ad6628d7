"""The head of a ladder's table: what its columns are."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QStyle, QWidget

from app.ui import theme
from app.ui.elide import aligned
from app.ui.models.rung_row import columns

HEAD_HEIGHT = 24
COLUMNS = ("", "Size", "Needs", "Speed", "Quality")
"""Figures stand at the end of their column, words at its beginning; the names do as what is below them."""
_AT_END = ("Size", "Speed")


class LadderHead(QWidget):
    """Painted over the columns of the rows. A screen reader has each figure with its name in the rows."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setFont(theme.body_font(theme.SIZE_SECONDARY))
        painter.setPen(theme.current().secondary)
        for name, where in zip(COLUMNS, columns(self.width(), self.height()), strict=True):
            side = Qt.AlignmentFlag.AlignTrailing if name in _AT_END else Qt.AlignmentFlag.AlignLeading
            placed = QStyle.visualRect(self.layoutDirection(), self.rect(), where)
            painter.drawText(placed, aligned(self.layoutDirection(), side), name)
