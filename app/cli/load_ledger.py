"""The ledger, as a command that loads models writes it: beside the chat, never in its way."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from app.domain.errors import StorageError
from app.domain.metrics import GenerationMetrics
from app.services.load_record import LoadHistory, LoadRecord
from app.services.loading import Experience, LoadPlan
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths

if TYPE_CHECKING:
    from app.engines.loaded_model import LoadedModel


class LoadLedger:
    """What is known of earlier loads, and the record of the present one.

    A chat in the terminal stores nothing else, so a database that cannot be used is no reason to stop it.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._database: Database | None = None
        self._history: LoadHistory | None = None
        self._record: tuple[LoadedModel, LoadRecord] | None = None

    def experience(self) -> Experience:
        """What earlier loads taught; nothing where the database cannot be used."""
        with suppress(StorageError):
            if self._database is None:
                self._database = Database.open(self._paths.database)
                self._history = LoadHistory(Ledger(self._database), self._paths.bandwidth)
        return Experience() if self._history is None else self._history.experience()

    def replied(self, plan: LoadPlan, loaded: LoadedModel, metrics: GenerationMetrics) -> None:
        """Write down what `loaded` takes and how fast it replied. Takes a moment: call it after a reply.

        Only then has the engine written to all of its buffers.
        """
        if self._history is None:
            return
        if self._record is None or self._record[0] is not loaded:
            self._record = loaded, self._history.begin(plan, loaded)
        self._record[1].replied(metrics)

    def close(self) -> None:
        """Wait until all is written."""
        if self._database is not None:
            self._database.close()
            self._database = self._history = None
