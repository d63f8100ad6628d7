"""Everything known of one model on this machine, beside the list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.domain.model import LibraryEntry


class DetailsPanel(QWidget):
    """What the header says, where the file lies, whether it is whole, what it will take."""

    chat_requested = Signal(object)
    """The `LibraryEntry` shown, as in the signals that follow."""
    verify_requested = Signal(object)
    reveal_requested = Signal(object)
    closed = Signal()
    """By its cross or by Escape."""

    def set_entry(self, entry: LibraryEntry) -> None:
        """Show this model; what was said of the check and the forecast of another one goes."""

    def set_check(self, words: str, *, failed: bool = False) -> None:
        """Whether the file is what it should be, as far as it was looked at."""

    def set_forecast(self, rows: Sequence[tuple[str, str]]) -> None:
        """What the model takes on this machine: name and figure, in words."""
