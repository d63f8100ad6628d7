"""The catalog, and the ladder of one model that slides over it, alive through the models' session."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.advisor.ladder import Goal, Rung
from app.domain.catalog import CatalogModel
from app.domain.download import Download
from app.domain.errors import AccessDenied, EdgewiseError, Offline
from app.domain.model import LibraryEntry
from app.models.catalog import matching
from app.models.presence import present
from app.services.models_session import ModelsSession
from app.ui.models.card import Presence
from app.ui.models.catalog_view import CatalogView
from app.ui.models.filters import Filter
from app.ui.models.ladder_view import LadderView


class CatalogPage(QStackedWidget):
    """Shows the catalog until a card is opened; also the ladder of a repository that a search found."""

    left = Signal()
    """The ladder of a repository was closed: back to where it was asked for."""
    search_wanted = Signal(str)
    chat_requested = Signal(object)
    """`Path` of a model on this machine."""
    token_requested = Signal(str)
    """Repository that asks for one."""

    def __init__(self, session: ModelsSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._visiting = False
        self._here: frozenset[str] = frozenset()
        self._downloads: Sequence[Download] = ()
        self.catalog = CatalogView(_matching, self)
        self.ladder = LadderView(self)
        self.addWidget(self.catalog)
        self.addWidget(self.ladder)
        self.catalog.set_models(session.models)
        if session.machine is not None:
            self.catalog.machine.set_machine(session.machine)
            self.catalog.machine.set_busy(session.busy)
        self.catalog.set_verdicts(session.verdicts)
        self._connect()

    def _connect(self) -> None:
        session, catalog, ladder = self._session, self.catalog, self.ladder
        session.machine_changed.connect(catalog.machine.set_machine)
        session.machine_busy.connect(catalog.machine.set_busy)
        session.verdicts_changed.connect(catalog.set_verdicts)
        session.subject_changed.connect(self._know_subject)
        session.ladder_changed.connect(ladder.set_ladder)
        session.ladder_changed.connect(self._mark_rungs)
        session.ladder_failed.connect(self._say_why_no_ladder)
        session.download_begun.connect(ladder.end_deed)
        session.download_failed.connect(self._say_why_no_download)
        catalog.machine.measure_requested.connect(session.measure)
        catalog.opened.connect(self._open)
        catalog.search_wanted.connect(self.search_wanted)
        ladder.closed.connect(self._close)
        ladder.goal_changed.connect(session.set_goal)
        ladder.download_requested.connect(self._download)
        ladder.chat_requested.connect(lambda rung: self.chat_requested.emit(rung.path))
        ladder.retry_requested.connect(session.open_again)
        ladder.token_requested.connect(self.token_requested)

    def visit(self, repository: str) -> None:
        """Show the ladder of a repository of the hub."""
        self._visiting = True
        self.ladder.clear(repository, 0, self._session.goal)
        self._session.open_repository(repository)
        self._show_ladder()

    def set_entries(self, entries: Sequence[LibraryEntry]) -> None:
        """The models on this machine."""
        local = [entry.model for entry in entries]
        self._session.set_local(local)
        self._here = present([one for one in local if one.size > 0], self._session.models)
        self._mark()

    def set_downloads(self, downloads: Sequence[Download]) -> None:
        """What is on its way."""
        self._downloads = downloads
        self._mark()
        self._mark_rungs()

    def _mark(self) -> None:
        arriving = {each.variant.repository for each in self._downloads if each.active}
        presence: dict[str, Presence] = {}
        for model in self._session.models:
            if model.repository in arriving:
                presence[model.id] = Presence.ARRIVING
            elif model.id in self._here:
                presence[model.id] = Presence.HERE
        self.catalog.set_presence(presence)

    def _mark_rungs(self) -> None:
        repository = self._session.repository
        found = {
            it.variant.label.upper(): it for it in self._downloads if it.variant.repository == repository
        }
        self.ladder.table.set_downloads(found)

    def _open(self, model: CatalogModel) -> None:
        self._visiting = False
        self.ladder.show_catalog_model(model, self._session.goal)
        self._session.open_catalog_model(model)
        self._show_ladder()

    def _show_ladder(self) -> None:
        self.setCurrentWidget(self.ladder)
        self.ladder.slide_in()

    def _close(self) -> None:
        self._session.close_ladder()
        self.setCurrentWidget(self.catalog)
        if self._visiting:
            self._visiting = False
            self.left.emit()
        else:
            self.catalog.focus_card()

    def _know_subject(self, name: str, trained: int, goal: Goal) -> None:
        del name  # it stands there since the ladder was opened
        self.ladder.set_trained(trained, goal)

    def _download(self, rung: Rung) -> None:
        self.ladder.begin_deed()
        self._session.download_rung(rung)

    def _say_why_no_ladder(self, error: EdgewiseError) -> None:
        self._say(error, retry=not isinstance(error, Offline))

    def _say_why_no_download(self, error: EdgewiseError) -> None:
        self._say(error, retry=False)

    def _say(self, error: EdgewiseError, *, retry: bool) -> None:
        denied = isinstance(error, AccessDenied)
        self.ladder.set_problem(
            error.message, retry=retry and not denied, needs_token=self._session.repository if denied else ""
        )


def _matching(models: Sequence[CatalogModel], wanted: Filter) -> Sequence[CatalogModel]:
    return matching(
        models,
        purpose=wanted.purpose,
        licence=wanted.licence,
        largest=wanted.largest,
        words=wanted.words,
    )
