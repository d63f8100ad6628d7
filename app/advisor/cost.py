"""What a traffic costs with each of several options, a month and per 1,000 tokens of replies.

The formulas, with their sources and what they leave out, stand in docs/cost.md. Prices are in one currency,
times in seconds or hours as named, rates in tokens of replies a second. Prompts have no price of their own
but an API's: what reading them takes is in a machine's rate as far as it was in the test it comes from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.advisor.cost_options import Api, HourlyMachine, Option, OwnMachine, Serverless
from app.advisor.cost_words import assumptions, cannot_keep_up, is_off_too_long
from app.advisor.figure import check
from app.advisor.traffic import (
    DAYS_PER_MONTH,
    FEWEST_REQUESTS,
    HOURS_PER_DAY,
    MOST_REQUESTS,
    SECONDS_PER_HOUR,
    Traffic,
)

CURVE_POINTS = 61
MOST_CURVE_POINTS = 2_000
_ROUNDING = 1e-9
"""A share that a division may be off by: two machines that are exactly enough are not three."""


@dataclass(frozen=True, slots=True)
class CostPart:
    """One part of a month's cost: "rent", "electricity under load" …"""

    name: str
    per_month: float


@dataclass(frozen=True, slots=True)
class CostLine:
    """One option under one traffic.

    Without a cost it cannot serve the traffic, and `cannot` says why in a sentence. `machines` are those that
    the peak needs, `paid_hours_per_month` of all of them together, `utilisation` the share of the tokens
    that they could make in the paid time; all None of an API. `assumptions` are sentences.
    """

    option: Option
    cost_per_month: float | None = None
    cost_per_1000_tokens: float | None = None
    parts: tuple[CostPart, ...] = ()
    machines: int | None = None
    paid_hours_per_month: float | None = None
    utilisation: float | None = None
    cannot: str = ""
    assumptions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The option's."""
        return self.option.name


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Both costs at so many requests a day; None where the option cannot serve them."""

    requests_per_day: float
    cost_per_month: float | None
    cost_per_1000_tokens: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """One option's costs over requests a day."""

    option: Option
    points: tuple[CurvePoint, ...]


def compare(traffic: Traffic, options: Sequence[Option], currency: str = "$") -> list[CostLine]:
    """A line for each option: the cheapest first, then those that cannot serve the traffic in their order.

    `currency` is what amounts in sentences are labelled with.
    """
    lines = [cost_line(option, traffic, currency) for option in options]
    return sorted(lines, key=lambda line: math.inf if line.cost_per_month is None else line.cost_per_month)


def cost_line(option: Option, traffic: Traffic, currency: str = "$") -> CostLine:
    """What one option costs."""
    told = assumptions(option, traffic, currency)
    cannot = why_not(option, traffic)
    if cannot:
        return CostLine(option, cannot=cannot, assumptions=told)
    spent = _spent(option, traffic)
    return CostLine(
        option,
        cost_per_month=spent.total,
        cost_per_1000_tokens=spent.total / traffic.output_tokens_per_month * 1000,
        parts=tuple(CostPart(name, cost) for name, cost in spent.parts),
        machines=spent.machines,
        paid_hours_per_month=spent.hours,
        utilisation=spent.used,
        assumptions=told,
    )


def cost_per_month(option: Option, traffic: Traffic) -> float | None:
    """The cost alone, None where the option cannot serve the traffic."""
    return None if why_not(option, traffic) else _spent(option, traffic).total


def full_load_cost_per_1000_tokens(price_per_hour: float, tokens_per_s: float) -> float:
    """Of a machine that makes tokens without a pause: price / (tokens a second × 3,600 s) × 1,000."""
    return price_per_hour / (tokens_per_s * SECONDS_PER_HOUR) * 1000


def machines_needed(tokens_per_s: float, traffic: Traffic) -> int:
    """Machines of this rate, all requests together, that the busiest hour needs."""
    return max(1, math.ceil(traffic.peak_tokens_per_s / tokens_per_s * (1 - _ROUNDING)))


def why_not(option: Option, traffic: Traffic) -> str:
    """Why an option cannot serve a traffic, in a sentence; empty if it can."""
    if isinstance(option, OwnMachine) and machines_needed(option.tokens_per_s, traffic) > 1:
        return cannot_keep_up(option, traffic)
    hours_per_day = HOURS_PER_DAY
    if isinstance(option, HourlyMachine) or (isinstance(option, OwnMachine) and option.idle_is_counted):
        hours_per_day = option.hours_per_day
    if hours_per_day < traffic.busy_hours_per_day * (1 - _ROUNDING):
        return is_off_too_long(hours_per_day, traffic)
    return ""


def curve(
    options: Sequence[Option],
    traffic: Traffic,
    lowest: float = 10.0,
    highest: float = 1_000_000.0,
    points: int = CURVE_POINTS,
) -> list[Curve]:
    """Costs from `lowest` to `highest` requests a day, at points with the same ratio between any two.

    All else of `traffic` stays. Raises `RefusedFigure`.
    """
    days = requests_range(lowest, highest, points)
    return [Curve(option, tuple(_point(option, traffic, it) for it in days)) for option in options]


def requests_range(lowest: float, highest: float, points: int) -> list[float]:
    """From `lowest` to `highest` requests a day, with the same ratio between any two neighbours."""
    check("The fewest requests a day", lowest, FEWEST_REQUESTS, MOST_REQUESTS)
    check("The most requests a day", highest, lowest, MOST_REQUESTS)
    check("The number of points", points, 2, MOST_CURVE_POINTS)
    ratio = highest / lowest
    inner = [lowest * ratio ** (step / (points - 1)) for step in range(1, points - 1)]
    return [lowest, *inner, highest]


@dataclass(frozen=True, slots=True)
class _Spent:
    parts: tuple[tuple[str, float], ...]
    machines: int | None = None
    hours: float | None = None
    used: float | None = None

    @property
    def total(self) -> float:
        return math.fsum(cost for _, cost in self.parts)


def _spent(option: Option, traffic: Traffic) -> _Spent:
    if isinstance(option, OwnMachine):
        return _of_own(option, traffic)
    if isinstance(option, HourlyMachine):
        return _of_hourly(option, traffic)
    if isinstance(option, Serverless):
        return _of_serverless(option, traffic)
    return _of_api(option, traffic)


def _of_own(machine: OwnMachine, traffic: Traffic) -> _Spent:
    busy = _up_share(machine, traffic) * traffic.busy_hours_per_day * DAYS_PER_MONTH
    hours = machine.hours_per_day * DAYS_PER_MONTH if machine.idle_is_counted else busy
    parts = [("electricity under load", _electricity(machine.load_watts, busy, machine))]
    if machine.idle_is_counted:
        idle = _electricity(machine.idle_watts or 0.0, max(0.0, hours - busy), machine)
        parts.append(("electricity when idle", idle))
    if machine.wear is not None:
        parts.append(("wear", machine.wear.price_per_hour * hours))
    return _Spent(tuple(parts), 1, hours, _used(machine.tokens_per_s, hours, traffic))


def _electricity(watts: float, hours: float, machine: OwnMachine) -> float:
    return watts / 1000 * hours * machine.price_per_kwh


def _of_hourly(machine: HourlyMachine, traffic: Traffic) -> _Spent:
    unit = machine.billed_unit_s / SECONDS_PER_HOUR
    units = math.ceil(machine.hours_per_day / unit * (1 - _ROUNDING))
    per_day = min(HOURS_PER_DAY, units * unit)
    machines = machines_needed(machine.tokens_per_s, traffic)
    hours = machines * per_day * DAYS_PER_MONTH
    rent = ("rent", hours * machine.price_per_hour)
    return _Spent((rent,), machines, hours, _used(machine.tokens_per_s, hours, traffic))


def _of_serverless(machine: Serverless, traffic: Traffic) -> _Spent:
    share = _up_share(machine, traffic, kept_s=machine.kept_warm_s, start_s=machine.cold_start_s)
    hours = share * traffic.busy_hours_per_day * DAYS_PER_MONTH
    rent = ("rent", hours * machine.price_per_hour)
    machines = machines_needed(machine.tokens_per_s, traffic)
    return _Spent((rent,), machines, hours, _used(machine.tokens_per_s, hours, traffic))


def _of_api(api: Api, traffic: Traffic) -> _Spent:
    prompts = traffic.prompt_tokens_per_month / 1e6 * api.price_per_million_input_tokens
    replies = traffic.output_tokens_per_month / 1e6 * api.price_per_million_output_tokens
    return _Spent((("prompts", prompts), ("replies", replies)))


def _up_share(
    machine: OwnMachine | Serverless, traffic: Traffic, *, kept_s: float = 0.0, start_s: float = 0.0
) -> float:
    """The share of the busy hours in which a machine is up; above 1 where several have to be.

    Requests come at random (Poisson) and each keeps the machine up for its own time and `kept_s`: up and down
    take turns as in the queue M/D/∞, whose mean busy period is (e^(λD) − 1) / λ (Takács, Introduction to the
    Theory of Queues, 1962), preceded by the cold start. That is how it is while there is room for every
    request; once there is none, machines are up for as long as the tokens take at full speed.
    """
    single = machine.single_tokens_per_s or machine.tokens_per_s
    rate = traffic.peak_requests_per_s
    held = rate * (traffic.output_tokens / single + kept_s)
    starting = rate * start_s * math.exp(-held)
    served_at_random = (starting - math.expm1(-held)) / (1.0 + starting)
    return max(served_at_random, traffic.peak_tokens_per_s / machine.tokens_per_s)


def _used(tokens_per_s: float, hours_per_month: float, traffic: Traffic) -> float:
    """Tokens made over those that could have been made; 1 at most, for what rounding adds."""
    able = tokens_per_s * hours_per_month * SECONDS_PER_HOUR
    return min(1.0, traffic.output_tokens_per_month / able)


def _point(option: Option, traffic: Traffic, requests_per_day: float) -> CurvePoint:
    at = replace(traffic, requests_per_day=requests_per_day)
    cost = cost_per_month(option, at)
    each = None if cost is None else cost / at.output_tokens_per_month * 1000
    return CurvePoint(requests_per_day, cost, each)
