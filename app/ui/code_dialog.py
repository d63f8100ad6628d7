"""A conversation, or a move between frameworks, as code to copy or to save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.advisor.export import (
    CannotExport,
    Code,
    Exportable,
    Migration,
    Model,
    Move,
    Target,
    export,
    migration,
)
from app.advisor.export.migrations import EXAMPLE_MODEL
from app.ui import theme
from app.ui.announce import announce
from app.ui.chat.highlighting import Highlighter
from app.ui.choice import Choice
from app.ui.engines.wrapped import Wrapped
from app.ui.spinner import Spinner

_SIZE = (880, 640)
_LEAST_WIDTH, _LEAST_HEIGHT = 420, 360
_LIST_WIDTH = 168
_ROW = 32
_NARROW_BELOW = 620
"""Where the list of targets would leave the code no room, it becomes a field above it."""
_MOST_NOTES = 112
_FILTERS = {"python": "Python (*.py)", "bash": "Shell script (*.sh)"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One program to choose: `write` makes it, and raises CannotExport. `remarks` stand before its notes."""

    label: str
    write: Callable[[], Code]
    remarks: tuple[str, ...] = ()


class CodeDialog(QDialog):
    """Begins empty and busy; `set_thing`, `set_entries` or `set_problem` fill it."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: Sequence[Entry] = ()
        self._code: Code | None = None
        self.setWindowTitle("Use this elsewhere")
        self.setMinimumSize(_LEAST_WIDTH, _LEAST_HEIGHT)
        heading = Wrapped(self, title)
        heading.setFont(theme.body_font(theme.SIZE_HEADING, semibold=True))
        self._spinner = Spinner(self)
        self._state = Wrapped(self, "Looking where its model can be had…", quiet=True)
        self.targets = QListWidget(self)
        self.targets.setAccessibleName("What the code is for")
        self.targets.setFixedWidth(_LIST_WIDTH)
        self.targets.setFrameShape(QListWidget.Shape.NoFrame)
        self.targets.viewport().setAutoFillBackground(False)
        self.targets.currentRowChanged.connect(self._choose)
        self.field = Choice(self)
        self.field.setAccessibleName("What the code is for")
        self.field.currentIndexChanged.connect(self._choose)
        self._needs = Wrapped(self, size=theme.SIZE_SECONDARY, quiet=True)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setProperty("framed", True)
        self.text.setFont(theme.mono_font())
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setTabChangesFocus(True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._highlighter = Highlighter(self.text.document())
        self._notes = QPlainTextEdit(self)
        self._notes.setReadOnly(True)
        self._notes.setAccessibleName("What to know of it")
        self._notes.setFont(theme.body_font(theme.SIZE_SECONDARY))
        self._notes.setTabChangesFocus(True)
        self._notes.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self._notes.viewport().setAutoFillBackground(False)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.save = buttons.addButton("Save as…", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._copy)
        self.save.clicked.connect(self._save)
        buttons.rejected.connect(self.reject)
        state = QHBoxLayout()
        state.setSpacing(theme.SPACE_S)
        state.addWidget(self._spinner, 0, Qt.AlignmentFlag.AlignTop)
        state.addWidget(self._state, 1)
        right = QVBoxLayout()
        right.setSpacing(theme.SPACE_S)
        right.addWidget(self.field)
        right.addWidget(self._needs)
        right.addWidget(self.text, 1)
        right.addWidget(self._notes)
        across = QHBoxLayout()
        across.setSpacing(theme.SPACE_L)
        across.addWidget(self.targets)
        across.addLayout(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_L)
        layout.setSpacing(theme.SPACE_M)
        layout.addWidget(heading)
        layout.addLayout(state)
        layout.addLayout(across, 1)
        layout.addWidget(buttons)
        self._show_parts(False)
        self._spinner.set_busy(True)
        self.resize(*_SIZE)
        theme.source().changed.connect(self._colour)

    @property
    def state(self) -> str:
        """What is said above the code, empty while there is nothing to say."""
        return "" if self._state.isHidden() else self._state.text()

    @property
    def notes(self) -> str:
        """What is to be known of the code, a paragraph each."""
        return self._notes.toPlainText()

    @property
    def needs(self) -> str:
        """What has to be installed for it."""
        return self._needs.text()

    def set_thing(self, thing: Exportable, first: Target | None = None) -> None:
        """Offer `thing` for every target, `first` the one that is shown."""
        entries = [Entry(target.label, partial(export, thing, target)) for target in Target]
        self.set_entries(entries, list(Target).index(first) if first is not None else 0)

    def set_entries(self, entries: Sequence[Entry], first: int = 0) -> None:
        """Offer these."""
        self._spinner.set_busy(False)
        self._spinner.hide()
        self._state.hide()
        self._entries = entries
        labels = [entry.label for entry in entries]
        self.field.addItems(labels)
        for label in labels:
            item = QListWidgetItem(label, self.targets)
            item.setSizeHint(QSize(0, _ROW))
        self._show_parts(True)
        self.targets.setCurrentRow(first)
        self.targets.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_problem(self, sentence: str) -> None:
        """Why there is nothing."""
        self._spinner.set_busy(False)
        self._spinner.hide()
        self._say(sentence)

    def _choose(self, row: int) -> None:
        if not 0 <= row < len(self._entries):
            return
        for other in (self.targets, self.field):
            blocked = other.blockSignals(True)
            (other.setCurrentRow if isinstance(other, QListWidget) else other.setCurrentIndex)(row)
            other.blockSignals(blocked)
        entry = self._entries[row]
        try:
            code = self._code = entry.write()
        except CannotExport as error:
            self._code = None
            self._show_code("", "", ())
            self._say(error.message)
            return
        self._state.hide()
        self._show_code(code.text, code.language, (*entry.remarks, *code.notes))
        self._needs.setText(f"Needs {', '.join(code.requirements)}." if code.requirements else "")
        self._needs.setVisible(bool(code.requirements))
        self.text.setAccessibleName(f"Code for {entry.label}")

    def _show_code(self, text: str, language: str, notes: Sequence[str]) -> None:
        self._highlighter.restart(language)
        self.text.setPlainText(text)
        self._highlighter.complete(len(text))
        self._needs.setVisible(bool(text))
        self._notes.setPlainText("\n".join(notes))
        self._notes.setVisible(bool(notes))
        self._fit_notes()
        for button in (self.copy, self.save):
            button.setEnabled(bool(text))

    def _fit_notes(self) -> None:
        lines = self._notes.document().size().height()  # a plain text's height is counted in lines
        height = round(lines * QFontMetrics(self._notes.font()).lineSpacing()) + 2 * theme.SPACE_S
        self._notes.setFixedHeight(min(_MOST_NOTES, max(28, height)))

    def _show_parts(self, shown: bool) -> None:
        for part in (self.text, self._notes, self._needs):
            part.setVisible(shown)
        self._share()
        for button in (self.copy, self.save):
            button.setEnabled(shown)

    def _share(self) -> None:
        narrow = self.width() < _NARROW_BELOW
        there = bool(self._entries)
        self.targets.setVisible(there and not narrow)
        self.field.setVisible(there and narrow)

    def _say(self, sentence: str) -> None:
        self._state.setText(sentence)
        self._state.set_quiet(False)
        self._state.show()
        announce(self, sentence)

    def _colour(self) -> None:
        code = self._code
        if code is not None:
            self._highlighter.restart(code.language)
            self._highlighter.complete(len(code.text))

    def _copy(self) -> None:
        if self._code is not None:
            QGuiApplication.clipboard().setText(self._code.text)
            announce(self, "Copied.")

    def _save(self) -> None:
        code = self._code
        if code is None:
            return
        name = _FILTERS.get(code.language, "All files (*)")
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the code", code.file_name, name)
        if not chosen:
            return
        try:
            Path(chosen).write_text(code.text, "utf-8", newline="\n")
        except OSError as error:
            self._say(
                f"{Path(chosen).name} cannot be written ({error.strerror or error}). Choose another folder."
            )
            return
        self._state.set_quiet(True)
        self._state.setText(f"Saved as {chosen}.")
        self._state.show()
        announce(self, "Saved.")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share()
        self._fit_notes()


def show_migration(move: Move, parent: QWidget, model: Model = EXAMPLE_MODEL) -> CodeDialog:
    """Open a move between two frameworks, its code before and after. Raises CannotExport."""
    told = migration(move, model)
    dialog = CodeDialog(told.title, parent)
    dialog.setWindowTitle("Moving between frameworks")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.set_entries(_sides(told), 1)
    dialog.open()
    return dialog


def _sides(told: Migration) -> list[Entry]:
    return [Entry("Before", lambda: told.before), Entry("After", lambda: told.after, told.changes)]
