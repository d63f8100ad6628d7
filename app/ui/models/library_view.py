"""The models on this machine: a table to sort and filter, with what can be done with each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.domain.model import LibraryEntry


class LibraryView(QWidget):
    """Pure view: what it shows is set, what a person does is told. Rows are known by `LocalModel.name`."""

    chat_requested = Signal(object)
    """A `LibraryEntry`, as in the signals that follow."""
    details_requested = Signal(object)
    verify_requested = Signal(object)
    reveal_requested = Signal(object)
    remove_requested = Signal(object)
    """After the person confirmed it: delete the files, or, of one kept in place, only forget it."""
    remove_considered = Signal(object)
    """The question is being asked; `set_freed` may say exactly what it would free."""
    cancel_requested = Signal(str)
    """Name given to `set_work`."""
    import_requested = Signal(list)
    """`Path`s of files or folders, chosen or dropped."""
    look_again_requested = Signal()
    catalog_requested = Signal()
    """From the empty page: where to find a first model."""

    def set_entries(self, entries: Sequence[LibraryEntry]) -> None:
        """Show these; what is selected and where the list was scrolled to stays."""

    def set_looking(self, looking: bool) -> None:
        """Whether the folders are being read."""

    def set_work(self, name: str, words: str, done: int, total: int | None) -> None:
        """Something under way with a model ("Verifying"), `done` of `total` bytes.

        What has no row yet (an import, by its file's name) is shown above the table.
        """

    def end_work(self, name: str, remark: str = "", *, failed: bool = False) -> None:
        """It is over; `remark` says how it ended and stays in the row."""

    def set_freed(self, name: str, freed: int) -> None:
        """Bytes that deleting `name` frees, if that is being asked."""

    def focus_filter(self) -> None:
        """Put the cursor into the filter field."""
