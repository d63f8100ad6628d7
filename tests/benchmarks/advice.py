"""How long advice takes: a ladder as a slider moves it, and verdicts on the whole catalog."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from app.advisor.correction import UNCORRECTED
from app.advisor.ladder import Goal, Subject, climb
from app.models.catalog import catalog
from app.services.hub_access import HubAccess
from app.services.model_advice import ModelAdvice
from tests.benchmarks.figures import at_most, median, spread
from tests.benchmarks.window import new_home
from tests.unit.advisor.cases import LLAMA_70B, NVIDIA, machine, subject

ROUNDS = 21
RUNGS = 25
LADDER_BAR_MS = 15.0
VERDICTS_BAR_MS = 300.0
VERDICTS_OF = 25
"""Models that the bar is for."""
MACHINES = {
    "memory": machine(45),
    "one_gpu": machine(30, 60, NVIDIA),
    "two_gpus": machine(30, 60, NVIDIA, NVIDIA),
}


def measure() -> dict[str, Any]:
    large = subject(LLAMA_70B, context_length=131_072)
    many = Subject("Many", (large.candidates * 3)[:RUNGS], 131_072)
    ladders = {
        name: [milliseconds(partial(climb, many, here, Goal(), UNCORRECTED)) for _ in range(ROUNDS)]
        for name, here in MACHINES.items()
    }
    models = catalog()[:VERDICTS_OF]
    with new_home() as paths:
        first = []
        for _ in range(3):
            advice = ModelAdvice(paths, HubAccess(paths, lambda: True), lambda *_: UNCORRECTED)
            advice.machine()
            judge = partial(advice.catalog_verdicts, models, Goal())
            first.append(milliseconds(judge))
        again = [milliseconds(judge) for _ in range(ROUNDS)]
    return {
        **{
            f"ladder_{name}": at_most(median(taken), LADDER_BAR_MS, unit=f"ms for {RUNGS} rungs")
            for name, taken in ladders.items()
        },
        "verdicts": at_most(median(again), VERDICTS_BAR_MS, unit=f"ms for {len(models)} models"),
        "verdicts_first": at_most(median(first), VERDICTS_BAR_MS, unit=f"ms for {len(models)} models"),
        "spread": {name: spread(taken) for name, taken in ladders.items()} | {"verdicts_ms": spread(again)},
    }


def milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000
