"""The models on this machine: a table to sort and filter, with what can be done with each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeySequence,
)
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QMenu, QPushButton, QVBoxLayout, QWidget

from app.domain.hub import Format
from app.domain.model import LibraryEntry, Place
from app.ui import icons, theme, words
from app.ui.announce import announce
from app.ui.models.drop_frame import DropFrame
from app.ui.models.import_dialog import model_paths
from app.ui.models.invitation import Invitation
from app.ui.models.library_row import DEEDS_WIDTH, ROW_HEIGHT, LibraryRows, NameDelegate, RowDeeds
from app.ui.models.library_table import (
    ENTRY,
    HEADINGS,
    SEARCHED,
    SORT,
    Column,
    LibraryTable,
    State,
    name_of,
    removal_question,
    usable,
    why_not_ours,
)
from app.ui.models.question_bar import QuestionBar
from app.ui.models.quiet_table import FigureDelegate
from app.ui.models.work_strip import WorkStrip
from app.ui.spinner import Spinner

_WIDTHS = (104, 96, 80, 80, 148, 100, DEEDS_WIDTH)
_LEAST_NAME = 250
_GOES_FIRST = (Column.CONTEXT, Column.PARAMETERS, Column.LAST_USED, Column.PLACE, Column.QUANTIZATION)
_SORTED_BY = tuple(column for column in Column if column is not Column.DEEDS)
_BESIDE_CROSS = 28
"""Room for the filter's own cross."""
_OURS = (Place.LIBRARY, Place.IN_PLACE)


class LibraryView(QWidget):
    """Pure view: what it shows is set, what a person does is told. Rows are known by `LocalModel.name`."""

    chat_requested = Signal(object)
    """A `LibraryEntry`, as in the signals that follow."""
    details_requested = Signal(object)
    current_changed = Signal(object)
    verify_requested = Signal(object)
    reveal_requested = Signal(object)
    remove_requested = Signal(object)
    """After the person confirmed it: delete the files, or, of one kept in place, only forget it."""
    remove_considered = Signal(object)
    """The question is being asked; `set_freed` may say exactly what it would free."""
    convert_requested = Signal(object)
    quantize_requested = Signal(object)
    measure_requested = Signal(object)
    cancel_requested = Signal(str)
    """Name given to `set_work`."""
    import_requested = Signal(list)
    """`Path`s of files or folders, chosen or dropped."""
    look_again_requested = Signal()
    catalog_requested = Signal()
    """From the empty page: where to find a first model."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._looking = False
        self._asked: str | None = None
        self._strips: dict[str, WorkStrip] = {}
        self._working: set[str] = set()
        self._table = LibraryTable(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._table)
        self._sorted.setSortRole(SORT)
        self._sorted.setFilterRole(SEARCHED)
        self._sorted.setFilterKeyColumn(Column.NAME)
        self._sorted.setSortLocaleAware(True)
        self._filter = QLineEdit(self)
        self._filter.setPlaceholderText("Filter…")
        self._filter.setAccessibleName("Filter the models on this machine")
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(self._filtered)
        self._add = QPushButton("Add…", self)
        icons.set_icon(self._add, "new-chat", "text", 16)
        self._add.setAccessibleName("Add a model from a file or folder")
        adding = QMenu(self._add)
        adding.addAction("Files…").triggered.connect(self._choose_files)
        adding.addAction("A folder…").triggered.connect(self._choose_folder)
        self._add.setMenu(adding)
        self._again = QPushButton("Look again", self)
        self._again.setAccessibleDescription("Reads the folders of models once more")
        self._again.clicked.connect(self.look_again_requested)
        self._spinner = Spinner(self._filter)
        self._rows = LibraryRows("Models on this machine", _WIDTHS, _LEAST_NAME, _GOES_FIRST, self)
        self._rows.setModel(self._sorted)
        self._rows.setItemDelegateForColumn(Column.NAME, NameDelegate(self._rows))
        figures = FigureDelegate(ROW_HEIGHT, self._rows)
        for column in list(Column)[1:]:
            self._rows.setItemDelegateForColumn(column, figures)
        self._rows.setSortingEnabled(True)
        self._rows.sortByColumn(Column.NAME, Qt.SortOrder.AscendingOrder)
        self._rows.set_column_widths()
        self._deeds = RowDeeds(self._rows.viewport())
        self._empty = Invitation(self)
        self._question = QuestionBar(self)
        self._frame = DropFrame(self)
        self._arrange()
        self._connect()
        self._fill()

    def _arrange(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(theme.SPACE_S)
        tools.addWidget(self._filter, 1)
        tools.addWidget(self._add)
        tools.addWidget(self._again)
        inside = QHBoxLayout(self._filter)
        inside.setContentsMargins(0, 0, _BESIDE_CROSS, 0)
        inside.addStretch(1)
        inside.addWidget(self._spinner)
        self._imports = QVBoxLayout()
        self._imports.setSpacing(0)
        inner = QVBoxLayout()
        inner.setContentsMargins(theme.SPACE_XL, theme.SPACE_M, theme.SPACE_XL, 0)
        inner.setSpacing(theme.SPACE_S)
        inner.addLayout(tools)
        inner.addLayout(self._imports)
        inner.addWidget(self._rows, 1)
        inner.addWidget(self._empty, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(inner, 1)
        layout.addWidget(self._question)

    def _connect(self) -> None:
        self._rows.activated.connect(lambda _: self._tell(self.details_requested))
        self._rows.menu_wanted.connect(self._open_menu)
        self._rows.delete_wanted.connect(self._ask_to_remove)
        self._rows.moved.connect(self._place_deeds)
        self._rows.hovered.connect(self._place_deeds)
        self._rows.selectionModel().currentChanged.connect(self._place_deeds)
        self._rows.selectionModel().currentRowChanged.connect(lambda: self._tell(self.current_changed))
        self._rows.verticalScrollBar().valueChanged.connect(self._place_deeds)
        self._sorted.layoutChanged.connect(self._place_deeds)
        self._sorted.dataChanged.connect(self._place_deeds)
        self._deeds.chat.connect(lambda: self._tell(self.chat_requested, self._deeds_entry()))
        self._deeds.more.connect(self._open_more)
        self._deeds.cancel.connect(self._cancel)
        self._empty.chosen.connect(self._accept_invitation)

    def set_entries(self, entries: Sequence[LibraryEntry]) -> None:
        """Show these; what is selected and where the list was scrolled to stays."""
        self._table.set_entries(entries)
        if self._asked is not None and self._table.row_of(self._asked) is None:
            self._question.settle()
        self._fill()

    def set_looking(self, looking: bool) -> None:
        """Whether the folders are being read."""
        self._looking = looking
        self._spinner.set_busy(looking)
        self._again.setEnabled(not looking)
        self._fill()

    def set_work(self, name: str, said: str, done: int, total: int | None) -> None:
        """Something under way with a model ("Verifying"), `done` of `total` bytes.

        What has no row yet (an import, by its file's name) is shown above the table.
        """
        self.show_work(name, said, f"{said} · {words.size_of(done, total)}", done / total if total else None)

    def show_work(self, name: str, said: str, sentence: str, share: float | None) -> None:
        """As `set_work`, of what is not counted in bytes: `sentence` says how far it is."""
        self._working.add(name)
        if self._table.set_state(name, State(sentence, share=share, working=True)):
            return
        if name not in self._strips:
            strip = WorkStrip(name, self)
            strip.cancelled.connect(self.cancel_requested)
            self._strips[name] = strip
            self._imports.addWidget(strip)
            strip.show()
            QWidget.setTabOrder(self._again, strip.cross)
            announce(self, f"{said}: {name}.")
        self._strips[name].show_progress(sentence, share)

    def end_work(self, name: str, remark: str = "", *, failed: bool = False) -> None:
        """It is over; `remark` says how it ended and stays in the row."""
        self._working.discard(name)
        strip = self._strips.pop(name, None)
        if strip is not None:
            strip.hide()
            strip.deleteLater()
        state = State(remark, "failed" if failed else "ready", "warning" if failed else "check")
        self._table.set_state(name, state if remark else None)
        if remark:
            announce(self, f"{name}: {remark}")

    def set_freed(self, name: str, freed: int) -> None:
        """Bytes that deleting `name` frees, if that is being asked."""
        row = self._table.row_of(name)
        if self._question.text and self._asked == name and row is not None:
            self._question.set_sentence(removal_question(self._table.entry(row), freed))

    def focus_filter(self) -> None:
        """Put the cursor into the filter field."""
        self._filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._filter.selectAll()

    def focus_rows(self) -> None:
        """Give the keyboard to the row it was on."""
        self._rows.setFocus(Qt.FocusReason.OtherFocusReason)

    def select(self, name: str) -> None:
        """Choose the row of this model and bring it into view, if there is one."""
        row = self._table.row_of(name)
        if row is not None:
            index = self._sorted.mapFromSource(self._table.index(row, Column.NAME))
            self._rows.setCurrentIndex(index)
            self._rows.scrollTo(index)

    def _fill(self) -> None:
        there = self._table.rowCount() > 0
        shown = self._sorted.rowCount() > 0
        self._filter.setEnabled(there)
        self._rows.setVisible(shown)
        self._empty.setVisible(not shown and not (self._looking and not there))
        if not there:
            self._empty.say(
                "No models on this machine yet",
                "Choose one in the catalog, or drop a GGUF file here. Models of LM Studio, Ollama and the "
                "Hugging Face cache are found by themselves and used where they lie.",
                ("See the catalog", "Add files…"),
            )
        elif not shown:
            self._empty.say(
                "Nothing matches",
                f"No model on this machine has “{self._filter.text().strip()[:60]}” in its name, "
                "architecture, licence or place.",
                ("Show all",),
            )
        self._place_deeds()

    def _accept_invitation(self, deed: str) -> None:
        if deed == "See the catalog":
            self.catalog_requested.emit()
        elif deed == "Show all":
            self._filter.clear()
            self._filter.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._choose_files()

    def _filtered(self, text: str) -> None:
        every = "".join(f"(?=.*{re.escape(word)})" for word in text.split()[:8])
        self._sorted.setFilterRegularExpression(f"(?is){every}")
        self._fill()

    def _entry(self, index: QModelIndex | None = None) -> LibraryEntry | None:
        found = self._rows.currentIndex() if index is None else index
        return found.data(ENTRY) if found.isValid() else None

    def _tell(self, signal, entry: LibraryEntry | None = None) -> None:
        entry = entry or self._entry()
        if entry is not None:
            signal.emit(entry)

    def _deeds_index(self) -> QModelIndex:
        current = self._rows.currentIndex()
        hovered = self._rows.hovered_row
        # What the keyboard is on does not run away because the mouse was touched.
        if hovered >= 0 and not self._deeds.focused:
            return self._sorted.index(hovered, Column.DEEDS)
        return current.siblingAtColumn(Column.DEEDS) if current.isValid() else QModelIndex()

    def _deeds_entry(self) -> LibraryEntry | None:
        return self._entry(self._deeds_index())

    def _place_deeds(self, *_: object) -> None:
        index = self._deeds_index()
        entry = self._entry(index)
        if entry is None or self._rows.isHidden():
            self._deeds.hide()
            return
        cell = self._rows.visualRect(index)
        place = self._deeds.rect()
        place.moveCenter(cell.center())
        self._deeds.move(place.topLeft())
        working = entry.model.name in self._working
        self._deeds.show_for(name_of(entry), usable=usable(entry), working=working)

    def _cancel(self) -> None:
        entry = self._deeds_entry()
        if entry is not None:
            self.cancel_requested.emit(entry.model.name)

    def _open_more(self) -> None:
        entry = self._deeds_entry()
        if entry is not None:
            self.select(entry.model.name)
            self._open_menu(self._deeds.mapToGlobal(self._deeds.rect().bottomLeft()))

    def _open_menu(self, at: QPoint) -> None:
        entry = self._entry()
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if entry is not None:
            self._add_deeds(menu, entry)
        sorting = menu.addMenu("Sort by")
        for column in _SORTED_BY:
            sorting.addAction(HEADINGS[column]).triggered.connect(
                lambda _=False, column=column: self._sort_by(column)
            )
        menu.popup(at)

    def _add_deeds(self, menu: QMenu, entry: LibraryEntry) -> None:
        working = entry.model.name in self._working
        chat = menu.addAction("Chat with it")
        chat.setEnabled(usable(entry))
        chat.triggered.connect(lambda: self.chat_requested.emit(entry))
        details = menu.addAction("Details")
        details.setShortcut(QKeySequence(Qt.Key.Key_Return))
        details.triggered.connect(lambda: self.details_requested.emit(entry))
        verify = menu.addAction("Cancel" if working else "Verify")
        verify.triggered.connect(
            lambda: (
                self.cancel_requested.emit(entry.model.name) if working else self.verify_requested.emit(entry)
            )
        )
        self._add_makings(menu, entry, working=working)
        menu.addAction("Show in folder").triggered.connect(lambda: self.reveal_requested.emit(entry))
        menu.addSeparator()
        remove = QAction("Forget…" if entry.model.place is Place.IN_PLACE else "Delete…", menu)
        remove.setShortcut(QKeySequence(QKeySequence.StandardKey.Delete))
        remove.triggered.connect(lambda: self._ask_to_remove(entry))
        menu.addAction(remove)
        menu.addSeparator()

    def _add_makings(self, menu: QMenu, entry: LibraryEntry, *, working: bool) -> None:
        """What can be made of it, and what that costs; by its format."""
        if entry.model.format is Format.SAFETENSORS:
            deeds = [("Convert to GGUF…", self.convert_requested)]
        else:
            deeds = [("Quantize…", self.quantize_requested), ("Measure quality…", self.measure_requested)]
        for name, signal in deeds:
            action = menu.addAction(name)
            action.setEnabled(not entry.problem and not working)
            action.triggered.connect(lambda _=False, signal=signal: signal.emit(entry))

    def _sort_by(self, column: Column) -> None:
        header = self._rows.header()
        same = header.sortIndicatorSection() == column
        ascending = header.sortIndicatorOrder() is Qt.SortOrder.AscendingOrder
        order = Qt.SortOrder.DescendingOrder if same and ascending else Qt.SortOrder.AscendingOrder
        self._rows.sortByColumn(column, order)

    def _ask_to_remove(self, entry: LibraryEntry | None = None) -> None:
        entry = entry or self._entry()
        if entry is None:
            return
        self._asked = entry.model.name
        place = entry.model.place
        if place not in _OURS:
            self._question.ask(
                why_not_ours(entry),
                yes="Show in folder",
                no="Close",
                deed=lambda: self.reveal_requested.emit(entry),
                back_to=self._rows,
            )
            return
        self._question.ask(
            removal_question(entry, entry.model.size),
            yes="Forget" if place is Place.IN_PLACE else "Delete",
            no="Keep",
            deed=lambda: self.remove_requested.emit(entry),
            back_to=self._rows,
        )
        self.remove_considered.emit(entry)

    def _choose_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(
            self, "Add models", "", "GGUF models (*.gguf);;All files (*)"
        )
        if chosen:
            self.import_requested.emit([Path(path) for path in chosen])

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Add a folder of models")
        if chosen:
            self.import_requested.emit([Path(chosen)])

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if model_paths(event.mimeData()):
            event.acceptProposedAction()
            self._frame.cover()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._frame.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self._frame.hide()
        if paths := model_paths(event.mimeData()):
            event.acceptProposedAction()
            self.import_requested.emit(paths)
