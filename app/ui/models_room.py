"""All that the models page stands on: made with the app, so that downloads go on without the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.advisor.correction import Correction, correction_of
from app.advisor.ladder import Goal
from app.domain.download import Download, DownloadState
from app.domain.errors import EdgewiseError
from app.domain.model import LibraryEntry, LocalModel
from app.services.background import Background
from app.services.conversion_session import ConversionSession
from app.services.download_queue import DownloadQueue
from app.services.download_watch import DownloadWatch
from app.services.first_model import FirstModel
from app.services.hub_access import HubAccess
from app.services.library_session import LibrarySession
from app.services.model_advice import ModelAdvice
from app.services.model_library import ModelLibrary
from app.services.models_session import ModelsSession
from app.services.this_machine import BUILT_IN
from app.services.token_session import TokenSession
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths
from app.storage.secrets import TokenPlace
from app.storage.settings import Settings
from app.ui.models.first_run import FirstRun
from app.ui.models.import_dialog import ask_how

if TYPE_CHECKING:
    from app.ui.models.convert_desk import ConversionDesk
    from app.ui.models.page import ModelsPage

LEDGER_SHOWN = 1000


class ModelsRoom(QObject):
    """Owns the sessions of the models page, and the page once it is made."""

    library_changed = Signal()
    """Models came or went."""
    chat_requested = Signal(str)
    """Library name of a model to chat with."""
    models_requested = Signal()
    settings_requested = Signal()
    settings_changed = Signal(object)
    """`Settings` with a person's new goal."""

    def __init__(
        self,
        paths: Paths,
        library: ModelLibrary,
        ledger: Ledger,
        database: Database,
        background: Background,
        offline: Callable[[], bool],
        window: Callable[[], QWidget],
        parent: QObject | None = None,
        settings: Callable[[], Settings] = Settings,
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._ledger = ledger
        self._offline = offline
        self._window = window
        self._settings = settings
        self._page: ModelsPage | None = None
        self._desk: ConversionDesk | None = None
        self._first: FirstRun | None = None
        self._token = TokenPlace.NOWHERE
        hub = self._hub = HubAccess(paths, offline)
        self.watch = DownloadWatch(self)
        self.queue = DownloadQueue(paths, token=hub.token, offline=offline, on_change=self.watch.nudge)
        self.conversions = ConversionSession(paths, database, library, background, offline, self)
        self.tokens = TokenSession(hub, background, self)
        self.library = LibrarySession(library, background, self)
        self.models = ModelsSession(
            paths,
            background,
            ModelAdvice(paths, hub, self._correction, measured=self.conversions.measurements),
            hub,
            offline,
            self,
        )
        self.models.begin_with(_goal_of(settings()))
        self.models.goal_settled.connect(self._keep_goal)
        self.models.use_queue(self.queue)
        self.watch.watch(self.queue)
        self.watch.arrived.connect(self._arrived)
        self.tokens.changed.connect(self._know_token)
        self.tokens.kept.connect(self._try_with_token)
        for change in (self.library.imported, self.library.removed):
            change.connect(self.library_changed)
        self.conversions.made.connect(self._made)
        self.conversions.measured.connect(lambda _: self.models.look())  # the ladders tell of it
        self.conversions.failed.connect(self._say_failed)

    def start(self) -> None:
        """Take up what earlier runs left to download."""
        self.queue.restore()
        self.watch.look()
        # What the page is made of is read in before it is wanted: a click should not wait for it.
        self._background.run(lambda: import_module("app.ui.models.page"))

    def close(self) -> None:
        """Stop work and downloads; what has arrived of them is kept."""
        self.models.close()
        self.conversions.shut_down()
        self._hub.close()
        self.watch.stop()
        self.library.shut_down()
        self.queue.close()

    def make_page(self) -> ModelsPage:
        """The page, made once."""
        from app.ui.models.convert_desk import ConversionDesk
        from app.ui.models.page import ModelsPage

        page = self._page = ModelsPage(self.models, self.library, self.watch)
        page.chat_requested.connect(self.chat_requested)
        page.settings_requested.connect(self.settings_requested)
        page.token_requested.connect(self.ask_token)
        page.ledger_wanted.connect(self._read_ledger)
        page.pause_requested.connect(self.queue.pause)
        page.resume_requested.connect(self.queue.resume)
        page.retry_requested.connect(self.queue.retry)
        page.cancel_requested.connect(self.queue.cancel)
        page.forget_requested.connect(self.queue.forget)
        for order in (
            page.pause_requested,
            page.resume_requested,
            page.retry_requested,
            page.cancel_requested,
            page.forget_requested,
        ):
            order.connect(self.watch.look)
        self._desk = ConversionDesk(
            self.conversions, page.library, page.notice, self._window, self._offline, self.chat_requested.emit
        )
        self.tokens.look()
        self.network_changed()
        return page

    def search_for(self, words: str) -> None:
        """Search the hub for these words, once the page is made."""
        if self._page is not None:
            self._page.search_for(words)

    def ask_to_convert(self, model: LocalModel) -> None:
        """Say what converting it to GGUF takes, once the page is made."""
        if self._page is not None and self._desk is not None:
            self._page.show_library()
            self._desk.ask_to_convert(model)

    def network_changed(self) -> None:
        """The offline switch was set or cleared."""
        offline = self._offline()
        if self._page is not None:
            self._page.set_network(offline=offline, has_token=self._token is not TokenPlace.NOWHERE)
        if self._first is not None:
            self._first.set_offline(offline)
        self.watch.look()

    def ask_to_import(self, paths: list[Path]) -> None:
        """Ask how dropped or chosen files are to be taken in, then do it."""
        if paths:
            ask_how(self._window(), paths, lambda copy: self.library.import_models(paths, copy=copy))

    def ask_token(self, repository: str = "") -> None:
        """Ask for the hub's token."""
        from app.ui.models.token_dialog import TokenDialog

        of_it = [each for each in self.queue.snapshot() if each.variant.repository == repository]
        dialog = TokenDialog(
            has_token=self._token is not TokenPlace.NOWHERE,
            refused=any(each.token_refused for each in of_it),
            repository=repository,
            parent=self._window(),
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.token_given.connect(self.tokens.keep)
        dialog.forget_requested.connect(self.tokens.forget)
        self.tokens.settled.connect(dialog.settle)
        dialog.open()

    # The first run

    def serve_first_run(self, first: FirstRun) -> None:
        """Bring the empty chat's offer to life."""
        self._first = first
        first.set_offline(self._offline())
        first.download_requested.connect(self._download_first)
        first.models_requested.connect(self.models_requested)
        first.add_requested.connect(self._choose_files)
        first.pause_requested.connect(self.queue.pause)
        first.resume_requested.connect(self.queue.resume)
        first.retry_requested.connect(self.queue.retry)
        first.cancel_requested.connect(self.queue.cancel)
        for order in (
            first.pause_requested, first.resume_requested, first.retry_requested, first.cancel_requested,
        ):  # fmt: skip
            order.connect(self.watch.look)
        self.models.first_model_changed.connect(first.set_offer)
        self.models.download_failed.connect(lambda error: first.set_problem(error.message))
        self.watch.changed.connect(self._show_first_download)

    def no_model_yet(self) -> None:
        """There is none: look at this machine, to say what it can do."""
        self.models.look()

    def _download_first(self, offer: FirstModel) -> None:
        if offer.model is not None and offer.rung is not None:
            self.models.download_first(offer.model, offer.rung)

    def _show_first_download(self, downloads: tuple[Download, ...]) -> None:
        """The empty chat shows what a person waits for: the one that is furthest on its way."""
        if self._first is None:
            return
        waited = [each for each in downloads if each.state is not DownloadState.DONE]
        waited.sort(key=lambda each: (not each.active, each.id))
        self._first.set_download(waited[0] if waited else None)

    def _choose_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(
            self._window(), "Add models", "", "GGUF models (*.gguf);;All files (*)"
        )
        self.ask_to_import([Path(path) for path in chosen])

    # What the sessions say

    def _arrived(self, download: Download) -> None:
        del download
        self.library.look()
        self.library_changed.emit()

    def _made(self, entry: LibraryEntry) -> None:
        del entry
        self.library.look()
        self.library_changed.emit()

    def _say_failed(self, error: EdgewiseError) -> None:
        if self._page is not None:
            self._page.show_error(error)

    def _know_token(self, place: TokenPlace) -> None:
        self._token = place
        self.network_changed()

    def _keep_goal(self, goal: Goal) -> None:
        kept = replace(self._settings(), goal_context=goal.context_length, goal_speed=goal.target_speed)
        self.settings_changed.emit(kept)

    def _try_with_token(self) -> None:
        """What a token was missing for need not be asked for once more."""
        self.queue.retry_denied()
        self.watch.look()

    def _read_ledger(self) -> None:
        page = self._page
        if page is not None:
            self._background.run(
                lambda: self._ledger.entries(LEDGER_SHOWN), page.ledger.set_entries, page.show_error
            )

    def _correction(self, architecture: str, engine: str) -> Correction:
        """On whatever thread asks."""
        entries = self._ledger.entries()
        return correction_of(entries, engine=engine, architecture=architecture, gpu=engine != BUILT_IN)


def _goal_of(settings: Settings) -> Goal:
    """What a person has set of it; the rest is as usual."""
    usual = Goal()
    return Goal(settings.goal_context or usual.context_length, settings.goal_speed or usual.target_speed)
