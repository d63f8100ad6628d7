"""What the models page asks for: the machine, verdicts, ladders, the hub, downloads. Nothing here blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.advisor.ladder import Goal, Ladder, Rung, Subject, Verdict
from app.domain.catalog import CatalogModel
from app.domain.errors import EdgewiseError, HubError, NotOnHub
from app.domain.hub import Format, Variant
from app.domain.machine import Machine
from app.domain.model import LocalModel
from app.models.catalog import catalog
from app.models.hub import Sort
from app.services.background import Background
from app.services.first_model import first_model
from app.services.latest import Latest
from app.services.local_rungs import with_local
from app.services.this_machine import wants_measuring, with_measured_bandwidth
from app.storage.paths import Paths

if TYPE_CHECKING:
    from app.services.download_queue import DownloadQueue
    from app.services.hub_access import HubAccess
    from app.services.model_advice import ModelAdvice

MOST_FOUND = 50
SETTLED_AFTER_MS = 400
"""So long a slider rests before all models are judged anew, which takes a sixth of a second."""


class ModelsSession(QObject):
    """Lives on the window's thread; its signals arrive there. The newest question of a kind is answered."""

    machine_changed = Signal(object)
    """A `Machine`."""
    machine_busy = Signal(bool)
    """It is being looked at or measured."""
    verdicts_changed = Signal(object)
    """Of the catalog's models: a mapping of id to `Verdict`."""
    first_model_changed = Signal(object)
    """A `FirstModel`."""
    subject_changed = Signal(str, int, object)
    """Of the ladder: name, context length it was trained for (0: unknown), and the `Goal` to begin with."""
    ladder_changed = Signal(object)
    """A `Ladder`."""
    ladder_failed = Signal(object)
    """An `EdgewiseError` in place of a ladder."""
    forecast_known = Signal(object, object)
    """`Path` of a file on this machine, and a `Ladder` of it alone."""
    found = Signal(str, object)
    """Words, and the `HubModel`s for them."""
    search_failed = Signal(str, object)
    """Words, `EdgewiseError`."""
    variants_found = Signal(str, object)
    """Repository, its `Variant`s."""
    variants_failed = Signal(str, object)
    """Repository, `EdgewiseError`."""
    download_begun = Signal(str)
    """The name of what is in the queue now."""
    download_failed = Signal(object)
    """An `EdgewiseError`: it did not come into the queue."""
    goal_settled = Signal(object)
    """A person's new `Goal`, once the slider rests; models are judged by it."""
    failed = Signal(object)
    """An `EdgewiseError` that belongs to none of these."""

    def __init__(
        self,
        paths: Paths,
        background: Background,
        advice: ModelAdvice,
        hub: HubAccess,
        offline: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._paths = paths
        self._background = background
        self._advice = advice
        self._hub = hub
        self._offline = offline
        self._queue: DownloadQueue | None = None
        self._machine: Machine | None = None
        self._looking = False
        self._has_measured = False
        self._verdicts: Mapping[str, Verdict] = {}
        self._local: Sequence[LocalModel] = ()
        self._goal = self._settled = Goal()
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLED_AFTER_MS)
        self._settling.timeout.connect(self._settle)
        self._subject: Subject | None = None
        self._model: CatalogModel | None = None
        self._repository = ""
        self._again: Callable[[], None] = lambda: None
        self._judgings: Latest[Mapping[str, Verdict]] = Latest(background)
        self._ladders: Latest[Ladder] = Latest(background)
        self._subjects: Latest[Subject] = Latest(background)
        self._searches: Latest[object] = Latest(background)
        self._forecasts: Latest[Ladder] = Latest(background)

    @property
    def goal(self) -> Goal:
        """What was asked of a model last."""
        return self._goal

    def begin_with(self, goal: Goal) -> None:
        """What a person asked for when the app ran before."""
        self._goal = self._settled = goal

    @property
    def machine(self) -> Machine | None:
        """As it was looked at last; None before the first time."""
        return self._machine

    @property
    def busy(self) -> bool:
        """Whether it is being looked at or measured."""
        return self._looking

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """On the catalog's models, by id, as far as they are known."""
        return self._verdicts

    @property
    def models(self) -> tuple[CatalogModel, ...]:
        """The catalog."""
        return catalog()

    @property
    def offline(self) -> bool:
        """Whether the switch is on: nothing is looked up or downloaded."""
        return self._offline()

    @property
    def repository(self) -> str:
        """Of the ladder that is shown; empty without one."""
        return self._repository

    def use_queue(self, queue: DownloadQueue) -> None:
        """Downloads go into this one from now on."""
        self._queue = queue

    def set_local(self, models: Sequence[LocalModel]) -> None:
        """The models on this machine, to know which rungs are here."""
        self._local = models
        if self._subject is not None:
            self._reckon()

    # The machine

    def look(self) -> None:
        """Look at this machine, and measure its memory if that was never done. Verdicts follow."""
        if self._looking:
            return
        self._looking = True
        self.machine_busy.emit(True)
        self._background.run(lambda: self._advice.machine(refresh=True), self._looked, self._not_looked)

    def measure(self) -> None:
        """Measure the memory's bandwidth again, which keeps all cores busy for a second."""
        if self._looking or self._machine is None:
            return
        self._looking = self._has_measured = True
        self.machine_busy.emit(True)
        machine = self._machine
        self._background.run(lambda: self._measure(machine), self._measured, self._not_looked)

    def _measure(self, machine: Machine) -> Machine:
        with_measured_bandwidth(machine, self._paths)
        return self._advice.machine(refresh=True)

    def _looked(self, machine: Machine) -> None:
        self._looking = False
        self._know(machine)
        if wants_measuring(machine) and not self._has_measured:
            self.measure()  # once by itself: it takes the cores away from a reply
        else:
            self.machine_busy.emit(False)
            self._judge()

    def _measured(self, machine: Machine) -> None:
        self._looking = False
        self._know(machine)
        self.machine_busy.emit(False)
        self._judge()

    def _not_looked(self, error: EdgewiseError) -> None:
        self._looking = False
        self.machine_busy.emit(False)
        self.failed.emit(error)
        self._judge()

    def _know(self, machine: Machine) -> None:
        self._machine = machine
        self.machine_changed.emit(machine)

    def _judge(self) -> None:
        if self._subject is not None:
            self._reckon()
        # Each time: loads in the ledger and sizes from the hub change a verdict, too.
        goal = self._goal
        self._judgings.ask(
            lambda: self._advice.catalog_verdicts(catalog(), goal), self._judged, self.failed.emit
        )

    def _judged(self, verdicts: Mapping[str, Verdict]) -> None:
        if verdicts != self._verdicts:
            self._verdicts = verdicts
            self.verdicts_changed.emit(verdicts)
        if self._machine is not None:
            self.first_model_changed.emit(first_model(self._machine, catalog(), verdicts))

    # The ladder

    def open_catalog_model(self, model: CatalogModel) -> None:
        """Its ladder, at once from what is known; then with the hub's own sizes where it can be asked."""
        self._begin(model, model.repository)
        self._again = lambda: self.open_catalog_model(model)
        self._subjects.ask(
            lambda: self._advice.subject_of_catalog(model), self._refine, self.ladder_failed.emit
        )

    def _refine(self, subject: Subject) -> None:
        model = self._model
        self._take(subject)
        if model is not None and not self._offline():
            self._subjects.ask(
                lambda: self._advice.subject_of_catalog(model, online=True), self._take, self._unrefined
            )

    def open_repository(self, repository: str) -> None:
        """The ladder of a repository of the hub."""
        self._begin(None, repository)
        self._again = lambda: self.open_repository(repository)
        self._subjects.ask(
            lambda: self._advice.subject_of_repository(repository), self._take, self.ladder_failed.emit
        )

    def open_again(self) -> None:
        """Ask once more for the ladder that could not be had."""
        self._again()

    def close_ladder(self) -> None:
        """No answer about it is wanted any more."""
        self._subject = self._model = None
        self._repository = ""
        self._subjects.forget()
        self._ladders.forget()

    def set_goal(self, goal: Goal) -> None:
        """Reckon the ladder for this; the newest goal wins."""
        if goal.context_length == self._goal_for(self._subject).context_length:
            # Only the speed is another: a model that takes less context than was wanted changes no wish.
            goal = replace(goal, context_length=self._goal.context_length)
        self._goal = goal
        self._reckon()
        self._settling.start()

    def close(self) -> None:
        """Nothing is judged any more; a goal that has not settled is told now."""
        self._settling.stop()
        self._tell_goal()

    def _settle(self) -> None:
        if self._tell_goal() and self._verdicts:  # else the first look has yet to come, and judges by it
            self._judge()

    def _tell_goal(self) -> bool:
        if self._goal == self._settled:
            return False
        self._settled = self._goal
        self.goal_settled.emit(self._goal)
        return True

    def forecast(self, path: Path) -> None:
        """What the model at `path` takes on this machine; nothing is told of a file that cannot be read."""
        goal = self._goal
        self._forecasts.forget()
        self._forecasts.ask(
            lambda: self._advice.ladder(self._advice.subject_of_file(path), goal),
            lambda ladder: self.forecast_known.emit(path, ladder),
            lambda _: None,  # the library's own line says what is wrong with the file
        )

    def _begin(self, model: CatalogModel | None, repository: str) -> None:
        self.close_ladder()
        self._model, self._repository = model, repository

    def _take(self, subject: Subject) -> None:
        first = self._subject is None
        self._subject = subject
        if first:
            self.subject_changed.emit(subject.name, subject.context_length, self._goal_for(subject))
        self._reckon()

    def _goal_for(self, subject: Subject | None) -> Goal:
        """What is asked of this model: no more context than it was trained for."""
        trained = subject.context_length if subject is not None else 0
        if 0 < trained < self._goal.context_length:
            return replace(self._goal, context_length=trained)
        return self._goal

    def _unrefined(self, error: EdgewiseError) -> None:
        # What is shown stands: that the hub cannot be asked matters when something is to be downloaded.
        if not isinstance(error, HubError):
            self.ladder_failed.emit(error)

    def _reckon(self) -> None:
        subject, model, local = self._subject, self._model, self._local
        if subject is None:
            return
        goal = self._goal_for(subject)
        self._ladders.ask(
            lambda: with_local(self._advice.ladder(subject, goal), model, local),
            self.ladder_changed.emit,
            self.ladder_failed.emit,
        )

    # The hub

    def search(self, words: str, format: Format | None, sort: str) -> None:
        """Search the hub, ordered by a `Sort`. `found` or `search_failed` answers, for the newest words."""
        self._searches.forget()
        self._searches.ask(
            lambda: self._hub.search(words, format=format, sort=Sort(sort), limit=MOST_FOUND),
            lambda models: self.found.emit(words, models),
            lambda error: self.search_failed.emit(words, error),
        )

    def find_variants(self, repository: str) -> None:
        """What of a repository can be downloaded."""
        self._background.run(
            lambda: self._hub.variants(self._hub.repository(repository)),
            lambda variants: self.variants_found.emit(repository, variants),
            lambda error: self.variants_failed.emit(repository, error),
        )

    # Downloads

    def download_rung(self, rung: Rung) -> None:
        """Put a rung of the ladder shown into the queue; its files are asked for if they are not known."""
        subject = self._subject
        name = subject.name if subject is not None else self._repository
        self._download(rung, self._repository, name)

    def download_first(self, model: CatalogModel, rung: Rung) -> None:
        """Likewise for the model to begin with."""
        self._download(rung, model.repository, model.name)

    def download(self, variant: Variant, name: str) -> None:
        """Put it into the queue; `name` is what a person reads."""
        queue = self._queue
        if queue is None:
            return
        self._background.run(
            lambda: queue.add(variant, name),
            lambda _: self.download_begun.emit(name),
            self.download_failed.emit,
        )

    def _download(self, rung: Rung, repository: str, name: str) -> None:
        shown = f"{name} · {rung.quantization}"
        if rung.variant is not None:
            self.download(rung.variant, shown)
            return
        self._background.run(
            lambda: self._variant(repository, rung.quantization),
            lambda variant: self.download(variant, shown),
            self.download_failed.emit,
        )

    def _variant(self, repository: str, quantization: str) -> Variant:
        """On a worker thread. Raises `HubError`."""
        for variant in self._hub.variants(self._hub.repository(repository)):
            if variant.label.upper() == quantization.upper() and variant.format is Format.GGUF:
                return variant
        raise NotOnHub(f"{repository} does not offer {quantization} any more. Choose another quantization.")
