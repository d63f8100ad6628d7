from __future__ import annotations

from datetime import datetime

import pytest

from app.ui.charts.dates import ticks


def at(*parts: int) -> float:
    return datetime(*parts).timestamp()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("low", "high", "most", "words"),
    [
        (at(2026, 3, 1, 9, 58), at(2026, 3, 1, 10, 2), 5, ["09:58", "09:59", "10:00", "10:01", "10:02"]),
        (at(2026, 3, 1, 22), at(2026, 3, 2, 5), 4, ["2 Mar", "03:00"]),
        (at(2026, 3, 3), at(2026, 3, 24), 4, ["9 Mar", "16 Mar", "23 Mar"]),
        (at(2025, 11, 15), at(2026, 4, 2), 5, ["Dec 2025", "Jan 2026", "Feb 2026", "Mar 2026", "Apr 2026"]),
        (at(1999, 5, 1), at(2026, 4, 2), 4, ["2000", "2010", "2020"]),
    ],
)
def test_round_moments_are_named(low: float, high: float, most: int, words: list[str]) -> None:
    found = ticks(low, high, most)
    assert [text for _moment, text in found] == words
    assert all(low <= moment <= high for moment, _text in found)


@pytest.mark.parametrize(("low", "high"), [(-1e20, 1e20), (0, 1e18), (float("inf"), float("inf"))])
def test_no_date_is_no_tick(low: float, high: float) -> None:
    assert ticks(low, high, 5) == ()


def test_what_takes_too_many_years_ends() -> None:
    assert len(ticks(at(1, 1, 2), at(9998, 1, 1), 5)) <= 5
