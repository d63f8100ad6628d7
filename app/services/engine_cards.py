"""Makes the cards of all engines from what the rooms below know of them. No Qt here; `look` blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING

from app.domain.engine import EngineProfile, EngineState, EngineStatus, Fitness, LoadWishes
from app.domain.environment import EnvironmentStatus
from app.domain.hub import Format
from app.domain.machine import Machine
from app.services.engine_card import EngineCard, Offered, Planned

if TYPE_CHECKING:
    from app.engines.base import EngineAdapter
    from app.services.engine_parts import EngineParts
    from app.services.load_record import LoadHistory
    from app.services.model_library import ModelLibrary

BUNDLED = "llama-cpp-python"
"""The package that llama.cpp's programs come with."""
BITS = "bitsandbytes"
"""The package that reduces weights while they are loaded; engines that can do so have it pinned."""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What of an engine changes seldom. `models` are the names of those it can load."""

    profile: EngineProfile
    formats: tuple[Format, ...] = ()
    fitness: Fitness | None = None
    version: str = ""
    gpus: int = 0
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Present:
    """What of all engines changes often."""

    statuses: Mapping[str, EngineStatus] = field(default_factory=dict)
    environments: Mapping[str, EnvironmentStatus] = field(default_factory=dict)
    wishes: Mapping[str, LoadWishes] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    """For engines the model that a person chose to start it with."""
    last_model: str | None = None
    """The model used last, whatever ran it."""


def look(
    parts: EngineParts, library: ModelLibrary, machine: Callable[[], Machine]
) -> tuple[EngineFacts, ...]:
    """Look at the adapters, the models and this machine. Blocks: reads the disk and asks drivers."""
    from app.engines.llama_cpp import LlamaCpp
    from app.engines.pins import profiles

    adapters = {adapter.id: adapter for adapter in parts.adapters()}
    models = library.chat_models(tuple(Format))
    here = machine()
    found = []
    for id_, profile in profiles().items():
        adapter = adapters.get(id_)
        if adapter is None:
            found.append(EngineFacts(profile))
            continue
        found.append(
            EngineFacts(
                profile,
                adapter.formats,
                parts.fitness(adapter, here),
                _bundled_version(here) if adapter.environment is None else "",
                0 if isinstance(adapter, LlamaCpp) else len(parts.gpus(adapter)),
                tuple(model.name for model in models if model.format in adapter.formats),
            )
        )
    return tuple(found)


def cards_of(facts: Iterable[EngineFacts], present: Present) -> tuple[EngineCard, ...]:
    """The cards, in the order of `facts`."""
    return tuple(_card(each, present) for each in facts)


def plan(
    parts: EngineParts,
    library: ModelLibrary,
    engine: str,
    model: str,
    wishes: LoadWishes,
    history: LoadHistory | None = None,
) -> Planned:
    """What a start would do now. Blocks; raises ModelFileError."""
    from app.services.engine_room import plan_for
    from app.services.loading import Experience

    adapter = _adapter(parts, engine)
    planned = plan_for(
        adapter,
        library.find(model),
        wishes,
        experience=history.experience() if history is not None else Experience(),
        gpus=parts.gpus,
    )
    options = planned.options
    return Planned(
        model=model,
        context_length=options.context_length,
        threads=options.threads,
        memory=planned.expected.forecast_memory,
        free=planned.free,
        gpu_memory=planned.gpu_memory,
        gpu_free=planned.gpu_free,
        gpu_memory_share=options.gpu_memory_share,
        tensor_parallel=options.tensor_parallel,
    )


def _adapter(parts: EngineParts, engine: str) -> EngineAdapter:
    return next(adapter for adapter in parts.adapters() if adapter.id == engine)


def _card(facts: EngineFacts, present: Present) -> EngineCard:
    id_ = facts.profile.id
    environment = present.environments.get(id_)
    packages = environment.plan.requirements if environment and environment.plan else ()
    return EngineCard(
        profile=facts.profile,
        status=present.statuses.get(id_, EngineStatus(EngineState.STOPPED, engine_id=id_)),
        environment=environment,
        fitness=facts.fitness,
        version=facts.version,
        formats=", ".join(facts.formats),
        models=_first(facts.models, present.models.get(id_), present.last_model),
        wishes=present.wishes.get(id_, LoadWishes()),
        offered=Offered(
            gpus=facts.gpus,
            number_format=environment is not None and Format.SAFETENSORS in facts.formats,
            quantizes=any(package.startswith(f"{BITS}==") for package in packages),
        ),
    )


def _first(models: Sequence[str], *wanted: str | None) -> tuple[str, ...]:
    """`models` with the first of `wanted` that is among them at the beginning."""
    chosen = next((name for name in wanted if name in models), None)
    return tuple(models) if chosen is None else (chosen, *(name for name in models if name != chosen))


def _bundled_version(machine: Machine) -> str:
    from app.engines.pins import machine_kind

    metal = " with Metal" if machine_kind(machine) == "darwin-aarch64" else ""
    try:
        return f"{BUNDLED} {metadata.version(BUNDLED)}{metal}"
    except metadata.PackageNotFoundError:  # a bundle that left the package's own description out
        return ""
