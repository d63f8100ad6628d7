"""Advice with settable figures, of the real catalog's models, for tests of the views that show it."""

from __future__ import annotations

from pathlib import Path

from app.advisor.ladder import Fit, Goal, Ladder, Level, Need, Rung, Verdict
from app.domain.quantization import known

GB = 1_000_000_000


def rung(
    quantization: str,
    gigabytes: float,
    fit: Fit = Fit.MEMORY,
    speed: float | None = 20.0,
    path: Path | None = None,
) -> Rung:
    """A rung of a file of so many GB."""
    size = round(gigabytes * GB)
    row = known(quantization)
    return Rung(
        quantization,
        size,
        Need(size, GB, 0, 0, 0, host=size + GB, gpu=0),
        fit,
        speed,
        largest_context=32_768,
        gpu_layers=0,
        quality=row.quality if row else None,
        perplexity_increase_percent=row.perplexity_increase_percent if row else None,
        divergence=row.divergence if row else None,
        exact=True,
        path=path,
    )


RUNGS = (
    rung("Q8_0", 4.3, speed=9.4),
    rung("Q4_K_M", 2.5, speed=19.2),
    rung("UD-Q3_K_XL", 2.0, Fit.SHORTER, None),
    rung("Q2_K", 1.7, Fit.NO, 24.0),
)


def ladder(rungs: tuple[Rung, ...] = RUNGS, recommended: int | None = 1, goal: Goal = Goal()) -> Ladder:  # noqa: B008
    """A ladder of these."""
    return Ladder(
        "Qwen3 4B",
        goal,
        rungs,
        rungs[recommended] if recommended is not None else None,
        "Q4_K_M, because it is the best quality that reaches the goal of 15 tok/s.",
        ("With 8 tok/s as the goal: Q8_0.",),
        ("With 2.1 GB more free memory: F16.",),
        available=16 * GB,
        gpu_available=0,
        bandwidth=41e9,
        quality_source="a table",
    )


def verdict(level: Level = Level.WELL, speed: float | None = 19.2) -> Verdict:
    """In the words of the level alone."""
    return Verdict(level, f"{level.value[:1].upper()}{level.value[1:]}", RUNGS[1], speed)
