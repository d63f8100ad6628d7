"""What a traffic costs: by hand, and what must hold for all figures."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.advisor.cost import (
    compare,
    cost_line,
    cost_per_month,
    curve,
    full_load_cost_per_1000_tokens,
    machines_needed,
    requests_range,
)
from app.advisor.cost_options import Api, HourlyMachine, Option, OwnMachine, Serverless, Wear
from app.advisor.figure import RefusedFigure
from app.advisor.traffic import Traffic
from tests.unit.advisor.cost_cases import (
    API,
    CPU,
    GPU,
    OWN,
    SERVERLESS,
    SMALL_GPU,
    hourly,
    options,
    own_machines,
    serverless,
    traffics,
)

OFFICE = Traffic(2400, 500, 300, 3.0)
"""100 requests an hour, within eight hours 300: 25 tokens a second."""
ROUNDING = 1 + 1e-9


def test_an_own_machine_costs_the_electricity_of_the_time_that_it_works() -> None:
    line = cost_line(OWN, OFFICE)
    hours = 730 * 100 * 300 / 150 / 3600  # requests, tokens each, tokens a second
    assert line.cost_per_month == pytest.approx(hours * 0.06 * 0.3)
    assert line.paid_hours_per_month == pytest.approx(hours)
    assert line.utilisation == pytest.approx(1.0)
    assert line.machines == 1


def test_idle_hours_and_wear_are_counted_when_they_are_wanted() -> None:
    counted = replace(OWN, idle_watts=10, idle_is_counted=True, wear=Wear(1000, 20_000))
    parts = {part.name: part.per_month for part in cost_line(counted, OFFICE).parts}
    busy = 730 * 100 * 300 / 150 / 3600
    assert parts == {
        "electricity under load": pytest.approx(busy * 0.06 * 0.3),
        "electricity when idle": pytest.approx((730 - busy) * 0.01 * 0.3),
        "wear": pytest.approx(730 * 0.05),
    }
    worn = cost_line(replace(OWN, wear=Wear(1000, 20_000)), OFFICE)
    assert {part.name: part.per_month for part in worn.parts}["wear"] == pytest.approx(busy * 0.05)


def test_requests_that_overlap_keep_a_machine_busy_no_longer_than_the_time_in_which_one_runs() -> None:
    """At 10 tokens a second alone a reply takes 30 s; 300 of them in an hour are 2.5 at once."""
    line = cost_line(replace(OWN, single_tokens_per_s=10.0), OFFICE)
    assert line.paid_hours_per_month == pytest.approx((1 - math.exp(-2.5)) * 8 * 730 / 24)


def test_a_rented_machine_is_paid_whether_it_is_used_or_not() -> None:
    line = cost_line(GPU, OFFICE)
    assert line.cost_per_month == 2.0 * 730
    assert line.utilisation == pytest.approx(100 * 300 / 3600 / 2000)
    assert line.cost_per_1000_tokens == pytest.approx(1460 / (73_000 * 0.3))


def test_as_many_machines_are_rented_as_the_peak_needs() -> None:
    for tokens_per_s, machines in ((25.0, 1), (24.9, 2), (12.5, 2), (12.4, 3), (0.5, 50)):
        line = cost_line(replace(CPU, tokens_per_s=tokens_per_s), OFFICE)
        assert line.machines == machines == machines_needed(tokens_per_s, OFFICE)
        assert line.cost_per_month == pytest.approx(machines * 73.0)


def test_hours_that_are_paid_are_rounded_up_to_whole_units() -> None:
    for hours, unit_s, paid in (
        (8, 3600, 8),
        (8.1, 3600, 9),
        (8.1, 60, 8.1),
        (8.5, 5 * 3600, 10),
        (24, 7, 24),
    ):
        line = cost_line(replace(GPU, hours_per_day=hours, billed_unit_s=unit_s), OFFICE)
        assert line.paid_hours_per_month == pytest.approx(paid * 730 / 24), (hours, unit_s)


def test_what_is_off_while_requests_come_cannot_serve_them() -> None:
    own = replace(OWN, hours_per_day=7.9, idle_watts=1, idle_is_counted=True)
    for option in (replace(GPU, hours_per_day=7.9), own):
        line = cost_line(option, OFFICE)
        assert (line.cost_per_month, line.cost_per_1000_tokens) == (None, None)
        assert line.cannot == "It is up for 7.9 hours a day; the requests come over 8 hours."
    assert not cost_line(replace(own, idle_is_counted=False), OFFICE).cannot


def test_an_own_machine_that_is_too_slow_says_so_instead_of_a_price() -> None:
    line = cost_line(replace(OWN, tokens_per_s=20), OFFICE)
    assert line.cost_per_month is None
    assert line.cannot == "It makes 20 tokens a second at most; the busiest hour needs 25."


def test_a_single_request_a_day_pays_for_its_start_its_reply_and_the_time_that_it_is_kept_warm() -> None:
    line = cost_line(SERVERLESS, Traffic(0.01, 500, 300))
    a_month = 0.01 * 730 / 24
    assert line.cost_per_month == pytest.approx(a_month * (72 + 300 / 50 + 60) / 3600 * 4.0, rel=1e-4)


def test_what_is_paid_by_the_second_is_never_down_when_requests_never_cease() -> None:
    busy = cost_line(SERVERLESS, Traffic(200_000, 500, 300, 24.0))
    rate = 200_000 * 300 / 3600
    assert busy.paid_hours_per_month == pytest.approx(rate / 2000 * 730 / 24)
    assert busy.machines == math.ceil(rate / 2000)
    assert busy.utilisation == pytest.approx(1.0)


def test_the_time_that_a_serverless_machine_is_up_is_what_a_simulation_finds() -> None:
    """Requests at random; the machine starts for 72 s when one finds it down, and goes down 60 s after the
    last reply. Replies take 6 s each, at any number at once."""
    traffic = Traffic(400, 500, 300, 3.0)
    generator = random.Random(7)
    rate = traffic.peak_requests_per_s
    at, up, until = 0.0, 0.0, 0.0
    for _ in range(200_000):
        at += generator.expovariate(rate)
        if at >= until:  # down: it starts, and what comes meanwhile waits
            ready = at + 72
            until = ready + 66
            up += 72 + 66
        else:
            longer = max(until, max(at, ready) + 66)
            up += longer - until
            until = longer
    line = cost_line(SERVERLESS, traffic)
    assert line.paid_hours_per_month == pytest.approx(up / at * 8 * 730 / 24, rel=0.02)


def test_an_api_is_paid_by_the_token() -> None:
    line = cost_line(API, OFFICE)
    assert line.cost_per_month == pytest.approx(73_000 * (500 * 1.0 + 300 * 2.0) / 1e6)
    assert (line.machines, line.utilisation) == (None, None)


def test_the_cheapest_comes_first_and_what_cannot_serve_comes_last() -> None:
    slow = replace(OWN, name="Slow", tokens_per_s=1)
    lines = compare(OFFICE, [slow, GPU, API, CPU, OWN, SMALL_GPU])
    assert [line.name for line in lines] == ["Mine", "CPU", "API", "Small GPU", "GPU", "Slow"]
    assert compare(OFFICE, []) == []


def test_every_line_says_what_it_rests_on() -> None:
    own = replace(OWN, basis=("It was measured.",))
    for line in compare(OFFICE, [own, GPU, SERVERLESS, API], "EUR"):
        assert line.assumptions
        assert all(it.endswith(".") for it in line.assumptions)
        assert "EUR" in " ".join(line.assumptions)
    assert cost_line(own, OFFICE).assumptions[0] == "It was measured."


def test_at_full_load_a_machine_costs_its_price_over_the_tokens_of_an_hour() -> None:
    assert full_load_cost_per_1000_tokens(3.6, 1.0) == 1.0
    full = Traffic(2000 * 86_400 / 300, 500, 300)
    assert cost_line(GPU, full).cost_per_1000_tokens == pytest.approx(
        full_load_cost_per_1000_tokens(2.0, 2000)
    )


@given(options, traffics)
def test_the_cost_of_1000_tokens_times_the_tokens_is_the_cost_of_a_month(
    option: Option, traffic: Traffic
) -> None:
    line = cost_line(option, traffic)
    if line.cost_per_month is None:
        assert line.cannot
        return
    assert line.cost_per_1000_tokens is not None
    assert line.cost_per_1000_tokens * traffic.output_tokens_per_month / 1000 == pytest.approx(
        line.cost_per_month
    )
    assert sum(part.per_month for part in line.parts) == pytest.approx(line.cost_per_month)
    assert line.cost_per_month > 0
    assert line.utilisation is None or 0 < line.utilisation <= 1


@given(options, traffics, st.floats(1, 100), st.integers(0, 1000), st.integers(0, 1000))
def test_more_traffic_never_costs_less(
    option: Option, traffic: Traffic, times: float, prompt: int, output: int
) -> None:
    before = cost_per_month(option, traffic)
    more = replace(
        traffic,
        requests_per_day=traffic.requests_per_day * times,
        prompt_tokens=traffic.prompt_tokens + prompt,
        output_tokens=traffic.output_tokens + output,
    )
    after = cost_per_month(option, more)
    if before is None:
        assert after is None
    elif after is not None:
        assert after * ROUNDING >= before


@given(hourly, traffics)
def test_machines_that_are_rented_are_enough_and_one_fewer_is_not(
    machine: HourlyMachine, traffic: Traffic
) -> None:
    machines = machines_needed(machine.tokens_per_s, traffic)
    assert machines * machine.tokens_per_s * ROUNDING >= traffic.peak_tokens_per_s
    assert machines == 1 or (machines - 1) * machine.tokens_per_s < traffic.peak_tokens_per_s


@given(own_machines(), traffics)
def test_idle_hours_and_wear_never_make_it_cheaper(machine: OwnMachine, traffic: Traffic) -> None:
    bare = cost_per_month(replace(machine, idle_is_counted=False, wear=None), traffic)
    whole = cost_per_month(machine, traffic)
    if bare is not None:
        assert whole is not None
        assert whole * ROUNDING >= bare


@given(serverless(), traffics)
def test_a_longer_start_or_a_longer_time_kept_warm_never_makes_it_cheaper(
    machine: Serverless, traffic: Traffic
) -> None:
    cost = cost_per_month(machine, traffic)
    at_once = cost_per_month(replace(machine, cold_start_s=0.0), traffic)
    cold = cost_per_month(replace(machine, kept_warm_s=0.0, cold_start_s=0.0), traffic)
    assert cost is not None
    assert at_once is not None
    assert cold is not None
    assert cost * ROUNDING >= at_once
    assert at_once * ROUNDING >= cold


def test_a_curve_has_the_cost_at_each_of_its_points() -> None:
    mine, api = curve([OWN, API], OFFICE, 10, 100_000, points=5)
    assert (mine.option, api.option) == (OWN, API)
    assert [point.requests_per_day for point in mine.points] == pytest.approx(
        [10, 100, 1000, 10_000, 100_000]
    )
    assert mine.points[-1].cost_per_month is None  # 1,042 tokens a second
    for point in api.points:
        at = replace(OFFICE, requests_per_day=point.requests_per_day)
        line = cost_line(API, at)
        assert point.cost_per_month == line.cost_per_month
        assert point.cost_per_1000_tokens == line.cost_per_1000_tokens


@pytest.mark.parametrize(
    ("lowest", "highest", "points"), [(0, 10, 5), (10, 5, 5), (1, math.inf, 5), (1, 10, 1), (1, 10, 10**9)]
)
def test_a_range_that_is_none_is_refused(lowest: float, highest: float, points: int) -> None:
    with pytest.raises(RefusedFigure):
        requests_range(lowest, highest, points)


@pytest.mark.parametrize(
    ("option", "fields"),
    [
        (OWN, {"tokens_per_s": 0}),
        (OWN, {"load_watts": math.nan}),
        (OWN, {"price_per_kwh": -0.3}),
        (OWN, {"price_per_kwh": 0}),
        (OWN, {"single_tokens_per_s": 0}),
        (OWN, {"idle_watts": -1}),
        (OWN, {"idle_is_counted": True}),
        (OWN, {"hours_per_day": 25}),
        (GPU, {"tokens_per_s": math.inf}),
        (GPU, {"price_per_hour": 0}),
        (GPU, {"price_per_hour": 1e30}),
        (GPU, {"hours_per_day": 0}),
        (GPU, {"billed_unit_s": 0}),
        (SERVERLESS, {"cold_start_s": -1}),
        (SERVERLESS, {"kept_warm_s": math.nan}),
        (SERVERLESS, {"price_per_hour": -2}),
        (API, {"price_per_million_input_tokens": 0}),
        (API, {"price_per_million_output_tokens": math.nan}),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(option: Option, fields: dict[str, Any]) -> None:
    with pytest.raises(RefusedFigure, match=r"\.$"):
        replace(option, **fields)


@pytest.mark.parametrize(("price", "hours"), [(0, 100), (-5, 100), (100, 0), (math.nan, 100), (100, 1e9)])
def test_wear_that_cannot_be_is_refused(price: float, hours: float) -> None:
    with pytest.raises(RefusedFigure):
        Wear(price, hours)


def test_the_largest_figures_that_are_let_through_can_be_reckoned_with() -> None:
    """Nothing overflows, nothing is divided by zero."""
    most = Traffic(1e9, 10_000_000, 10_000_000, 24)
    least = Traffic(0.01, 1, 1, 1)
    dearest: list[Option] = [
        HourlyMachine("Slow", 0.001, 1e9, True, 1.0, 0.001),
        Serverless("Slow", 0.001, 1e9, 0.001, 86_400, 86_400),
        Api("Dear", 1e9, 1e9),
        OwnMachine("Mine", 1e9, 1e6, 1e9, 0.001, 1e6, True, wear=Wear(1e9, 1)),
    ]
    for option in dearest:
        for traffic in (most, least):
            cost = cost_per_month(option, traffic)
            assert cost is None or (math.isfinite(cost) and cost > 0)
