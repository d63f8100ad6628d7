"""The slim shelf under the page: what is being downloaded, how far it is, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.domain.download import Download


class DownloadShelf(QWidget):
    """Hidden while there is nothing to download. Every number in a signal is a `Download.id`."""

    pause_requested = Signal(int)
    resume_requested = Signal(int)
    cancel_requested = Signal(int)
    """It is not wanted any more: what came of it may go."""
    retry_requested = Signal(int)
    forget_requested = Signal(int)
    """A done or failed one may leave the shelf."""
    token_requested = Signal(str)
    """Repository that needs a token."""
    log_requested = Signal(str, str)
    """Sentence, detail."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._downloads: Sequence[Download] = ()
        self.hide()

    def set_downloads(self, downloads: Sequence[Download]) -> None:
        """Show how these stand now; may be called several times a second."""
        self._downloads = downloads
        self.setVisible(bool(downloads))
