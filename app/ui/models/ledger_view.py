"""What was forecast of each load beside what was measured, and how good the forecasts were."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSortFilterProxyModel, Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.domain.ledger import LedgerEntry
from app.ui import theme
from app.ui.models.invitation import Invitation
from app.ui.models.ledger_table import SORT, Column, LedgerTable, summary
from app.ui.models.quiet_table import FigureDelegate, QuietTable

_ROW_HEIGHT = 36
_WIDTHS = (136, 100, 72, 84, 84, 100, 88, 88, 96)
_LEAST_MODEL = 190
_GOES_FIRST = (
    Column.CONTEXT,
    Column.QUANTIZATION,
    Column.SPEED_FORECAST,
    Column.SPEED_MEASURED,
    Column.WHEN,
    Column.SPEED_ERROR,
)


class LedgerView(QWidget):
    """A sentence on top, a table below, the newest load first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._summary = QLabel(self)
        self._summary.setWordWrap(True)
        self._summary.setTextFormat(Qt.TextFormat.PlainText)
        self._table = LedgerTable(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._table)
        self._sorted.setSortRole(SORT)
        self._sorted.setSortLocaleAware(True)
        self._rows = QuietTable("Forecasts and measurements", _WIDTHS, _LEAST_MODEL, _GOES_FIRST, self)
        self._rows.setModel(self._sorted)
        self._rows.setItemDelegate(FigureDelegate(_ROW_HEIGHT, self._rows))
        self._rows.setSortingEnabled(True)
        self._rows.sortByColumn(Column.WHEN, Qt.SortOrder.DescendingOrder)
        self._rows.set_column_widths()
        self._empty = Invitation(self)
        self._empty.say(
            "No load was measured yet",
            "Whenever a model is loaded, what was forecast of its memory and speed is written down here, "
            "beside what was then measured. Chat with a model to see the first line.",
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_M, theme.SPACE_XL, 0)
        layout.setSpacing(theme.SPACE_M)
        layout.addWidget(self._summary)
        layout.addWidget(self._rows, 1)
        layout.addWidget(self._empty, 1)
        self.set_entries(())

    def set_entries(self, entries: Sequence[LedgerEntry]) -> None:
        """Show these loads."""
        self._table.set_entries(entries)
        said = summary(entries)
        self._summary.setText(said)
        self._summary.setVisible(bool(said))
        self._rows.setVisible(bool(entries))
        self._empty.setVisible(not entries)
