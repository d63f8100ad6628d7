"""Traffic: what a day's requests come to."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given

from app.advisor.figure import RefusedFigure
from app.advisor.traffic import EXAMPLES, Traffic, TrafficShape
from tests.unit.advisor.cost_cases import traffics

OFFICE = Traffic(2400, 500, 300, 3.0)


def test_the_busiest_hour_has_the_peak_factor_of_a_mean_hour() -> None:
    assert OFFICE.busy_hours_per_day == 8
    assert OFFICE.peak_requests_per_s * 3600 == pytest.approx(3 * 2400 / 24)
    assert OFFICE.peak_tokens_per_s == pytest.approx(300 * 300 / 3600)


def test_a_month_has_730_hours() -> None:
    assert OFFICE.requests_per_month == pytest.approx(2400 / 24 * 730)
    assert OFFICE.output_tokens_per_month == pytest.approx(2400 / 24 * 730 * 300)
    assert OFFICE.prompt_tokens_per_month == pytest.approx(2400 / 24 * 730 * 500)


@given(traffics)
def test_a_days_requests_all_come_within_its_busy_hours(traffic: Traffic) -> None:
    assert 1 <= traffic.busy_hours_per_day <= 24
    assert traffic.peak_requests_per_s * traffic.busy_seconds_per_day == pytest.approx(
        traffic.requests_per_day
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("requests_per_day", value) for value in (0, -1, math.nan, math.inf, 1e12)),
        *(("prompt_tokens", value) for value in (0, -5, 10**12)),
        *(("output_tokens", value) for value in (0, -5, 10**12)),
        *(("peak_factor", value) for value in (0, 0.5, 25, math.nan)),
    ],
)
def test_what_no_traffic_can_be_is_refused(field: str, value: float) -> None:
    with pytest.raises(RefusedFigure, match=r"has to be from .*\.$"):
        replace(OFFICE, **{field: value})  # type: ignore[arg-type]


def test_each_shape_has_an_example_that_is_what_its_name_says() -> None:
    assert set(EXAMPLES) == set(TrafficShape)
    high, low, bursty = (EXAMPLES[it] for it in (TrafficShape.HIGH, TrafficShape.LOW, TrafficShape.BURSTY))
    assert high.requests_per_day > bursty.requests_per_day > low.requests_per_day
    assert bursty.peak_factor > low.peak_factor > high.peak_factor
