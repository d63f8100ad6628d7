"""Figures in words."""

from __future__ import annotations

import pytest

from app.benchmark.tables import Unit, number, once
from app.domain.speed_test import Spread


@pytest.mark.parametrize(
    ("unit", "value", "words"),
    [
        (Unit.RATE, 1234.4, "1,234 tok/s"),
        (Unit.RATE, 99.94, "99.9 tok/s"),
        (Unit.RATE, 99.96, "100 tok/s"),
        (Unit.RATE, 9.996, "10.0 tok/s"),
        (Unit.RATE, 2.834, "2.83 tok/s"),
        (Unit.TIME, 0.0123, "12.3 ms"),
        (Unit.TIME, 0.9994, "999 ms"),
        (Unit.TIME, 0.9996, "1.00 s"),
        (Unit.TIME, 126.4, "126 s"),
        (Unit.MEMORY, 3_614_000_000, "3.61 GB"),
        (Unit.MEMORY, 405_000_000, "405 MB"),
    ],
)
def test_a_figure_has_three_digits_that_count_and_its_unit(unit: Unit, value: float, words: str) -> None:
    assert unit.words(value) == words


def test_a_spread_is_said_in_its_median_s_unit_or_with_units_of_its_own() -> None:
    assert Unit.RATE.range_words(Spread(100, 98, 102.4, 5)) == "98.0–102"
    assert Unit.TIME.range_words(Spread(0.9, 0.8, 0.95, 5)) == "800–950"
    assert Unit.TIME.range_words(Spread(1.0, 0.8, 1.2, 5)) == "800 ms–1.20 s"


def test_what_was_measured_once_has_no_spread() -> None:
    assert once(None) is None
    assert once(2.0) == Spread(2.0, 2.0, 2.0, 1)
    assert number(0.0) == "0.00"
