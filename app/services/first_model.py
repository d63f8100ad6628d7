"""Which model to begin with on this machine, and what the machine can do, in two sentences. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.advisor.ladder import Level, Rung, Verdict
from app.domain.catalog import CatalogModel, Purpose
from app.domain.machine import Machine

LARGEST_DOWNLOAD = 6_000_000_000
"""Bytes of a first download: under ten minutes at 100 Mbit/s. Whoever wants more looks at all models."""
DISK_SHARE = 0.5
"""Of the free disk at most."""
FEWEST_PARAMETERS = 500_000_000
"""Models with fewer tell fluent nonsense: they are offered only where nothing larger is readable."""


@dataclass(frozen=True, slots=True)
class FirstModel:
    """One model in one quantization, or none where nothing suits. `machine_words`: one or two sentences."""

    machine_words: str
    model: CatalogModel | None = None
    rung: Rung | None = None


def first_model(
    machine: Machine, models: Iterable[CatalogModel], verdicts: Mapping[str, Verdict]
) -> FirstModel:
    """The largest model for conversation that runs well here and is no long download.

    Largest, since among models that run well it is the most capable one. Where that has less than
    `FEWEST_PARAMETERS`, the largest that is readable, if it is larger. Without either the smallest that is
    slow or tight. Nothing that is too big is offered.
    """
    suited: list[tuple[CatalogModel, Rung, Level]] = []
    for model in models:
        verdict = verdicts.get(model.id)
        if verdict is None or verdict.rung is None or Purpose.CHAT not in model.purposes:
            continue
        if verdict.level is not Level.TOO_BIG and _is_short(machine, verdict.rung):
            suited.append((model, verdict.rung, verdict.level))
    usable = [choice for choice in suited if choice[2] is Level.WELL]
    if all(choice[0].parameters < FEWEST_PARAMETERS for choice in usable):
        usable += [choice for choice in suited if choice[2] is Level.READABLE]
    if usable:
        model, rung, _ = max(usable, key=lambda choice: choice[0].parameters)
    elif suited:
        model, rung, _ = min(suited, key=lambda choice: choice[0].parameters)
    else:
        return FirstModel(_machine_words(machine, models, verdicts))
    return FirstModel(_machine_words(machine, models, verdicts), model, rung)


def _is_short(machine: Machine, rung: Rung) -> bool:
    if rung.file_size is None:
        return False
    room = machine.disk.free
    return rung.file_size <= LARGEST_DOWNLOAD and (room is None or rung.file_size <= DISK_SHARE * room)


def _machine_words(machine: Machine, models: Iterable[CatalogModel], verdicts: Mapping[str, Verdict]) -> str:
    free = f"{machine.memory.available / 1e9:.1f} GB of memory free"
    own = [gpu for gpu in machine.gpus if gpu.memory_total and not gpu.unified_memory]
    if own:
        memory = f"{sum(gpu.memory_total or 0 for gpu in own) / 1e9:.0f} GB"
        free += f" and a GPU with {memory}" if len(own) == 1 else f" and {len(own)} GPUs with {memory} in all"
    fits = [m for m in models if m.id in verdicts and verdicts[m.id].level is not Level.TOO_BIG]
    reach = _reach(fits, verdicts)
    if reach and machine.bandwidth is not None and machine.bandwidth.disturbed:
        reach += ", or larger ones: it was busy when its memory was measured"
    return f"This machine has {free}. {reach}." if reach else f"This machine has {free}."


def _reach(fits: Sequence[CatalogModel], verdicts: Mapping[str, Verdict]) -> str:
    """Up to what size models run, and how."""

    def largest(*levels: Level) -> int:
        return max((model.parameters for model in fits if verdicts[model.id].level in levels), default=0)

    well, readable, most = largest(Level.WELL), largest(Level.READABLE), largest(*Level)
    if well:
        also = f", and of up to {_parameters(readable)} at reading speed" if readable > well else ""
        return f"It runs models of up to {_parameters(well)} parameters well{also}"
    if readable:
        return f"It runs models of up to {_parameters(readable)} parameters at reading speed"
    return f"It can run models of up to {_parameters(most)} parameters" if most else ""


def _parameters(count: int) -> str:
    if count < 500e6:
        return f"{count / 1e6:.0f} million"
    billions = f"{count / 1e9:.0f}" if count >= 10e9 else f"{count / 1e9:.1f}".removesuffix(".0")
    return f"{billions} billion"
