"""Gathers what the decision guide is given on this machine, for the window and the command line. No Qt here.

Everything blocks; the window calls it from `Background`. What was gathered stays until the next `look`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from app.advisor import guide
from app.advisor.guide_answer import (
    Asked,
    EngineHere,
    Evidence,
    GuideAnswer,
    MatrixRow,
    ReferenceFigures,
)
from app.advisor.guide_rules import Answers, Layer, Rules, rules
from app.domain.attached import AttachedServer
from app.domain.engine import EngineProfile
from app.domain.errors import StorageError
from app.domain.hub import Format
from app.domain.machine import Machine
from app.domain.speed_test_history import MeasuredRate
from app.engines.llama_cpp_on_gpu import LlamaCppOnGpu
from app.engines.pins import pins, profiles
from app.models.catalog import catalog, find
from app.services.guidance_models import ModelSuggester
from app.services.model_advice import ModelAdvice
from app.services.model_library import ModelLibrary
from app.services.this_machine import wants_measuring, with_measured_bandwidth
from app.storage.paths import Paths

if TYPE_CHECKING:
    from app.engines.base import EngineAdapter
    from app.services.engine_parts import EngineParts
    from app.storage.speed_tests import SpeedTests

PROFILES_SOURCE = "framework comparison, Detailed Comparison and Summary"
WARM = "Warm"


@dataclass(frozen=True, slots=True)
class FrameworkHere:
    """A framework with its profile, and how it stands on this machine, in sentences.

    `engine` is None for a library above the engines, which is `layer` then.
    """

    profile: EngineProfile
    source: str
    here: str
    engine: EngineHere | None = None
    layer: Layer | None = None


class Guidance:
    """The guide on this machine. Any thread may call.

    `rates` reads the speed tests of the machine that it is given (`rates_of`), `attached` the servers that a
    person attached.
    """

    def __init__(
        self,
        paths: Paths,
        advice: ModelAdvice,
        parts: EngineParts,
        *,
        rates: Callable[[Machine], Sequence[MeasuredRate]] = lambda _: (),
        attached: Callable[[], Sequence[AttachedServer]] = lambda: (),
        offline: Callable[[], bool] = lambda: False,
    ) -> None:
        self._paths = paths
        self._advice = advice
        self._parts = parts
        self._rates = rates
        self._attached = attached
        self._offline = offline
        self._lock = Lock()
        self._looked: tuple[Machine, Evidence] | None = None
        self._has_measured = False

    def machine(self) -> Machine:
        """The machine as it was looked at last."""
        return self._known()[0]

    def look(self) -> None:
        """Look at everything anew: the machine, the engines, the library, the speed tests.

        The first time the memory's bandwidth is measured, if it never was undisturbed, which takes a second:
        without it no speed is known, and the largest model that fits would be advised.
        """
        machine = self._measured(self._advice.machine(refresh=True))
        adapters = self._parts.adapters()
        installed = {it.id: self._parts.is_there(it) for it in adapters}
        rates = tuple(self._rates(machine))
        models = catalog()
        suggest = ModelSuggester(
            machine,
            models,
            {model.id: self._advice.subject_of_catalog(model) for model in models},
            self._advice.ladder,
            ModelLibrary(self._paths).chat_models(tuple(Format)),
        )
        evidence = Evidence(
            engines=engines_here(adapters, machine, installed),
            suggest=suggest,
            rates=rates,
            parameters=parameters_of(rates),
            reference=reference_figures(),
            attached=attached_engines(self._attached()),
            offline=self._offline(),
        )
        with self._lock:
            self._looked = machine, evidence

    def _measured(self, machine: Machine) -> Machine:
        if self._has_measured or not wants_measuring(machine):
            return machine
        self._has_measured = True
        with suppress(StorageError):  # there is advice without speeds, too
            with_measured_bandwidth(machine, self._paths)
        return self._advice.machine(refresh=True)

    def questions(self, answers: Answers | None = None) -> tuple[Asked, ...]:
        """All questions that are asked with `answers`, with what the machine answers already."""
        return guide.questions(rules(), self._known()[0], answers or {})

    def next_question(self, answers: Answers) -> Asked | None:
        """The first one that a person has not answered; None where all are."""
        return guide.next_question(rules(), self._known()[0], answers)

    def answer(self, answers: Answers) -> GuideAnswer:
        """What to take."""
        machine, evidence = self._known()
        with self._lock:  # what suggests models remembers
            return guide.answer(rules(), machine, answers, evidence)

    def use_case(self, id_: str) -> GuideAnswer:
        """What to take for a use case of the matrix. Any other id is a KeyError."""
        return self.answer(rules().use_case(id_).answers)

    def matrix(self) -> tuple[MatrixRow, ...]:
        """All use cases, with this machine's verdict beside the comparison's recommendation."""
        machine, evidence = self._known()
        with self._lock:
            return guide.matrix(rules(), machine, evidence)

    def profiles(self) -> tuple[FrameworkHere, ...]:
        """The engines, then the libraries above them."""
        return frameworks_here(rules(), self._known()[1].engines)

    def _known(self) -> tuple[Machine, Evidence]:
        with self._lock:
            looked = self._looked
        if looked is None:
            self.look()
            with self._lock:
                looked = self._looked
        assert looked is not None
        return looked


def engines_here(
    adapters: Sequence[EngineAdapter], machine: Machine, installed: Mapping[str, bool]
) -> tuple[EngineHere, ...]:
    """Every engine as it stands on `machine`; llama.cpp's builds for GPUs are no frameworks of their own."""
    made = []
    for adapter in (it for it in adapters if not isinstance(it, LlamaCppOnGpu)):
        pin = pins().get(adapter.id)
        variant = pin.variant_for(machine) if pin is not None else None
        profile = profiles()[adapter.id]
        made.append(
            EngineHere(
                id=adapter.id,
                name=adapter.name,
                fitness=adapter.fitness(machine),
                best_for=profile.best_for,
                installed=installed.get(adapter.id, False),
                bundled=adapter.environment is None,
                untried=bool(profile.untried),
                why_not_installable=pin.why_not(machine) if pin is not None else "",
                download=variant.download if variant is not None else None,
                on_disk=variant.on_disk if variant is not None else None,
                disk_free=machine.disk.free,
            )
        )
    return tuple(made)


def frameworks_here(of: Rules, engines: Sequence[EngineHere]) -> tuple[FrameworkHere, ...]:
    """The profiles of all frameworks, and how each stands here."""
    made = [FrameworkHere(profiles()[it.id], PROFILES_SOURCE, _standing(it), engine=it) for it in engines]
    for layer in of.layers:
        words = f"A Python library for programs of your own: {layer.install}."
        made.append(FrameworkHere(layer.profile, of.sources[layer.source], words, layer=layer))
    return tuple(made)


def attached_engines(servers: Sequence[AttachedServer]) -> dict[str, AttachedServer]:
    """For the engines' ids the first server that runs it, of those that told what they are."""
    by_name = {profile.name: id_ for id_, profile in profiles().items()}
    found: dict[str, AttachedServer] = {}
    for server in servers:
        if (id_ := by_name.get(server.facts.kind.value)) is not None:
            found.setdefault(id_, server)
    return found


def reference_figures() -> ReferenceFigures:
    """The comparison's figures, as the speed test shows them."""
    from app.benchmark.reference import reference

    told = reference()
    batches = [int(heading.split()[0]) for heading in told.throughput.headings]
    warm = told.first_token.headings.index(WARM)
    return ReferenceFigures(
        source=told.source,
        rates={
            row.engine_id: {
                batch: cell.spread.median
                for batch, cell in zip(batches, row.cells, strict=True)
                if cell.spread is not None
            }
            for row in told.throughput.rows
        },
        first_token_s={
            row.engine_id: spread.median
            for row in told.first_token.rows
            if (spread := row.cells[warm].spread) is not None
        },
    )


def parameters_of(rates: Sequence[MeasuredRate]) -> dict[str, int]:
    """How many parameters the measured families have, of those that the catalog knows."""
    families = {rate.family for rate in rates}
    return {family: model.parameters for family in families if (model := find(family)) is not None}


def rates_of(store: SpeedTests, machine: Machine) -> tuple[MeasuredRate, ...]:
    """The newest rates of tests that ran on `machine`: the data folder may have come along to another one."""
    found = store.rates()
    here = set()
    for test_id in {rate.test_id for rate in found}:
        with suppress(StorageError):
            test = store.get(test_id)
            if test is not None and _same(test.machine, machine):
                here.add(test_id)
    return tuple(rate for rate in found if rate.test_id in here)


def stored_rates(paths: Paths, machine: Machine) -> tuple[MeasuredRate, ...]:
    """`rates_of` the installation's database; none where there is no database yet."""
    from app.storage.database import Database
    from app.storage.speed_tests import SpeedTests

    if not paths.database.exists():  # what only reads shall not begin a database
        return ()
    with Database.open(paths.database) as database:
        return rates_of(SpeedTests(database), machine)


def _same(one: Machine, other: Machine) -> bool:
    """Whether both are the same computer, as far as its speed goes."""
    gpus = [[gpu.name for gpu in it.gpus] for it in (one, other)]
    return one.cpu.model == other.cpu.model and gpus[0] == gpus[1]


def _standing(engine: EngineHere) -> str:
    fitness = engine.fitness
    if engine.bundled:
        return "It comes with Edgewise."
    if not fitness.can_run:
        return fitness.why
    if engine.installed:
        return f"Installed. {fitness.why}".strip()
    if engine.why_not_installable:
        return f"{fitness.why} {engine.why_not_installable}".strip()
    return f"Not installed. {fitness.why}".strip()
