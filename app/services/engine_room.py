"""Room for a model that is about to be loaded: what is free, and what idle models of other engines hold.

No Qt here. Only what is idle is unloaded, the longest idle first, and never before the forecast asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.domain.engine import LoadWishes
from app.domain.errors import WouldNotFit
from app.domain.machine import Gpu
from app.domain.model import LocalModel
from app.engines.base import EngineAdapter
from app.engines.llama_cpp import LlamaCpp
from app.engines.memory import resident_memory
from app.services.float_loading import plan_float_load
from app.services.loading import Experience, LoadPlan, free_words, needed_words, plan_load

if TYPE_CHECKING:
    from app.services.engine_run import EngineRun, Load
    from app.services.load_record import LoadHistory


def plan_for(
    adapter: EngineAdapter,
    model: LocalModel,
    wishes: LoadWishes,
    *,
    experience: Experience,
    taken: int = 0,
    gpus: Callable[[EngineAdapter], Sequence[Gpu]] = lambda _: (),
) -> LoadPlan:
    """How to load `model` with `adapter`, whichever engine it is. Blocks; raises ModelFileError.

    `taken` are bytes that others are about to take. `gpus` are those that the engine's build computes on.
    """
    if isinstance(adapter, LlamaCpp):
        return plan_load(
            model,
            wishes,
            engine=adapter.id,
            experience=experience,
            taken=taken,
            gpus=gpus(adapter),
        )
    return plan_float_load(adapter, model, wishes, gpus=gpus(adapter), experience=experience, taken=taken)


def plan_with_room(
    run: EngineRun,
    load: Load,
    runs: Sequence[EngineRun],
    history: LoadHistory | None,
    gpus: Callable[[EngineAdapter], Sequence[Gpu]],
) -> LoadPlan:
    """How to load `load` in `run`, after idle models of the other `runs` were unloaded where it needs that.

    Blocks. Raises ModelFileError, and WouldNotFit where it does not fit even then, unless it is forced.
    """
    experience = history.experience() if history is not None else Experience()
    others = [other for other in runs if other is not run]
    while True:
        taken = sum(map(about_to_take, others))
        plan = plan_for(run.adapter, load.model, load.wishes, experience=experience, taken=taken, gpus=gpus)
        if plan.is_comfortable:
            return plan
        idle = longest_idle(others)
        if idle is None:
            break
        idle.unload(only_idle=True)
        others = [other for other in others if other is not idle]
    if plan.lacking > 0 and not load.force:
        raise _would_not_fit(run, plan, others)
    return plan


def longest_idle(runs: Sequence[EngineRun]) -> EngineRun | None:
    """The one whose model nobody has used for the longest time; None where none is idle."""
    idle = [(since, index) for index, run in enumerate(runs) if (since := run.idle_since) is not None]
    return runs[min(idle)[1]] if idle else None


def about_to_take(run: EngineRun) -> int:
    """Bytes that a start under way is expected to take beyond what it has taken by now."""
    load = run.starting
    if load is None:
        return 0
    resident = resident_memory(load.process.pid) if load.process is not None else None
    return max(0, load.expected - (resident.total if resident is not None else 0))


def _would_not_fit(run: EngineRun, plan: LoadPlan, others: Sequence[EngineRun]) -> WouldNotFit:
    expected = plan.expected
    held = [f"{other.status.model} in {other.adapter.name}" for other in others if other.process is not None]
    in_use = f" {', '.join(held)} {'is' if len(held) == 1 else 'are'} in use." if held else ""
    return WouldNotFit(
        f"{expected.model} was not started with {run.adapter.name}: it needs about {needed_words(plan)}"
        f" at a context of {expected.context_length:,} tokens, and {free_words(plan)} are free.{in_use}"
        " Use less context or a smaller model, or load it anyway."
    )
