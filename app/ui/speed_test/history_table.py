"""The tests of the history as rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.domain.speed_test import TestState
from app.domain.speed_test_history import ColumnHeadline, SpeedTestSummary
from app.ui import words
from app.ui.elided_label import plain_tip
from app.ui.speed_test.case_words import at_once, state_words

Index = QModelIndex | QPersistentModelIndex

SUMMARY = Qt.ItemDataRole.UserRole
"""The `SpeedTestSummary` of a row."""


class Column(IntEnum):
    """From the start of a row to its end."""

    MODEL = 0
    ENGINES = 1
    FIGURE = 2
    WHEN = 3
    STATE = 4


_HEADINGS = {
    Column.MODEL: "Model",
    Column.ENGINES: "Engines",
    Column.FIGURE: "Fastest reply",
    Column.WHEN: "When",
    Column.STATE: "State",
}


class HistoryTable(QAbstractTableModel):
    """One row a test, the newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._summaries: tuple[SpeedTestSummary, ...] = ()

    def set_summaries(self, summaries: Sequence[SpeedTestSummary]) -> None:
        """Show these."""
        self.beginResetModel()
        self._summaries = tuple(summaries)
        self.endResetModel()

    def row_of(self, test_id: int) -> int:
        """Where a test stands; -1 if it does not."""
        ids = [summary.id for summary in self._summaries]
        return ids.index(test_id) if test_id in ids else -1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._summaries)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADINGS[Column(section)]
        return int(Qt.AlignmentFlag.AlignLeading) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        summary = self._summaries[index.row()]
        column = Column(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _shown(summary, column)
            case Qt.ItemDataRole.ForegroundRole:
                return "text" if column is Column.MODEL else "secondary"
            case Qt.ItemDataRole.ToolTipRole if column in (Column.ENGINES, Column.FIGURE):
                return plain_tip("\n".join(map(headline_words, summary.columns)))
            case Qt.ItemDataRole.AccessibleTextRole if column is Column.MODEL:
                return spoken(summary)
            case _ if role == SUMMARY:
                return summary
        return None


def model_words(summary: SpeedTestSummary) -> str:
    """The model, or the models."""
    return " and ".join(summary.families) or "Speed test"


def headline_words(column: ColumnHeadline) -> str:
    """One engine in a line: "llama.cpp Q4_1: 118 tok/s alone, 151 tok/s with 8 at once"."""
    name = " ".join(part for part in (column.engine, column.precision) if part)
    parts = []
    if column.single_rate is not None:
        parts.append(f"{words.decode_speed(column.single_rate)} alone")
    if column.best_rate is not None and column.best_batch is not None and column.best_batch > 1:
        parts.append(f"{words.decode_speed(column.best_rate)} with {at_once(column.best_batch)}")
    if column.failed:
        parts.append("failed")
    return f"{name}: {', '.join(parts) or 'nothing measured'}"


def spoken(summary: SpeedTestSummary) -> str:
    """A whole row as a reader says it."""
    engines = "; ".join(map(headline_words, summary.columns))
    return f"{model_words(summary)}, {words.moment(summary.at)}, {state_words(summary.state)}. {engines}"


def _shown(summary: SpeedTestSummary, column: Column) -> str:
    match column:
        case Column.MODEL:
            return model_words(summary)
        case Column.ENGINES:
            return ", ".join(summary.engines)
        case Column.FIGURE:
            return _fastest(summary.columns)
        case Column.WHEN:
            return words.moment(summary.at)
        case Column.STATE:
            failed = any(column.failed for column in summary.columns)
            plain = summary.state is TestState.DONE
            return "an engine failed" if plain and failed else state_words(summary.state)


def _fastest(columns: Sequence[ColumnHeadline]) -> str:
    rated = [column for column in columns if column.single_rate is not None]
    if not rated:
        return words.UNKNOWN
    best = max(rated, key=lambda column: column.single_rate or 0.0)
    figure = words.decode_speed(best.single_rate)
    return figure if len(columns) == 1 else f"{figure}, {best.engine}"
