"""What a person types about traffic and prices, and all that follows from it. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.advisor.break_even import BreakEven, CheapestRange, break_even, cheapest_ranges
from app.advisor.cost import CostLine, Curve, compare, curve
from app.advisor.cost_advice import ShapeAdvice, example_traffics, recommend
from app.advisor.cost_options import HourlyMachine, Option, Serverless, Wear
from app.advisor.cost_reference import ReferenceCheck, reference_check
from app.advisor.cost_words import check_currency
from app.advisor.prices import prices
from app.advisor.traffic import FEWEST_REQUESTS, MOST_REQUESTS, Traffic, TrafficShape
from app.services.costs import MeasuredForm, NotMeasured, OwnFigures, proposed, this_machine

CURVE_SPREAD = 100.0
"""The chart shows from a hundredth of the requests to a hundred times as many."""
CURVE_POINTS = 25
_YOURS = ("Its price and speed are what you said.",)


@dataclass(frozen=True, slots=True)
class OwnInputs:
    """What is said of this machine. None: not said.

    `form` is the name of what a speed test measured, None for the one that is proposed.
    """

    price_per_kwh: float | None = None
    form: str | None = None
    tokens_per_s: float | None = None
    load_watts: float | None = None
    idle_watts: float | None = None
    idle_is_counted: bool = False
    hours_per_day: float = 24.0
    purchase_price: float | None = None
    lifetime_hours: float | None = None


@dataclass(frozen=True, slots=True)
class RentedInputs:
    """What is said of one preset, by its name: None leaves it as it came."""

    name: str
    price_per_hour: float | None = None
    tokens_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class CostInputs:
    """All of it. `api_prices` are of a million tokens of prompts and of replies."""

    shape: TrafficShape
    traffic: Traffic
    own: OwnInputs = OwnInputs()
    rented: tuple[RentedInputs, ...] = ()
    api_prices: tuple[float, float] | None = None
    currency: str = "$"


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What follows. `left_out` says in a sentence why this machine is not among the lines, if it is not.

    `break_evens` are of the cheapest line with each of the others that can serve the traffic, None where it
    is always the cheaper one.
    """

    inputs: CostInputs
    lines: tuple[CostLine, ...]
    ranges: tuple[CheapestRange, ...]
    break_evens: tuple[tuple[CostLine, BreakEven | None], ...]
    curves: tuple[Curve, ...]
    advice: tuple[ShapeAdvice, ...]
    reference: tuple[ReferenceCheck, ...]
    left_out: str = ""


def reckon(inputs: CostInputs, forms: Sequence[MeasuredForm]) -> Reckoned:
    """All that follows from `inputs`. Some tenths of a second. Raises RefusedFigure."""
    currency, traffic = check_currency(inputs.currency), inputs.traffic
    options: list[Option] = list(rented(inputs.rented))
    if inputs.api_prices is not None:
        options.append(prices().api(*inputs.api_prices))
    left_out = ""
    try:
        options.insert(0, own_machine(inputs.own, traffic, forms))
    except NotMeasured as error:
        left_out = error.message
    lines = compare(traffic, options, currency)
    shapes = example_traffics(traffic.prompt_tokens, traffic.output_tokens)
    shapes[inputs.shape] = traffic
    served = [line for line in lines if line.cost_per_month is not None]
    return Reckoned(
        inputs=inputs,
        lines=tuple(lines),
        ranges=cheapest_ranges(options, traffic),
        break_evens=tuple((line, break_even(served[0].option, line.option, traffic)) for line in served[1:]),
        curves=tuple(
            curve(
                options,
                traffic,
                max(FEWEST_REQUESTS, traffic.requests_per_day / CURVE_SPREAD),
                min(MOST_REQUESTS, traffic.requests_per_day * CURVE_SPREAD),
                CURVE_POINTS,
            )
        ),
        advice=tuple(recommend(options, shapes, currency)),
        reference=tuple(reference_check()),
        left_out=left_out,
    )


def rented(said: Sequence[RentedInputs]) -> tuple[HourlyMachine | Serverless, ...]:
    """The presets with what a person says of them. Raises RefusedFigure."""
    by_name = {it.name: it for it in said}
    made: list[HourlyMachine | Serverless] = []
    for option in prices().options:
        price, pace = option.price_per_hour, option.tokens_per_s
        if (mine := by_name.get(option.name)) is not None:
            price = price if mine.price_per_hour is None else mine.price_per_hour
            pace = pace if mine.tokens_per_s is None else mine.tokens_per_s
        if (price, pace) != (option.price_per_hour, option.tokens_per_s):
            option = replace(option, price_per_hour=price, tokens_per_s=pace, basis=_YOURS)
        made.append(option)
    return tuple(made)


def own_machine(said: OwnInputs, traffic: Traffic, forms: Sequence[MeasuredForm]) -> Option:
    """This machine. Raises NotMeasured for what has to be said first, and RefusedFigure."""
    if said.price_per_kwh is None:
        example = prices().example_price_per_kwh
        raise NotMeasured(
            f"This machine is left out until you say what a kWh costs you; {example:.2f} is an example."
        )
    wear = None
    if said.purchase_price is not None and said.lifetime_hours is not None:
        wear = Wear(said.purchase_price, said.lifetime_hours)
    figures = OwnFigures(
        price_per_kwh=said.price_per_kwh,
        tokens_per_s=said.tokens_per_s,
        load_watts=said.load_watts,
        idle_watts=said.idle_watts,
        idle_is_counted=said.idle_is_counted,
        hours_per_day=said.hours_per_day,
        wear=wear,
    )
    chosen = next((form for form in forms if form.name == said.form), None)
    try:
        return this_machine(chosen or proposed(forms, traffic), traffic, figures)
    except NotMeasured as error:
        raise NotMeasured(f"This machine is left out. {error.message}") from error
