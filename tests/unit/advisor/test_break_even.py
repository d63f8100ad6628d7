"""Where two options change places, held against the curve."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.advisor.break_even import break_even, break_evens, cheapest_ranges
from app.advisor.cost import compare, cost_per_month, curve
from app.advisor.cost_options import Option
from app.advisor.figure import RefusedFigure
from app.advisor.traffic import Traffic
from tests.unit.advisor.cost_cases import API, CPU, GPU, OWN, SERVERLESS, SMALL_GPU, options, traffics

OFFICE = Traffic(2400, 500, 300, 3.0)
NEAR = 1e-6


def costs(option: Option, traffic: Traffic, requests_per_day: float) -> float | None:
    return cost_per_month(option, replace(traffic, requests_per_day=requests_per_day))


def test_an_api_breaks_even_with_a_machine_where_its_tokens_cost_the_machines_price() -> None:
    found = break_even(CPU, API, OFFICE)
    each = (500 * 1.0 + 300 * 2.0) / 1e6
    assert found is not None
    assert found.requests_per_day == pytest.approx(73.0 / (730 / 24 * each))
    assert (found.cheaper_below, found.cheaper_above) == (API, CPU)
    assert found.cost_per_month == pytest.approx(73.0)
    assert break_even(API, CPU, OFFICE) == found


def test_options_may_change_places_at_a_step_and_back_again() -> None:
    """With every CPU more its cost rises by 73 at once, with every token the API's rises a little."""
    every = break_evens(CPU, API, OFFICE)
    assert len(every) > 2
    for before, after in pairwise(every):
        assert before.requests_per_day < after.requests_per_day
        assert (before.cheaper_above, before.cheaper_below) == (after.cheaper_below, after.cheaper_above)
    assert every[1].requests_per_day == pytest.approx(30 / 300 * 8 * 3600, rel=1e-6)  # a second CPU


def test_there_is_none_where_one_is_always_cheaper_or_both_are_the_same() -> None:
    assert break_even(GPU, replace(GPU, price_per_hour=3.0), OFFICE) is None
    assert break_even(GPU, replace(GPU, name="Another"), OFFICE) is None
    assert break_even(OWN, API, OFFICE) is None


def test_what_cannot_serve_is_not_compared() -> None:
    off = replace(GPU, hours_per_day=1.0)
    assert break_even(off, API, OFFICE) is None
    dear = replace(OWN, price_per_kwh=300.0)  # beyond 14,400 requests a day it is too slow
    found = break_even(dear, SMALL_GPU, OFFICE)
    assert found is not None
    assert found.requests_per_day < 14_400


@given(options, options, traffics)
def test_break_evens_are_where_the_curves_cross(one: Option, other: Option, traffic: Traffic) -> None:
    other = replace(other, name="Other")
    found = break_evens(one, other, traffic, 1, 1e6)
    assert break_even(one, other, traffic, 1, 1e6) == (found[0] if found else None)
    for it in found:
        for days, first, second in (
            (it.requests_per_day * (1 - NEAR), it.cheaper_below, it.cheaper_above),
            (it.requests_per_day * (1 + NEAR), it.cheaper_above, it.cheaper_below),
        ):
            cheap, dear = costs(first, traffic, days), costs(second, traffic, days)
            assert cheap is not None
            assert dear is not None
            assert cheap <= dear * (1 + 1e-9)
        assert it.cost_per_month == costs(it.cheaper_below, traffic, it.requests_per_day)


@given(options, options, traffics)
def test_the_curve_changes_its_leader_only_where_a_break_even_lies_between(
    one: Option, other: Option, traffic: Traffic
) -> None:
    other = replace(other, name="Other")
    found = [it.requests_per_day for it in break_evens(one, other, traffic, 1, 1e6)]
    mine, theirs = curve([one, other], traffic, 1, 1e6, points=31)
    leads = [
        (a.requests_per_day, a.cost_per_month < b.cost_per_month)
        for a, b in zip(mine.points, theirs.points, strict=True)
        if a.cost_per_month is not None
        and b.cost_per_month is not None
        and abs(a.cost_per_month - b.cost_per_month) > 1e-9 * b.cost_per_month
    ]
    for (low, before), (high, after) in pairwise(leads):
        if before != after:
            assert any(low * (1 - NEAR) <= it <= high * (1 + NEAR) for it in found)


@given(st.lists(options, min_size=1, max_size=4), traffics, st.floats(1, 1e6))
def test_the_cheapest_of_a_range_is_the_cheapest_at_every_place_of_it(
    several: list[Option], traffic: Traffic, requests_per_day: float
) -> None:
    named = [replace(option, name=f"{number}") for number, option in enumerate(several)]
    ranges = cheapest_ranges(named, traffic, 1, 1e6)
    assert (ranges[0].from_requests_per_day, ranges[-1].to_requests_per_day) == (1, 1e6)
    for before, after in pairwise(ranges):
        assert before.to_requests_per_day == after.from_requests_per_day
        assert before.option != after.option
    inside = next(it for it in ranges if requests_per_day <= it.to_requests_per_day)
    best = compare(replace(traffic, requests_per_day=requests_per_day), named)[0]
    if inside.option is None or best.cost_per_month is None:
        near = min(abs(requests_per_day - it.to_requests_per_day) for it in ranges) < NEAR * requests_per_day
        assert near or (inside.option is None) == (best.cost_per_month is None)
        return
    cost = costs(inside.option, traffic, requests_per_day)
    edge = min(
        abs(requests_per_day / it - 1) for it in (inside.from_requests_per_day, inside.to_requests_per_day)
    )
    assert edge < 2 * NEAR or (cost is not None and cost <= best.cost_per_month * (1 + 1e-4))


def test_the_presets_take_turns() -> None:
    ranges = cheapest_ranges([GPU, SMALL_GPU, CPU, SERVERLESS], OFFICE, 1, 10_000)
    assert [it.option.name for it in ranges if it.option is not None] == ["Serverless", "CPU", "Small GPU"]
    assert cheapest_ranges([OWN], OFFICE, 1, 100_000)[-1].option is None
    assert cheapest_ranges([], OFFICE, 1, 10)[0].option is None


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(RefusedFigure):
        break_even(GPU, API, OFFICE, 10, 1)
