"""From values to their place along an axis, and the round values that are named there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

_ROUND = (1.0, 2.0, 5.0, 10.0)
_TINY = 1e-18
"""Is nothing."""


@dataclass(frozen=True, slots=True)
class Scale:
    """`low` to `high`, by the value or by its logarithm (then `low` is above zero)."""

    low: float
    high: float
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where `value` lies: 0 at `low`, 1 at `high`. By the logarithm, `value` has to be above zero."""
        if self.logarithmic:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Whether there is a place for `value` on it."""
        return self.low <= value <= self.high


def round_step(span: float, most: int) -> float:
    """The least of 1, 2 and 5 times a power of ten that goes into `span` at most `most` times."""
    raw = span / max(1, most)
    power = 10.0 ** floor(log10(raw))
    return power * next(step for step in _ROUND if step * power >= raw * (1 - 1e-12))


def from_zero(top: float, most: int) -> tuple[Scale, tuple[float, ...]]:
    """A scale from zero to a round value that is not below `top`, and its ticks: at most `most` steps of
    1, 2 or 5. Of nothing, up to 1."""
    step = round_step(top, most) if top > _TINY else 1.0
    steps = max(1, ceil(top / step - 1e-9))
    return Scale(0.0, steps * step), tuple(step * each for each in range(steps + 1))


def between(low: float, high: float, most: int) -> tuple[float, ...]:
    """The round values from `low` to `high`, at most `most` steps apart."""
    if low == high:
        return (low,)
    step = round_step(high - low, most)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return tuple(step * each for each in range(first, last + 1))


def decades(low: float, high: float, most: int) -> tuple[float, ...]:
    """The 1, 2 and 5 of each power of ten from `low` to `high`; only the powers where that is too many, and
    of these each second, third and so on."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    for steps in (_ROUND[:3], _ROUND[:1]):
        found = [s * 10.0**p for p in powers for s in steps if low * 0.999 <= s * 10.0**p <= high * 1.001]
        if len(found) <= max(2, most):
            return tuple(found)
    stride = -(-len(found) // max(2, most))
    return tuple(found[::stride])


def spaced(wanted: Sequence[float], size: float, gap: float, low: float, high: float) -> list[float]:
    """Middles for things `size` long, each as near to where it is `wanted` as the others allow.

    They keep their order, lie `gap` apart, and from `low` to `high`, or beyond where there is no room.
    """
    pitch = size + gap
    order = sorted(range(len(wanted)), key=lambda position: wanted[position])
    placed: list[float] = []
    for position in order:
        least = placed[-1] + pitch if placed else low + size / 2
        placed.append(max(wanted[position], least))
    top = high - size / 2
    for at in reversed(range(len(placed))):
        placed[at] = max(min(placed[at], top), low + size / 2 + at * pitch)
        top = placed[at] - pitch
    found = [0.0] * len(wanted)
    for position, middle in zip(order, placed, strict=True):
        found[position] = middle
    return found
