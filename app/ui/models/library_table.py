"""The models on this machine as rows and columns, with what is under way with each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.domain.hub import Format
from app.domain.model import LibraryEntry, Place
from app.models.library import display_name
from app.ui import words

Index = QModelIndex | QPersistentModelIndex

ENTRY = Qt.ItemDataRole.UserRole
SORT = Qt.ItemDataRole.UserRole + 1
SEARCHED = Qt.ItemDataRole.UserRole + 2
"""Everything a person may filter by."""
STATE = Qt.ItemDataRole.UserRole + 3
"""A `State`: the second line of a row."""


class Column(IntEnum):
    """From the start of a row to its end."""

    NAME = 0
    QUANTIZATION = 1
    PARAMETERS = 2
    SIZE = 3
    CONTEXT = 4
    PLACE = 5
    LAST_USED = 6
    DEEDS = 7
    """Nothing but room for the buttons of a row."""


HEADINGS = {
    Column.NAME: "Name",
    Column.QUANTIZATION: "Quantization",
    Column.PARAMETERS: "Parameters",
    Column.SIZE: "Size",
    Column.CONTEXT: "Context",
    Column.PLACE: "Where",
    Column.LAST_USED: "Last used",
    Column.DEEDS: "",
}
_FIGURES = (Column.PARAMETERS, Column.SIZE, Column.CONTEXT)


@dataclass(frozen=True, slots=True)
class State:
    """What a row says below the name. `role` is the theme's colour, `share` of what is under way."""

    words: str
    role: str = "secondary"
    icon: str = ""
    share: float | None = None
    working: bool = False


class LibraryTable(QAbstractTableModel):
    """Rows are known by `LocalModel.name`; only what changes is told to be changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[LibraryEntry] = []
        self._states: dict[str, State] = {}

    def set_entries(self, entries: Sequence[LibraryEntry]) -> None:
        """Show these. Rows that stay keep their place, and so what is selected."""
        wanted = {entry.model.name: entry for entry in entries}
        self._states = {name: state for name, state in self._states.items() if name in wanted}
        if not self._entries:  # the first time: at once
            self.beginResetModel()
            self._entries = list(wanted.values())
            self.endResetModel()
            return
        for row in reversed(range(len(self._entries))):
            if self._entries[row].model.name not in wanted:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self._entries[row]
                self.endRemoveRows()
        for row, old in enumerate(self._entries):
            new = wanted.pop(old.model.name)
            if new != old:
                self._entries[row] = new
                self._tell(row)
        if wanted:
            first = len(self._entries)
            self.beginInsertRows(QModelIndex(), first, first + len(wanted) - 1)
            self._entries.extend(wanted.values())
            self.endInsertRows()

    def set_state(self, name: str, state: State | None) -> bool:
        """What the row says besides what it always says; returns whether there is such a row."""
        row = self.row_of(name)
        if row is None:
            return False
        if state is None:
            self._states.pop(name, None)
        else:
            self._states[name] = state
        self._tell(row, Column.NAME)
        return True

    def entry(self, row: int) -> LibraryEntry:
        """The model in `row`."""
        return self._entries[row]

    def row_of(self, name: str) -> int | None:
        """Where the model of this name stands."""
        return next((row for row, entry in enumerate(self._entries) if entry.model.name == name), None)

    def _tell(self, row: int, last: Column = Column.DEEDS) -> None:
        self.dataChanged.emit(self.index(row, Column.NAME), self.index(row, last))

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
            return HEADINGS[Column(section)]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self._entries[index.row()]
        column = index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _shown(entry, column)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.ToolTipRole if column == Column.NAME:
                return f"{entry.model.name}\n{entry.model.path}"
            case Qt.ItemDataRole.AccessibleTextRole if column == Column.NAME:
                return self._spoken(entry)
            case _ if role == ENTRY:
                return entry
            case _ if role == SORT:
                return _sorted_by(entry, column)
            case _ if role == SEARCHED:
                return _searched(entry)
            case _ if role == STATE:
                return self._states.get(entry.model.name) or _usual_state(entry)
        return None

    def _spoken(self, entry: LibraryEntry) -> str:
        """The row as a sentence."""
        columns = (Column.NAME, Column.QUANTIZATION, Column.SIZE, Column.PLACE)
        state = self._states.get(entry.model.name) or _usual_state(entry)
        parts = [_shown(entry, column) for column in columns]
        if entry.last_used is not None:
            parts.append(f"last used {_shown(entry, Column.LAST_USED)}")
        return ", ".join(part for part in (*parts, state.words) if part and part != words.UNKNOWN)


def name_of(entry: LibraryEntry) -> str:
    """A model's name for a sentence: "Qwen3 4B · Q4_K_M"."""
    return " · ".join(part for part in display_name(entry.model.name) if part)


def usable(entry: LibraryEntry) -> bool:
    """Whether one can chat with it here: llama.cpp reads GGUF alone."""
    return entry.model.format is Format.GGUF and not entry.problem


def owner(place: Place) -> str:
    """Whose models lie there, within a sentence."""
    return "the Hugging Face cache" if place is Place.HUGGING_FACE else place.value


def removal_question(entry: LibraryEntry, freed: int) -> str:
    """What deleting it means; `freed` in bytes."""
    if entry.model.place is Place.IN_PLACE:
        return f"Forget {name_of(entry)}? The file stays where you keep it; only this list forgets it."
    return f"Delete {name_of(entry)}? This frees {words.size(freed)} and cannot be undone."


def _shown(entry: LibraryEntry, column: int) -> str:
    title, quantization = display_name(entry.model.name)
    details = entry.details
    match column:
        case Column.NAME:
            return title or entry.model.name
        case Column.QUANTIZATION:
            said = details.quantization if details is not None else ""
            otherwise = Format.SAFETENSORS if entry.model.format is Format.SAFETENSORS else words.UNKNOWN
            return said or quantization or otherwise
        case Column.PARAMETERS:
            return words.parameters(details.parameters if details is not None else None)
        case Column.SIZE:
            return words.size(entry.model.size)
        case Column.CONTEXT:
            return words.tokens(details.context_length if details is not None else None)
        case Column.PLACE:
            return place_words(entry.model.place)
        case Column.LAST_USED:
            return words.ago(entry.last_used, time.time())
    return ""


def place_words(place: Place) -> str:
    """Where a model lies, as it begins a cell."""
    said = place.value
    return said[:1].upper() + said[1:]


def _usual_state(entry: LibraryEntry) -> State:
    if entry.problem:
        return State(entry.problem, "failed", "warning")
    details = entry.details
    if details is None:
        return State("Reading…")
    said = [details.architecture, details.licence, "" if details.has_template else "no chat template"]
    if entry.projector is not None:
        said.append("sees images")
    return State(" · ".join(part for part in said if part))


def _sorted_by(entry: LibraryEntry, column: int) -> float | str:
    """Figures as floats: Qt compares whole numbers of 32 and of 64 bits as if all were of 32."""
    details = entry.details
    match column:
        case Column.PARAMETERS:
            return float((details.parameters if details is not None else None) or -1)
        case Column.SIZE:
            return float(entry.model.size)
        case Column.CONTEXT:
            return float((details.context_length if details is not None else None) or -1)
        case Column.LAST_USED:
            return -1.0 if entry.last_used is None else float(entry.last_used)
    return _shown(entry, column).casefold()


def _searched(entry: LibraryEntry) -> str:
    details = entry.details
    said = (details.title, details.architecture, details.licence) if details is not None else ()
    shown = (_shown(entry, Column.QUANTIZATION), _shown(entry, Column.PLACE))
    return " ".join((entry.model.name, _shown(entry, Column.NAME), *shown, *said))


def _alignment(column: int) -> int:
    trailing = column in _FIGURES
    return int(Qt.AlignmentFlag.AlignTrailing if trailing else Qt.AlignmentFlag.AlignLeading)
