"""The engines and models of this machine as a speed test sees them. No Qt here, and everything blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.attached import ID_PREFIX
from app.domain.engine import EngineState, LoadWishes
from app.domain.errors import EngineMissing
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.models.library import display_name
from app.services.speed_test_offer import EngineOffer, FamilyOffer, FormOffer, Offer, Pick
from app.services.this_machine import this_machine

if TYPE_CHECKING:
    from app.benchmark.entrant import Entrant
    from app.benchmark.progress import Progress
    from app.domain.speed_test import Workload
    from app.engines.base import AttachedEngine, EngineAdapter
    from app.services.attached_servers import AttachedServers
    from app.services.engine_parts import EngineParts
    from app.services.engine_supervisor import EngineSupervisor
    from app.services.load_record import LoadHistory
    from app.services.model_forms import Candidate, Families, Family
    from app.services.model_library import ModelLibrary
    from app.services.speed_test import RunningSpeedTest
    from app.storage.paths import Paths
    from app.storage.settings import Settings
    from app.storage.speed_tests import SpeedTests

_LOADED = (EngineState.STARTING, EngineState.READY, EngineState.BUSY)


class LocalTester:
    """Tests here, with the engines as a person set them up. Any thread may call."""

    def __init__(
        self,
        paths: Paths,
        store: SpeedTests,
        parts: EngineParts,
        library: ModelLibrary,
        supervisor: EngineSupervisor,
        servers: AttachedServers,
        history: LoadHistory,
        settings: Callable[[], Settings],
    ) -> None:
        self._paths = paths
        self._store = store
        self._parts = parts
        self._library = library
        self._supervisor = supervisor
        self._servers = servers
        self._history = history
        self._settings = settings

    def offer(self) -> Offer:
        """Every model that can chat, with every engine there is."""
        from app.services.model_forms import forms

        models = self._library.chat_models(tuple(Format))
        families = forms(models)
        adapters = self._parts.adapters()
        installed = [it for it in adapters if self._is_installed(it)]
        servers = self._servers.engines()
        offers = tuple(_family(family, adapters, installed, servers) for family in families.all)
        return Offer(
            tuple(sorted(offers, key=lambda it: (not it.usable, it.name.casefold()))),
            self._proposed(families, models),
            tuple(f"{_name(model)} in {engine}" for _, engine, model in self._loaded()),
        )

    def differences(self, picks: Sequence[Pick]) -> tuple[str, ...]:
        """What is not like for like among them, in sentences."""
        from app.services.model_forms import differences

        return tuple(differences([pick.form.contender for pick in picks]))

    def entrants(self, picks: Sequence[Pick]) -> Sequence[Entrant]:
        """Whoever takes part. Raises EngineMissing for an engine that has gone meanwhile."""
        from app.services.entrants import Around, AttachedEntrant, LocalEntrant

        adapters = {it.id: it for it in self._parts.adapters() if self._is_installed(it)}
        servers = {it.id: it for it in self._servers.engines()}
        around = Around(self._paths, self._parts, lambda: this_machine(self._paths), self._history)
        made: list[Entrant] = []
        for pick in picks:
            engine, candidate = pick.engine, pick.form.candidate
            if candidate is not None and engine.id in adapters:
                wishes = self._wishes(engine.id, candidate)
                made.append(LocalEntrant(replace(candidate, wishes=wishes), adapters[engine.id], around))
            elif candidate is None and engine.id in servers:
                made.append(AttachedEntrant(servers[engine.id], pick.form.contender.model))
            else:
                raise EngineMissing(f"{engine.name} is not there any more. Choose again.")
        return made

    def begin(
        self,
        entrants: Sequence[Entrant],
        workload: Workload,
        on_progress: Callable[[Progress], None],
    ) -> RunningSpeedTest:
        """Begin; what is loaded for chats is unloaded on the test's thread before the first engine starts."""
        from app.services.speed_test import begin

        return begin(self._paths, self._store, entrants, workload, on_progress, make_room=self.unload_all)

    def unload_all(self) -> None:
        """End what the app has loaded: two models at once would measure each other."""
        for engine, _, _ in self._loaded():
            self._supervisor.unload(engine)

    def _wishes(self, engine: str, candidate: Candidate) -> LoadWishes:
        """Threads and GPUs as a person set them; what the test itself decides is the candidate's."""
        wished = self._settings().wishes_for(engine)
        return replace(
            candidate.wishes,
            threads=wished.threads,
            gpu_memory_share=wished.gpu_memory_share,
            tensor_parallel=wished.tensor_parallel,
        )

    def _loaded(self) -> list[tuple[str, str, str]]:
        """Engine's id and name, and the model, of each that runs here."""
        return [
            (status.engine_id, status.engine, status.model or "")
            for status in self._supervisor.statuses()
            if status.state in _LOADED and not status.engine_id.startswith(ID_PREFIX)
        ]

    def _is_installed(self, adapter: EngineAdapter) -> bool:
        return adapter.environment is None or self._parts.is_installed(adapter.environment)

    def _proposed(self, families: Families, models: Sequence[LocalModel]) -> str:
        last = self._settings().model
        model = next((it for it in models if it.name == last), None)
        family = families.of(model) if model is not None else None
        return family.name if family is not None else ""


def _family(
    family: Family,
    adapters: Sequence[EngineAdapter],
    installed: Sequence[EngineAdapter],
    servers: Sequence[AttachedEngine],
) -> FamilyOffer:
    from app.services.model_forms import best_entrants

    best = {it.contender.engine_id: it for it in best_entrants(family, installed)}
    own = [
        _engine(adapter, family, best.get(adapter.id), is_installed=adapter in installed)
        for adapter in adapters
    ]
    return FamilyOffer(family.name, (*own, *(_server(server, family) for server in servers)))


def _engine(
    adapter: EngineAdapter, family: Family, best: Candidate | None, *, is_installed: bool
) -> EngineOffer:
    from app.services.model_forms import candidates

    found = candidates(adapter, family)
    if not found:
        takes = " or ".join(adapter.formats)
        why_not = f"It reads {takes}; there is no such form of this model here."
    else:
        why_not = "" if is_installed else "It is not installed."
    return EngineOffer(
        adapter.id,
        adapter.name,
        _forms(found),
        found.index(best) if best in found else 0,
        is_installed,
        why_not=why_not,
    )


def _forms(found: Sequence[Candidate]) -> tuple[FormOffer, ...]:
    """By precision; with the model's name where several have the same one."""
    counts = Counter(it.contender.precision for it in found)
    return tuple(
        FormOffer(
            it.contender.precision
            if counts[it.contender.precision] == 1
            else f"{it.contender.precision} · {it.model.name}",
            it.contender,
            it,
        )
        for it in found
    )


def _server(server: AttachedEngine, family: Family) -> EngineOffer:
    from app.services.model_forms import served

    models = server.models()
    wanted = _letters(family.name)
    alike = next((place for place, name in enumerate(models) if wanted in _letters(name)), 0)
    return EngineOffer(
        server.id,
        server.name,
        tuple(FormOffer(name, served(server, name)) for name in models),
        alike,
        is_attached=True,
        why_not="" if models else "It has no models, or was not asked yet.",
    )


def _letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _name(model: str) -> str:
    return display_name(model)[0] or model
