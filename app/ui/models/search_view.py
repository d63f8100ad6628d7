"""Searching the hub: words, format and order above, repositories below, their files on opening."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.domain.download import Download
from app.domain.hub import HubModel, Variant


class SearchView(QWidget):
    """Pure view. Answers name the words they answer: one that comes too late is not shown."""

    searched = Signal(str, object, str)
    """Words, `Format` or None for both, order ("downloads", "likes" or "lastModified")."""
    repository_opened = Signal(str)
    """Its variants are wanted: `set_variants` or `set_repository_failed`."""
    download_requested = Signal(object, str)
    """`Variant`, name to show for it."""
    advice_requested = Signal(str)
    """Repository whose ladder is wanted."""
    token_requested = Signal(str)
    """Repository that needs a token."""
    settings_requested = Signal()
    """To turn the offline switch off."""
    log_requested = Signal(str, str)
    """Sentence, detail."""

    def search_for(self, words: str) -> None:
        """Type these words for the person and search."""

    def set_results(self, words: str, results: Sequence[HubModel]) -> None:
        """What was found for `words`; ignored if the field says something else by now."""

    def set_failed(self, words: str, sentence: str, detail: str = "") -> None:
        """The search for `words` came to nothing, because of this."""

    def set_offline(self, offline: bool) -> None:
        """The offline switch: while it is on there is nothing to search."""

    def set_has_token(self, has_token: bool) -> None:
        """Whether a token is kept; gated repositories then may be tried."""

    def set_variants(self, repository: str, variants: Sequence[Variant]) -> None:
        """What there is to download of a repository."""

    def set_repository_failed(
        self, repository: str, sentence: str, *, needs_token: bool, detail: str = ""
    ) -> None:
        """Its files could not be listed, because of this."""

    def set_downloads(self, downloads: Sequence[Download]) -> None:
        """What is on its way or done: its button says so."""

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
