"""Widgets beside each other in columns of one width, in as many rows as it takes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from app.ui import theme


class Beside(QWidget):
    """Each gets `least` logical pixels or more; those for which there is no room go below."""

    def __init__(self, least: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._least = least
        self._widgets: tuple[QWidget, ...] = ()
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.SPACE_M)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignTop)

    @property
    def columns(self) -> int:
        """How many stand beside each other now."""
        return self._columns

    def set_widgets(self, widgets: Sequence[QWidget]) -> None:
        """Show these, in this order. Those that were shown before and are not among them are deleted."""
        for gone in self._widgets:
            if gone not in widgets:
                self._grid.removeWidget(gone)
                gone.hide()
                gone.deleteLater()
        self._widgets = tuple(widgets)
        self._columns = 0
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        if not self._widgets:
            return
        gap = self._grid.spacing()
        columns = max(1, min(len(self._widgets), (self.width() + gap) // (self._least + gap)))
        if columns == self._columns:
            return
        for column in range(max(columns, self._columns)):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self._columns = columns
        for number, widget in enumerate(self._widgets):
            self._grid.addWidget(widget, *divmod(number, columns))
            widget.show()
