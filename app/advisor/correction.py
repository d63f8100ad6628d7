"""Forecasts corrected by what earlier loads on this machine took, and how fast they replied.

Errors are not alike on the two sides. Too little memory forecast ends in a load that fails, so a correction
raises at once and lowers only when several loads of the same kind of model agree, never below the most that
any of them took. A speed is only an expectation: there the middle of what was seen stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.ledger import LedgerEntry

DEFAULT_SPEED_SHARE = 0.6
"""What llama.cpp reaches of bandwidth / active bytes before anything was measured.

Measured with the pinned build, two threads of a Xeon and `llama-bench`, against the read bandwidth of
`app.hardware.bandwidth`: 0.40 (SmolLM2 135M Q4_1), 0.47 (Mamba 2 1.3B), 0.55 (Gemma 3 4B), 0.78 (Qwen3 0.6B),
0.93 (Llama 3.2 1B), Q8_0 each; the middle is 0.66. Published, of the chips' rated bandwidth: M1 Max 0.44 to
0.58 with 27B (llama.cpp issue 27525), M1 and M1 Pro on their CPUs at least 0.78 and 0.43 (pull request 1642).
"""
LEAST_SHARE, MOST_SHARE = 0.02, 1.5
"""A share outside of this was measured wrongly. Above 1: the bandwidth was measured on a busy machine."""
FEW_SHARES = (0.2, 1.2)
"""How far a share is believed that fewer than `ENOUGH` loads of this architecture tell."""
MOST_FACTOR, MOST_FACTOR_OF_FEW = 4.0, 1.25
"""No formula was ever seen to be wrong by more (a cache of another shape: facts on record say 6.5 at worst,
for other programs' formulas); fewer than `ENOUGH` loads raise by a quarter at most."""
LEAST_FACTOR = 0.95
"""A buffer is counted only once it was written to, so that a little is always missing from a short chat."""
RECENT = 9
"""Loads of each kind that are looked at, the newest: engines are updated, machines are rebuilt."""
ENOUGH = 3
"""From so many loads on, their median is no longer one bad measurement's."""
SAME_WEIGHT = 4
"""What a load of the same architecture counts, against one of another: `ENOUGH` of them outweigh the rest."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What to make of a raw forecast.

    `speed_share` is of bandwidth / active bytes, which no engine reaches. `memory_factor` was seen on models
    whose raw forecast was up to `memory_reach` bytes. `memory_loads` and `speed_loads` say how many loads of
    the same architecture each rests on.
    """

    memory_factor: float = 1.0
    speed_share: float = DEFAULT_SPEED_SHARE
    memory_reach: int = 0
    memory_loads: int = 0
    speed_loads: int = 0

    def memory(self, raw: int) -> int:
        """Bytes to expect where the formulas give `raw`.

        What a program takes beside its model does not grow with the model: a larger one than was ever
        measured differs by as many bytes as the largest one did.
        """
        return raw + round((self.memory_factor - 1.0) * min(raw, self.memory_reach))

    def speed(self, raw: float) -> float:
        """Tokens a second to expect where `raw` is bandwidth / active bytes."""
        return raw * self.speed_share


UNCORRECTED = Correction()


def correction_of(
    entries: Sequence[LedgerEntry],
    *,
    engine: str,
    architecture: str,
    gpu: bool = False,
    threads: int | None = None,
) -> Correction:
    """The correction that earlier loads of `engine`, with layers on a GPU or without, suggest.

    `entries` may be of any engine and model, in any order. With `threads`, only speeds reached with as
    many count.
    """
    alike = sorted(
        (it for it in entries if it.engine == engine and (it.gpu_layers > 0) == gpu),
        key=lambda entry: (entry.at, entry.id),
        reverse=True,
    )
    factor, reach, memory_loads = _memory(alike, architecture)
    share, speed_loads = _speed(
        [entry for entry in alike if threads is None or entry.threads == threads], architecture
    )
    return Correction(factor, share, reach, memory_loads, speed_loads)


def _memory(alike: Sequence[LedgerEntry], architecture: str) -> tuple[float, int, int]:
    """Factor, reach and number of loads of the same architecture."""
    measured = [entry for entry in alike if entry.measured_memory and entry.raw_memory > 0]
    same, others = _split(measured, architecture)
    ratios = [_memory_ratio(entry) for entry in same]
    factor = _weighted_median(ratios, [_memory_ratio(entry) for entry in others])
    if factor is None:
        return 1.0, 0, 0
    reach = max(entry.raw_memory for entry in (*same, *others))
    enough = len(same) >= ENOUGH
    if factor >= 1.0:
        return min(factor, MOST_FACTOR if enough else MOST_FACTOR_OF_FEW), reach, len(same)
    if not enough:
        return 1.0, reach, len(same)
    return max(LEAST_FACTOR, min(1.0, max(ratios))), reach, len(same)


def _speed(alike: Sequence[LedgerEntry], architecture: str) -> tuple[float, int]:
    """Share, and number of loads of the same architecture."""
    measured = [entry for entry in alike if LEAST_SHARE <= _speed_share(entry) <= MOST_SHARE]
    same, others = _split(measured, architecture)
    share = _weighted_median([_speed_share(it) for it in same], [_speed_share(it) for it in others])
    if share is None:
        return DEFAULT_SPEED_SHARE, 0
    if len(same) < ENOUGH:
        least, most = FEW_SHARES
        share = max(least, min(share, most))
    return share, len(same)


def _split(
    newest_first: Sequence[LedgerEntry], architecture: str
) -> tuple[list[LedgerEntry], list[LedgerEntry]]:
    same = [entry for entry in newest_first if entry.architecture == architecture]
    others = [entry for entry in newest_first if entry.architecture != architecture]
    return same[:RECENT], others[:RECENT]


def _weighted_median(same: Sequence[float], others: Sequence[float]) -> float | None:
    """The value below which half of the weight lies; of an even split the higher one."""
    weighted = sorted([(value, SAME_WEIGHT) for value in same] + [(value, 1) for value in others])
    half = sum(weight for _, weight in weighted) / 2
    for value, weight in weighted:
        half -= weight
        if half < 0:
            return value
    return None


def _memory_ratio(entry: LedgerEntry) -> float:
    return (entry.measured_memory or 0) / entry.raw_memory


def _speed_share(entry: LedgerEntry) -> float:
    """0 where it was not measured or not forecast."""
    return (entry.measured_speed or 0.0) / entry.raw_speed if entry.raw_speed else 0.0
