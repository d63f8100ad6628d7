from __future__ import annotations

from itertools import pairwise
from math import floor, log10

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.ui.charts.scale import Scale, between, decades, from_zero, spaced

values = st.floats(1e-9, 1e12)


@given(values, st.integers(1, 10))
@example(1.000000001, 2)
@example(0.1 * 3, 3)
def test_ticks_from_zero_are_steps_of_one_two_or_five(top: float, most: int) -> None:
    axis, ticks = from_zero(top, most)
    step = ticks[1]
    assert round(step / 10 ** floor(log10(step) + 1e-9), 6) in (1, 2, 5)
    assert ticks[0] == 0
    assert ticks[-1] == axis.high >= top * (1 - 1e-9)
    assert len(ticks) <= most + 1
    assert axis.high - step < top  # no step that is not needed


def test_nothing_is_drawn_against_one() -> None:
    assert from_zero(0, 4) == (Scale(0, 1), (0, 1))
    assert from_zero(5e-324, 4) == (Scale(0, 1), (0, 1))


@pytest.mark.parametrize(
    ("low", "high", "most", "found"),
    [
        (1, 128, 10, (1, 2, 5, 10, 20, 50, 100)),
        (1, 128, 4, (1, 10, 100)),
        (0.04, 1300, 4, (0.1, 10, 1000)),
        (3, 4, 5, ()),
    ],
)
def test_a_logarithm_has_its_powers(low: float, high: float, most: int, found: tuple[float, ...]) -> None:
    assert decades(low, high, most) == pytest.approx(found)


def test_between_two_values() -> None:
    assert between(3, 11, 4) == (4, 6, 8, 10)
    assert between(5, 5, 4) == (5,)


@given(st.floats(1e-4, 1e7), st.booleans())
def test_a_share_is_of_the_way(value: float, logarithmic: bool) -> None:
    axis = Scale(1e-4, 1e7, logarithmic)
    assert axis.share(1e-4) == pytest.approx(0)
    assert axis.share(1e7) == pytest.approx(1)
    assert 0 <= axis.share(value) <= 1.0000001


@given(st.lists(st.floats(0, 300), min_size=1, max_size=12))
def test_what_is_spaced_lies_apart_inside_and_in_order(wanted: list[float]) -> None:
    found = spaced(wanted, 16, 2, 0, 300)
    placed = sorted(found)
    assert all(b - a >= 18 - 1e-6 for a, b in pairwise(placed))
    assert placed[0] >= 8 - 1e-6
    assert placed[-1] <= 292 + 1e-6
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    assert [found[at] for at in order] == placed


def test_what_has_room_stays_where_it_is_wanted() -> None:
    assert spaced([200, 40, 100], 16, 2, 0, 300) == [200, 40, 100]
    assert spaced([50, 50], 16, 0, 0, 300) == [50, 66]
