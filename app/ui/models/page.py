"""The models page: catalog, search, what is on this machine, the ledger; and what is on its way, below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.domain.download import Download
from app.domain.errors import AccessDenied, EdgewiseError
from app.domain.hub import Variant
from app.domain.model import LibraryEntry, Place
from app.models.presence import holds
from app.services.download_watch import DownloadWatch
from app.services.library_session import LibrarySession
from app.services.models_session import ModelsSession
from app.ui.log_dialog import LogDialog
from app.ui.models.catalog_page import CatalogPage
from app.ui.models.download_shelf import DownloadShelf
from app.ui.models.ledger_view import LedgerView
from app.ui.models.library_page import LibraryPage
from app.ui.models.search_view import SearchView
from app.ui.models.tabs import Tabs
from app.ui.notice_bar import UNDO_MS, NoticeBar
from app.ui.words import size

CATALOG, SEARCH, LIBRARY, LEDGER = range(4)
_LIBRARY = "library"
"""What notices about the models on this machine are about."""
_NAMES = ("Catalog", "Search", "On this machine", "Ledger")


class ModelsPage(QWidget):
    """Brings the views to life: each signal of a view asks a session, each answer goes to a view."""

    chat_requested = Signal(str)
    """Library name of the model to chat with."""
    settings_requested = Signal()
    token_requested = Signal(str)
    """Repository that asks for a token."""
    ledger_wanted = Signal()
    """The ledger is looked at: `ledger.set_entries` is awaited."""
    pause_requested = Signal(int)
    resume_requested = Signal(int)
    cancel_requested = Signal(int)
    retry_requested = Signal(int)
    forget_requested = Signal(int)
    """Of a download, by its id."""

    def __init__(
        self,
        models: ModelsSession,
        library: LibrarySession,
        watch: DownloadWatch,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._models = models
        self._library_session = library
        self.tabs = Tabs(_NAMES, self)
        self.notice = NoticeBar(self)
        self.catalog = CatalogPage(models, self)
        self.search = SearchView(self)
        self.library = LibraryPage(library, self)
        self.ledger = LedgerView(self)
        self.shelf = DownloadShelf(self)
        self._stack = QStackedWidget(self)
        for view in (self.catalog, self.search, self.library, self.ledger):
            self._stack.addWidget(view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs)
        layout.addWidget(self.notice)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.shelf)
        self._connect_library()
        self._connect_search()
        self._connect_downloads(watch)
        self.tabs.chosen.connect(self._show)
        self.catalog.search_wanted.connect(self.search_for)
        self.catalog.left.connect(lambda: self.tabs.choose(SEARCH))
        self.catalog.chat_requested.connect(self._chat_with_path)
        self.catalog.token_requested.connect(self.token_requested)
        models.failed.connect(self.show_error)
        self._stack.setFocusProxy(self.tabs)
        self.setFocusProxy(self.tabs)

    def search_for(self, words: str) -> None:
        """Search the hub for these words."""
        self.tabs.choose(SEARCH)
        self.search.search_for(words)

    def show_library(self) -> None:
        """Bring what is on this machine to the front."""
        self.tabs.choose(LIBRARY)

    def show_error(self, error: EdgewiseError, about: str = "") -> None:
        """Say an expected failure above the views."""
        details = ("Show details", lambda: self.show_log(error.message, error.detail))
        self.notice.say(error.message, details=details if error.detail else None, about=about)

    def show_log(self, sentence: str, detail: str) -> None:
        """What stands behind a sentence."""
        dialog = LogDialog("Log", sentence, detail, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def set_network(self, *, offline: bool, has_token: bool) -> None:
        """Whether the hub may be asked, and whether as somebody."""
        self.search.set_offline(offline)
        self.search.set_has_token(has_token)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # What other programs did to memory, disk and files is seen whenever the page is come back to; after
        # it is painted, since workers would slow that down.
        QTimer.singleShot(0, self._look)

    def _look(self) -> None:
        self._models.look()
        self._library_session.look()
        if self.tabs.current == LEDGER:
            self.ledger_wanted.emit()

    def _show(self, place: int) -> None:
        self._stack.setCurrentIndex(place)
        if place == SEARCH:
            self.search.focus_search()
        elif place == LIBRARY:
            self._library_session.look()
        elif place == LEDGER:
            self.ledger_wanted.emit()

    # Library

    def _connect_library(self) -> None:
        session = self._library_session
        session.listed.connect(self._show_local)
        session.failed.connect(lambda error: self.show_error(error, _LIBRARY))
        session.import_begun.connect(lambda: self.notice.settle(_LIBRARY))
        session.removed.connect(self._say_removed)
        session.imported.connect(self._say_imported)
        self.library.chat_requested.connect(lambda entry: self.chat_requested.emit(entry.model.name))
        self.library.catalog_requested.connect(lambda: self.tabs.choose(CATALOG))
        self.library.forecast_wanted.connect(self._models.forecast)
        self._models.forecast_known.connect(self.library.show_forecast)
        self._show_local(session.entries)

    def _show_local(self, entries: Sequence[LibraryEntry]) -> None:
        self.catalog.set_entries(entries)
        self.search.set_local([entry.model for entry in entries])

    def _say_removed(self, entry: LibraryEntry, freed: int) -> None:
        ours = entry.model.place is Place.LIBRARY
        what = f"{size(freed)} are free again." if ours else "Its files stay where they are."
        self.notice.say(f"{entry.model.name} was removed. {what}", failed=False, ms=UNDO_MS)

    def _say_imported(self, entry: LibraryEntry) -> None:
        name = entry.model.name
        self.notice.say(
            f"{name} is in the library.",
            [("Chat with it", lambda: self.chat_requested.emit(name))],
            failed=False,
            ms=UNDO_MS,
        )

    def _chat_with_path(self, path: Path) -> None:
        for entry in self._library_session.entries:
            if entry.model.path == path:
                self.chat_requested.emit(entry.model.name)

    def _chat_with_variant(self, variant: Variant) -> None:
        for entry in self._library_session.entries:
            if holds(entry.model, variant):
                self.chat_requested.emit(entry.model.name)
                return

    # Search

    def _connect_search(self) -> None:
        view, models = self.search, self._models
        view.searched.connect(models.search)
        view.repository_opened.connect(models.find_variants)
        view.download_requested.connect(models.download)
        view.advice_requested.connect(self._visit)
        view.token_requested.connect(self.token_requested)
        view.settings_requested.connect(self.settings_requested)
        view.log_requested.connect(self.show_log)
        models.found.connect(view.set_results)
        models.search_failed.connect(lambda words, e: view.set_failed(words, e.message, e.detail))
        models.variants_found.connect(view.set_variants)
        models.variants_failed.connect(self._say_no_variants)

    def _say_no_variants(self, repository: str, error: EdgewiseError) -> None:
        self.search.set_repository_failed(
            repository, error.message, needs_token=isinstance(error, AccessDenied), detail=error.detail
        )

    def _visit(self, repository: str) -> None:
        self.tabs.choose(CATALOG)
        self.catalog.visit(repository)

    # Downloads

    def _connect_downloads(self, watch: DownloadWatch) -> None:
        shelf = self.shelf
        for asked, told in (
            (shelf.pause_requested, self.pause_requested),
            (shelf.resume_requested, self.resume_requested),
            (shelf.cancel_requested, self.cancel_requested),
            (shelf.retry_requested, self.retry_requested),
            (shelf.forget_requested, self.forget_requested),
        ):
            asked.connect(told)
        shelf.token_requested.connect(self.token_requested)
        shelf.log_requested.connect(self.show_log)
        shelf.chat_requested.connect(self._chat_with_variant)
        watch.changed.connect(self._show_downloads)
        self._models.download_failed.connect(self._say_not_queued)
        self._show_downloads(watch.downloads)

    def _show_downloads(self, downloads: tuple[Download, ...]) -> None:
        self.shelf.set_downloads(downloads)
        self.search.set_downloads(downloads)
        self.catalog.set_downloads(downloads)

    def _say_not_queued(self, error: EdgewiseError) -> None:
        if self.tabs.current != CATALOG:  # there the ladder says it
            self.show_error(error)
