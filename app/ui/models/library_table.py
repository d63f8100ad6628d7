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
from app.ui.elided_label import plain_tip

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
_COLUMNS = len(Column)
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
        self._rows: list[_Row] = []
        self._states: dict[str, State] = {}

    def set_entries(self, entries: Sequence[LibraryEntry]) -> None:
        """Show these. Rows that stay keep their place, and so what is selected."""
        wanted = {entry.model.name: entry for entry in entries}
        self._states = {name: state for name, state in self._states.items() if name in wanted}
        if not self._rows:  # the first time: at once
            self.beginResetModel()
            self._rows = [_Row(entry) for entry in wanted.values()]
            self.endResetModel()
            return
        for place in reversed(range(len(self._rows))):
            if self._rows[place].entry.model.name not in wanted:
                self.beginRemoveRows(QModelIndex(), place, place)
                del self._rows[place]
                self.endRemoveRows()
        for place, row in enumerate(self._rows):
            new = wanted.pop(row.entry.model.name)
            if new != row.entry:
                self._rows[place] = _Row(new)
                self._tell(place)
        if wanted:
            first = len(self._rows)
            self.beginInsertRows(QModelIndex(), first, first + len(wanted) - 1)
            self._rows.extend(_Row(entry) for entry in wanted.values())
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
        return self._rows[row].entry

    def row_of(self, name: str) -> int | None:
        """Where the model of this name stands."""
        return next((place for place, row in enumerate(self._rows) if row.entry.model.name == name), None)

    def _tell(self, row: int, last: Column = Column.DEEDS) -> None:
        self.dataChanged.emit(self.index(row, Column.NAME), self.index(row, last))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else _COLUMNS

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
        row = self._rows[index.row()]
        column = index.column()
        if role == SORT:  # first: sorting a thousand rows asks for this some twenty thousand times
            return row.keys[column]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.shown(column)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.ToolTipRole if column == Column.NAME:
                said = (row.entry.model.name, str(row.entry.model.path), self._state(row.entry).words)
                return plain_tip("\n".join(said))
            case Qt.ItemDataRole.AccessibleTextRole if column == Column.NAME:
                return self._spoken(row)
            case _ if role == ENTRY:
                return row.entry
            case _ if role == SEARCHED:
                return row.searched
            case _ if role == STATE:
                return self._state(row.entry)
        return None

    def _state(self, entry: LibraryEntry) -> State:
        return self._states.get(entry.model.name) or _usual_state(entry)

    def _spoken(self, row: _Row) -> str:
        """The row as a sentence."""
        columns = (Column.NAME, Column.QUANTIZATION, Column.SIZE, Column.PLACE)
        said = [row.shown(column) for column in columns]
        if row.entry.last_used is not None:
            said.append(f"last used {row.shown(Column.LAST_USED)}")
        said.append(self._state(row.entry).words)
        return ", ".join(part for part in said if part and part != words.UNKNOWN)


class _Row:
    """A model as it is shown and sorted: a thousand rows are sorted by asking for these again and again."""

    __slots__ = ("_cells", "entry", "keys", "searched")

    def __init__(self, entry: LibraryEntry) -> None:
        self.entry = entry
        self._cells = _cells(entry)
        self.keys = _keys(entry, self._cells)
        self.searched = _searched(entry, self._cells)

    def shown(self, column: int) -> str:
        """The words of a cell; time passes for one of them."""
        if column == Column.LAST_USED:
            return words.ago(self.entry.last_used, time.time())
        return self._cells[column]


def name_of(entry: LibraryEntry) -> str:
    """A model's name for a sentence: "Qwen3 4B · Q4_K_M"."""
    return " · ".join(part for part in display_name(entry.model.name) if part)


def usable(entry: LibraryEntry) -> bool:
    """Whether one can chat with it here: llama.cpp reads GGUF alone."""
    return entry.model.format is Format.GGUF and not entry.problem


def owner(place: Place) -> str:
    """Whose models lie there, within a sentence."""
    return "the Hugging Face cache" if place is Place.HUGGING_FACE else place.value


def why_not_ours(entry: LibraryEntry) -> str:
    """Why a model that is not Edgewise's to delete stays, and where it can be deleted."""
    if entry.model.place is Place.BUNDLED:
        return f"{name_of(entry)} comes with Edgewise and stays as long as Edgewise is installed."
    return (
        f"{name_of(entry)} belongs to {owner(entry.model.place)}. Delete it there: Edgewise leaves the files "
        "of other programs alone."
    )


def removal_question(entry: LibraryEntry, freed: int) -> str:
    """What deleting it means; `freed` in bytes."""
    if entry.model.place is Place.IN_PLACE:
        return f"Forget {name_of(entry)}? The file stays where you keep it; only this list forgets it."
    return f"Delete {name_of(entry)}? This frees {words.size(freed)} and cannot be undone."


def _cells(entry: LibraryEntry) -> tuple[str, ...]:
    """The words of a row, a string for each column; what time changes and the buttons' room are empty."""
    title, quantization = display_name(entry.model.name)
    details = entry.details
    said = details.quantization if details is not None else ""
    otherwise = Format.SAFETENSORS if entry.model.format is Format.SAFETENSORS else words.UNKNOWN
    return (
        title or entry.model.name,
        said or quantization or otherwise,
        words.parameters(details.parameters if details is not None else None),
        words.size(entry.model.size),
        words.tokens(details.context_length if details is not None else None),
        place_words(entry.model.place),
        "",
        "",
    )


def _keys(entry: LibraryEntry, cells: Sequence[str]) -> tuple[float | str, ...]:
    """What each column is sorted by: words, or figures as floats.

    Qt compares whole numbers of 32 and of 64 bits as if all were of 32.
    """
    details = entry.details
    return (
        cells[Column.NAME].casefold(),
        cells[Column.QUANTIZATION].casefold(),
        float((details.parameters if details is not None else None) or -1),
        float(entry.model.size),
        float((details.context_length if details is not None else None) or -1),
        cells[Column.PLACE].casefold(),
        -1.0 if entry.last_used is None else float(entry.last_used),
        "",
    )


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


def _searched(entry: LibraryEntry, cells: Sequence[str]) -> str:
    details = entry.details
    said = (details.title, details.architecture, details.licence) if details is not None else ()
    columns = (Column.NAME, Column.QUANTIZATION, Column.PLACE)
    return " ".join((entry.model.name, *(cells[column] for column in columns), *said))


def _alignment(column: int) -> int:
    trailing = column in _FIGURES
    return int(Qt.AlignmentFlag.AlignTrailing if trailing else Qt.AlignmentFlag.AlignLeading)
