"""At how many requests a day two options cost the same, and which is the cheapest in between.

Costs rise in steps, with every machine more, so that two options may change places at a step without ever
costing the same; that is a break-even, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.advisor.cost import cost_per_month, requests_range
from app.advisor.cost_options import Api, HourlyMachine, Option
from app.advisor.traffic import FEWEST_REQUESTS, MOST_REQUESTS, Traffic

LOWEST, HIGHEST = 1.0, 10_000_000.0
"""Requests a day between which a break-even is looked for, unless others are asked for."""
_POINTS = 241
_STEPS = 64
"""Machines of an option whose steps are looked at one by one; later ones change the cost by less than 2 %."""
_HALVINGS = 60
_SAME = 1e-9
"""Share by which costs differ that count as the same: it may be rounding."""
_BEYOND = 1e-6
"""Share by which one steps over a boundary: nearer to it rounding decides which option is the cheaper."""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Where two options change places: `cheaper_below` up to so many requests a day, then `cheaper_above`.

    `cost_per_month` is that of `cheaper_below` there.
    """

    requests_per_day: float
    cheaper_below: Option
    cheaper_above: Option
    cost_per_month: float


@dataclass(frozen=True, slots=True)
class CheapestRange:
    """`option` is the cheapest from so many requests a day to so many; None: nothing serves them."""

    option: Option | None
    from_requests_per_day: float
    to_requests_per_day: float


def break_even(
    one: Option, other: Option, traffic: Traffic, lowest: float = LOWEST, highest: float = HIGHEST
) -> BreakEven | None:
    """The first place where two options change places as requests a day grow; None if they never do.

    Only where both serve the traffic, whose other figures stay. Raises `RefusedFigure`.
    """
    every = break_evens(one, other, traffic, lowest, highest)
    return every[0] if every else None


def break_evens(
    one: Option, other: Option, traffic: Traffic, lowest: float = LOWEST, highest: float = HIGHEST
) -> tuple[BreakEven, ...]:
    """All of them by rising requests a day: with steps two options may change places several times."""

    def ahead(requests_per_day: float) -> int | None:
        """-1 where `one` is cheaper, 1 where `other` is, 0 where neither; None where one cannot serve."""
        at = replace(traffic, requests_per_day=requests_per_day)
        first, second = cost_per_month(one, at), cost_per_month(other, at)
        if first is None or second is None:
            return None
        if math.isclose(first, second, rel_tol=_SAME):
            return 0
        return -1 if first < second else 1

    found: list[BreakEven] = []
    before: tuple[float, int] | None = None
    for days in _places((one, other), traffic, lowest, highest):
        now = ahead(days)
        if not now:
            continue
        if before is not None and before[1] != now:
            at = _boundary(before[0], days, ahead)
            below, above = (one, other) if before[1] < 0 else (other, one)
            cost = cost_per_month(below, replace(traffic, requests_per_day=at))
            assert cost is not None  # both serve less than what both serve
            found.append(BreakEven(at, below, above, cost))
        before = days, now
    return tuple(found)


def cheapest_ranges(
    options: Sequence[Option], traffic: Traffic, lowest: float = LOWEST, highest: float = HIGHEST
) -> tuple[CheapestRange, ...]:
    """Which option is the cheapest, by rising requests a day, without a gap. Raises `RefusedFigure`.

    One stays the cheapest while another costs the same (`_SAME`).
    """
    places = _places(options, traffic, lowest, highest)
    place = places[0]
    begun = [(place, _leader(options, traffic, place))]
    for days in places[1:]:
        leader = partial(_leader, options, traffic, before=begun[-1][1])
        while leader(days) != begun[-1][1]:
            boundary = _boundary(place, days, leader)
            place = min(days, boundary * (1 + _BEYOND))
            if (best := leader(place)) != begun[-1][1]:
                begun.append((boundary, best))
                leader = partial(_leader, options, traffic, before=best)
        place = days
    ends = [*(start for start, _ in begun[1:]), places[-1]]
    return tuple(CheapestRange(option, start, end) for (start, option), end in zip(begun, ends, strict=True))


def _leader(
    options: Sequence[Option], traffic: Traffic, requests_per_day: float, before: Option | None = None
) -> Option | None:
    """The cheapest of those that can serve so many; the one `before` where it costs the same."""
    at = replace(traffic, requests_per_day=requests_per_day)
    costs = [(cost, option) for option in options if (cost := cost_per_month(option, at)) is not None]
    if not costs:
        return None
    least, best = min(costs, key=lambda it: it[0])
    as_good = any(option == before and cost <= least * (1 + _SAME) for cost, option in costs)
    return before if as_good else best


def _places(options: Sequence[Option], traffic: Traffic, lowest: float, highest: float) -> list[float]:
    """Where to look: evenly by ratio, and on both sides of each step."""
    places = set(requests_range(lowest, highest, _POINTS))
    for option in options:
        if isinstance(option, Api):
            continue
        full = option.tokens_per_s * traffic.busy_seconds_per_day / traffic.output_tokens
        for machines in range(1, (_STEPS if isinstance(option, HourlyMachine) else 1) + 1):
            places |= {full * machines * (1 - 1e-7), full * machines * (1 + 1e-7)}
    least, most = max(lowest, FEWEST_REQUESTS), min(highest, MOST_REQUESTS)
    return sorted(it for it in places if least <= it <= most)


def _boundary(low: float, high: float, side: Callable[[float], object]) -> float:
    """The largest place, found by halving, whose `side` is still that of `low`; at `high` it is another."""
    before = side(low)
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        if not low < middle < high:
            break
        low, high = (middle, high) if side(middle) == before else (low, middle)
    return low
