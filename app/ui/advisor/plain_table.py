"""A small table of words and figures that takes as many lines as it needs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from app.ui import theme
from app.ui.advisor.column import selectable
from app.ui.engines.wrapped import Wrapped


class PlainTable(QWidget):
    """The first column takes what the figures leave, at the other side. Rows are read as a whole."""

    def __init__(self, headings: Sequence[str], parent: QWidget | None = None, *, words: int = 1) -> None:
        """The first `words` columns are words, the others figures."""
        super().__init__(parent)
        self._headings = tuple(headings)
        self._word_columns = words
        self.cells: list[list[Wrapped]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.SPACE_L)
        self._grid.setVerticalSpacing(theme.SPACE_XS)
        self._grid.setColumnStretch(0, 1)
        for column, heading in enumerate(headings):
            label = Wrapped(self, heading, size=theme.SIZE_SECONDARY, quiet=True)
            self._put(label, 0, column)

    @property
    def texts(self) -> list[list[str]]:
        """What is written, row by row."""
        return [[cell.text() for cell in row] for row in self.cells]

    def set_rows(self, rows: Sequence[Sequence[str]], quiet: Sequence[bool] = ()) -> None:
        """Show these; those that are `quiet` in the secondary colour."""
        for gone in self.cells[len(rows) :]:
            for cell in gone:
                self._grid.removeWidget(cell)
                cell.hide()
                cell.deleteLater()
        del self.cells[len(rows) :]
        for place, row in enumerate(rows):
            if place == len(self.cells):
                made = [selectable(Wrapped(self, size=theme.SIZE_MONO)) for _ in self._headings]
                for column, cell in enumerate(made):
                    self._put(cell, place + 1, column)
                    cell.show()
                self.cells.append(made)
            for cell, text in zip(self.cells[place], row, strict=True):
                cell.setText(text)
                cell.set_quiet(bool(quiet) and quiet[place])
            said = zip(self._headings[1:], row[1:], strict=True)
            self.cells[place][0].setAccessibleName(
                ". ".join([row[0], *(f"{heading}: {text}" for heading, text in said if text)])
            )

    def _put(self, label: Wrapped, row: int, column: int) -> None:
        if column >= self._word_columns:
            label.setWordWrap(False)
            self._grid.addWidget(
                label, row, column, Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignTop
            )
        else:
            self._grid.addWidget(label, row, column)
