"""What a benchmark reports: figures against their bars, and the machine they were taken on."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from app import __version__
from app.hardware.cpu import probe_cpu
from app.hardware.memory import probe_memory


def at_most(
    value: float, bar: float, *, reference: float | None = None, ratio: float | None = None, unit: str
) -> dict[str, Any]:
    """A figure that must not be larger than `bar`. With a `ratio` that is what the bar judges."""
    judged = value if ratio is None else ratio
    return _figure(value, reference, ratio, bar, unit, judged <= bar)


def at_least(value: float, bar: float, *, reference: float, ratio: float, unit: str) -> dict[str, Any]:
    """A figure whose `ratio` to its reference must not be smaller than `bar`."""
    return _figure(value, reference, ratio, bar, unit, ratio >= bar)


def median(values: Sequence[float]) -> float:
    """The middle one: a busy moment of the machine does not move it."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of `values` do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def spread(values: Sequence[float], digits: int = 2) -> dict[str, float | int]:
    """How far `values` lie apart; a median without this says little."""
    return {
        "n": len(values),
        "min": round(min(values), digits),
        "p25": round(percentile(values, 0.25), digits),
        "median": round(median(values), digits),
        "p75": round(percentile(values, 0.75), digits),
        "max": round(max(values), digits),
    }


def machine() -> dict[str, Any]:
    """The computer, and how busy it is: figures from a busy one are not worth much."""
    cpu, memory = probe_cpu(), probe_memory()
    return {
        "cpu": cpu.model,
        "usable_cores": cpu.usable_cores,
        "memory_gib": round(memory.total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_average": [round(load, 2) for load in load_average()],
    }


def load_average() -> tuple[float, ...]:
    """How many processes wanted to run in the last 1, 5 and 15 minutes; empty where that is not told."""
    return os.getloadavg() if hasattr(os, "getloadavg") else ()


def versions() -> dict[str, str]:
    """Everything that may change the figures."""
    names = ("PySide6_Essentials", "llama-cpp-python")
    return {
        "edgewise": __version__,
        "python": sys.version.split()[0],
        **{name: version(name) for name in names},
    }


def _figure(
    value: float, reference: float | None, ratio: float | None, bar: float, unit: str, met: bool
) -> dict[str, Any]:
    return {
        "value": round(value, 3),
        "reference": None if reference is None else round(reference, 3),
        "ratio": None if ratio is None else round(ratio, 4),
        "bar": bar,
        "unit": unit,
        "met": met,
    }
