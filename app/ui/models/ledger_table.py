"""The ledger as rows and columns, and what it says as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from statistics import median
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.domain.ledger import LedgerEntry
from app.domain.size_words import exact_size
from app.models.library import display_name
from app.services.load_record import FEWEST_TOKENS
from app.ui import words
from app.ui.elided_label import plain_tip

Index = QModelIndex | QPersistentModelIndex

SORT = Qt.ItemDataRole.UserRole
TIMES_FROM = 2.0
"""From this error on it is told as a factor: nobody can picture 7,900 %."""
FAR_OFF = 0.08
"""From this error on a figure is marked: the bar that forecasts are held to."""


class Column(IntEnum):
    """From the start of a row to its end."""

    MODEL = 0
    WHEN = 1
    QUANTIZATION = 2
    CONTEXT = 3
    MEMORY_FORECAST = 4
    MEMORY_MEASURED = 5
    MEMORY_ERROR = 6
    SPEED_FORECAST = 7
    SPEED_MEASURED = 8
    SPEED_ERROR = 9


_HEADINGS = {
    Column.MODEL: "Model",
    Column.WHEN: "When",
    Column.QUANTIZATION: "Quantization",
    Column.CONTEXT: "Context",
    Column.MEMORY_FORECAST: "Memory\nforecast",
    Column.MEMORY_MEASURED: "Memory\nmeasured",
    Column.MEMORY_ERROR: "Memory\nerror",
    Column.SPEED_FORECAST: "Speed\nforecast",
    Column.SPEED_MEASURED: "Speed\nmeasured",
    Column.SPEED_ERROR: "Speed\nerror",
}
_TOO = {"memory": "too much", "speed": "too fast"}
"""What a forecast is that is too high."""
_LEADING = (Column.MODEL, Column.WHEN, Column.QUANTIZATION)


class LedgerTable(QAbstractTableModel):
    """One row a load."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[LedgerEntry, ...] = ()

    def set_entries(self, entries: Sequence[LedgerEntry]) -> None:
        """Show these."""
        if tuple(entries) != self._entries:
            self.beginResetModel()
            self._entries = tuple(entries)
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADINGS[Column(section)]
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self._entries[index.row()]
        column = Column(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _shown(entry, column)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.ForegroundRole:
                return _role(entry, column)
            case Qt.ItemDataRole.ToolTipRole if column is Column.MODEL:
                layers = f", {entry.gpu_layers} layers on the GPU" if entry.gpu_layers else ""
                how = f"{entry.engine}, {entry.architecture}, {entry.threads} threads{layers}"
                return plain_tip(f"{entry.model}\n{how}")
            case Qt.ItemDataRole.ToolTipRole if why := _unknown(entry, column):
                return plain_tip(why)
            case Qt.ItemDataRole.AccessibleTextRole if column is Column.MODEL:
                return _spoken(entry)
            case _ if role == SORT:
                return _sorted_by(entry, column)
        return None


def summary(entries: Sequence[LedgerEntry]) -> str:
    """How good the forecasts were so far; empty while nothing was measured."""
    memory = [abs(entry.memory_error) for entry in entries if entry.memory_error is not None]
    speed = [abs(entry.speed_error) for entry in entries if entry.speed_error is not None]
    said = []
    for what, errors in (("memory", memory), ("speed", speed)):
        if errors:
            loads = "1 load" if len(errors) == 1 else f"median of {len(errors):,} loads"
            typical = "was" if len(errors) == 1 else "was typically"
            middle = median(errors)
            off = _times(middle, _TOO[what]) if middle > TIMES_FROM else f"{middle * 100:.1f} % off"
            said.append(f"the {what} forecast {typical} {off} ({loads})")
    if not said:
        return ""
    sentence = " and ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}. What was measured corrects the next forecast."


def _shown(entry: LedgerEntry, column: Column) -> str:
    match column:
        case Column.MODEL:
            return display_name(entry.model)[0] or entry.model
        case Column.WHEN:
            return words.moment(entry.at)
        case Column.QUANTIZATION:
            return entry.quantization or words.UNKNOWN
        case Column.CONTEXT:
            return words.tokens(entry.context_length)
        case Column.MEMORY_FORECAST:
            return _exact_size(entry.forecast_memory)
        case Column.MEMORY_MEASURED:
            return _exact_size(entry.measured_memory)
        case Column.MEMORY_ERROR:
            return _error(entry.memory_error, "memory")
        case Column.SPEED_FORECAST:
            return words.decode_speed(entry.forecast_speed)
        case Column.SPEED_MEASURED:
            return words.decode_speed(entry.measured_speed)
        case Column.SPEED_ERROR:
            return _error(entry.speed_error, "speed")


def _error(share: float | None, what: str) -> str:
    far_off = share is not None and share > TIMES_FROM
    return _times(share or 0.0, _TOO[what]) if far_off else words.signed_percent(share)


def _times(error: float, too: str) -> str:
    factor = error + 1.0
    return f"{factor:,.0f}× {too}" if factor >= 9.95 else f"{factor:.1f}× {too}"


def _unknown(entry: LedgerEntry, column: Column) -> str:
    """Why a figure is not there; empty where it is."""
    match column:
        case Column.SPEED_FORECAST | Column.SPEED_ERROR if entry.forecast_speed is None:
            return "Not forecast: the memory’s bandwidth had not been measured yet."
        case Column.SPEED_MEASURED | Column.SPEED_ERROR if entry.measured_speed is None:
            return f"Not measured: no reply had the {FEWEST_TOKENS} tokens that a fair measure takes."
        case Column.MEMORY_MEASURED | Column.MEMORY_ERROR if entry.measured_memory is None:
            return "Not measured: the system did not tell what the engine took."
    return ""


def _exact_size(count: int | None) -> str:
    """With a digit more than elsewhere: here two figures are compared."""
    return words.UNKNOWN if count is None else exact_size(count)


def _sorted_by(entry: LedgerEntry, column: Column) -> float | str:
    """What is not known comes before everything; errors by how far off they are."""
    value: float | None
    match column:
        case Column.MODEL | Column.QUANTIZATION:
            return _shown(entry, column).casefold()
        case Column.WHEN:
            value = entry.at
        case Column.CONTEXT:
            value = entry.context_length
        case Column.MEMORY_FORECAST:
            value = entry.forecast_memory
        case Column.MEMORY_MEASURED:
            value = entry.measured_memory
        case Column.SPEED_FORECAST:
            value = entry.forecast_speed
        case Column.SPEED_MEASURED:
            value = entry.measured_speed
        case Column.MEMORY_ERROR:
            value = None if entry.memory_error is None else abs(entry.memory_error)
        case Column.SPEED_ERROR:
            value = None if entry.speed_error is None else abs(entry.speed_error)
    return -1.0 if value is None else float(value)


def _role(entry: LedgerEntry, column: Column) -> str:
    if column in (Column.MODEL, Column.MEMORY_MEASURED, Column.SPEED_MEASURED):
        return "text"
    errors = {Column.MEMORY_ERROR: entry.memory_error, Column.SPEED_ERROR: entry.speed_error}
    error = errors.get(column)
    return "busy" if error is not None and abs(error) > FAR_OFF else "secondary"


def _spoken(entry: LedgerEntry) -> str:
    """The row as a sentence."""
    said = [f"{_shown(entry, Column.MODEL)} {entry.quantization}".strip(), words.moment(entry.at)]
    for what, forecast, measured, error in (
        ("memory", Column.MEMORY_FORECAST, Column.MEMORY_MEASURED, Column.MEMORY_ERROR),
        ("speed", Column.SPEED_FORECAST, Column.SPEED_MEASURED, Column.SPEED_ERROR),
    ):
        if _shown(entry, measured) == words.UNKNOWN:
            said.append(f"{what} forecast {_shown(entry, forecast)}, not measured")
        else:
            figures = f"forecast {_shown(entry, forecast)}, measured {_shown(entry, measured)}"
            said.append(f"{what} {figures}, error {_shown(entry, error)}")
    return ", ".join(said)


def _alignment(column: int) -> int:
    leading = column in _LEADING
    return int(Qt.AlignmentFlag.AlignLeading if leading else Qt.AlignmentFlag.AlignTrailing)
