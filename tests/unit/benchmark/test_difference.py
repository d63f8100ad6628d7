"""When one figure is more than another: a strict order, never within the spreads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmark.difference import LEAST_N, inverse, is_more
from app.domain.speed_test import Spread

values = st.floats(min_value=1e-4, max_value=1e6)


@st.composite
def spreads(draw: st.DrawFn) -> Spread:
    low, median, high = sorted((draw(values), draw(values), draw(values)))
    return Spread(median, low, high, draw(st.integers(1, 8)))


@pytest.mark.parametrize(
    ("one", "other", "more"),
    [
        (Spread(110, 105, 115, 5), Spread(100, 98, 104, 5), True),
        (Spread(110, 104, 115, 5), Spread(100, 98, 104, 5), False),  # they touch
        (Spread(101, 101, 101, 5), Spread(100, 100, 100, 5), False),  # nobody would notice
        (Spread(110, 105, 115, 2), Spread(100, 98, 104, 5), False),  # too few
        (Spread(110, 105, 115, 5), Spread(100, 98, 104, 2), False),
        (Spread(100, 98, 104, 5), Spread(110, 105, 115, 5), False),
    ],
)
def test_more_is_what_lies_apart_by_enough_with_values_enough(one: Spread, other: Spread, more: bool) -> None:
    assert is_more(one, other) is more


@given(spreads(), spreads())
def test_never_within_the_spreads_and_never_both_ways(one: Spread, other: Spread) -> None:
    if is_more(one, other):
        assert one.p5 > other.p95
        assert min(one.n, other.n) >= LEAST_N
        assert not is_more(other, one)


@given(spreads(), spreads(), spreads())
def test_it_is_an_order(a: Spread, b: Spread, c: Spread) -> None:
    if is_more(a, b) and is_more(b, c):
        assert is_more(a, c)


@given(spreads())
def test_of_an_inverse_the_ends_change_places(spread: Spread) -> None:
    turned = inverse(spread)
    assert turned.p5 <= turned.median <= turned.p95
    assert (turned.p5, turned.p95, turned.n) == (1 / spread.p95, 1 / spread.p5, spread.n)


def test_there_is_no_inverse_of_zero() -> None:
    with pytest.raises(ValueError, match="above zero"):
        inverse(Spread(1.0, 0.0, 2.0, 5))
