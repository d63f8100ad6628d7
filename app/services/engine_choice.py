"""Which engine a model is run by, and what a person has to choose from. No Qt here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.hub import Format
from app.domain.model import LocalModel

if TYPE_CHECKING:
    from app.engines.base import AttachedEngine, EngineAdapter


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One model with one engine, called `engine`.

    `is_best` marks the engine that the app would choose for it. `model` is None for what an attached server
    has; `remote` says that the server is on another machine.
    """

    name: str
    engine_id: str
    engine: str
    model: LocalModel | None = None
    is_best: bool = False
    remote: bool = False


def best_engine(
    format_: Format,
    engines: Sequence[EngineAdapter],
    preferred: Callable[[str], str | None],
    rank: Callable[[EngineAdapter], int] = lambda _: 1,
) -> EngineAdapter | None:
    """The one that a person chose last for this format; else that which loads it best; else None.

    Among several that load it best the one of the smallest `rank`, the first of them.
    """
    able = [engine for engine in engines if format_ in engine.formats]
    chosen = preferred(format_.value)
    if picked := next((engine for engine in able if engine.id == chosen), None):
        return picked
    return min(able, key=lambda it: (it.formats.index(format_), rank(it)), default=None)


def choices(
    models: Sequence[LocalModel],
    engines: Sequence[EngineAdapter],
    preferred: Callable[[str], str | None],
    attached: Sequence[AttachedEngine] = (),
    rank: Callable[[EngineAdapter], int] = lambda _: 1,
) -> list[ModelChoice]:
    """First each model with its best engine, then each with the others that take it, then what servers have.

    A model that none of `engines` takes is left out.
    """
    first: list[ModelChoice] = []
    others: list[ModelChoice] = []
    for model in models:
        best = best_engine(model.format, engines, preferred, rank)
        if best is not None:
            first.append(ModelChoice(model.name, best.id, best.name, model, is_best=True))
        others += [
            ModelChoice(model.name, engine.id, engine.name, model)
            for engine in engines
            if model.format in engine.formats and engine is not best
        ]
    served = [
        ModelChoice(name, server.id, server.name, remote=server.remote)
        for server in attached
        for name in server.models()
    ]
    return [*first, *others, *served]
