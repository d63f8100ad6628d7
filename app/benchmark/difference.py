"""When one figure is called better than another.

The rule: of both, at least `LEAST_N` values were measured; their intervals from the 5th to the 95th
percentile do not overlap; and the medians differ by `LEAST_RATIO` or more. Everything else is called
equal, or, with fewer values, not told.

Of two sets of m and n values of the same thing one lies wholly above the other by chance with 2 / C(m +
n, n) (H. B. Mann and D. R. Whitney, 1947, the extreme case of their test): 10 % of the times with 3 and 3
values, 0.8 % with 5 and 5, one in three with 2 and 2, which is why those tell nothing. With few values
the percentiles lie a little inside of the smallest and the largest, so that these are bounds to think
with, not promises. What changes between the engines' turns (a processor that has become warmer) is not in
the spread: hence the ratio.
"""

from __future__ import annotations

from app.domain.speed_test import Spread

LEAST_N = 3
"""Values."""
LEAST_RATIO = 1.02
"""Ours: less than 2 % nobody would notice, and other things than the engine make as much."""


def can_tell(spread: Spread) -> bool:
    """Whether there are values enough for a spread that says something."""
    return spread.n >= LEAST_N


def is_more(one: Spread, other: Spread) -> bool:
    """Whether `one` is larger than `other` beyond the spreads.

    With it figures are in a strict order: if a is more than b and b more than c, a is more than c.
    """
    return (
        can_tell(one) and can_tell(other) and one.p5 > other.p95 and one.median >= LEAST_RATIO * other.median
    )


def inverse(spread: Spread) -> Spread:
    """The spread of 1 / x: of rates, from times. Raises ValueError for what is not above zero."""
    if spread.p5 <= 0 or spread.median <= 0:
        raise ValueError("There is no inverse of what is not above zero.")
    return Spread(1 / spread.median, 1 / spread.p95, 1 / spread.p5, spread.n)
