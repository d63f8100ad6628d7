"""Which option for high, low and bursty traffic: derived from what they cost, beside what the framework
comparison says, and whether both agree.

The comparison chooses among hourly CPUs, hourly GPUs and serverless GPUs alone, so that it is held against
the cheapest of those: what a person's own machine or an API costs it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from app.advisor.break_even import cheapest_ranges
from app.advisor.cost import CostLine, compare
from app.advisor.cost_options import Option, Serverless
from app.advisor.cost_words import count, in_sentence, money
from app.advisor.prices import Kind, Recommendation, kind_of, prices
from app.advisor.traffic import EXAMPLES, Traffic, TrafficShape

COMPARED = (Kind.CPU, Kind.GPU, Kind.SERVERLESS)
"""What the comparison chooses among."""
IMPLAUSIBLE = 20
"""A price that would have to fall by such a factor is not spoken of."""


@dataclass(frozen=True, slots=True)
class ShapeAdvice:
    """What is the cheapest for one shape of traffic.

    `best` is None where nothing serves it, `rented` is the cheapest of what the comparison chooses among, and
    None without any. `agrees` holds `rented` against the comparison's choice; None where there is nothing to
    hold, since an option of that kind is not given or has no rival. All texts are sentences.
    """

    shape: TrafficShape
    traffic: Traffic
    best: CostLine | None
    rented: CostLine | None
    says: Recommendation
    agrees: bool | None
    sentence: str
    comparison: str
    would_change: tuple[str, ...]


def example_traffics(prompt_tokens: int, output_tokens: int) -> dict[TrafficShape, Traffic]:
    """The three shapes with a person's own lengths of prompt and reply. Raises `RefusedFigure`."""
    return {
        shape: replace(traffic, prompt_tokens=prompt_tokens, output_tokens=output_tokens)
        for shape, traffic in EXAMPLES.items()
    }


def recommend(
    options: Sequence[Option],
    traffics: Mapping[TrafficShape, Traffic] = EXAMPLES,
    currency: str = "$",
) -> list[ShapeAdvice]:
    """The advice for each shape that `traffics` has, in the comparison's order."""
    return [
        _advice(options, says, traffics[says.shape], currency)
        for says in prices().recommendations
        if says.shape in traffics
    ]


def _advice(options: Sequence[Option], says: Recommendation, traffic: Traffic, currency: str) -> ShapeAdvice:
    served = [line for line in compare(traffic, options, currency) if line.cost_per_month is not None]
    best = served[0] if served else None
    rented = next((line for line in served if kind_of(line.option) in COMPARED), None)
    agrees = None
    kinds = {kind_of(option) for option in options}
    if rented is not None and says.kind in kinds and len(kinds & set(COMPARED)) > 1:
        agrees = kind_of(rented.option) is says.kind
    return ShapeAdvice(
        shape=says.shape,
        traffic=traffic,
        best=best,
        rented=rented,
        says=says,
        agrees=agrees,
        sentence=_sentence(says.shape, served, currency),
        comparison=_comparison(says, best, rented, agrees, currency),
        would_change=_would_change(options, served, traffic, currency),
    )


def _sentence(shape: TrafficShape, served: Sequence[CostLine], currency: str) -> str:
    named = f"{shape.value.capitalize()} traffic"
    if not served:
        return f"{named}: none of these can serve it."
    best = served[0]
    said = f"{named}: {in_sentence(best.option)}, {_month(best, currency)}"
    if best.machines is not None and best.machines > 1:
        said += f" for {best.machines:,} of them"
    if len(served) > 1:
        said += f"; next is {in_sentence(served[1].option)} with {_month(served[1], currency)}"
    return f"{said}."


def _comparison(
    says: Recommendation,
    best: CostLine | None,
    rented: CostLine | None,
    agrees: bool | None,
    currency: str,
) -> str:
    said = f"The comparison says: {says.text}."
    if agrees is None or rented is None:
        return f"{said} That cannot be held against these options."
    if best is rented:
        verdict = "So do these figures." if agrees else "These figures say otherwise."
    elif agrees:
        verdict = f"Of what is rented that is the cheapest, {rented.name} with {_month(rented, currency)}."
    else:
        verdict = f"Of what is rented {rented.name} is the cheapest, with {_month(rented, currency)}."
    return f"{said} {verdict}"


def _would_change(
    options: Sequence[Option], served: Sequence[CostLine], traffic: Traffic, currency: str
) -> tuple[str, ...]:
    """Requests a day from which on another one is the cheapest, and the same for a serverless GPU's price."""
    if not served:
        return ()
    said: list[str] = []
    ranges = cheapest_ranges(options, traffic)
    inside = traffic.requests_per_day
    for before, after in pairwise(ranges):
        at = count(after.from_requests_per_day)
        if before.from_requests_per_day <= inside <= before.to_requests_per_day:
            name = in_sentence(after.option) if after.option is not None else "none of these"
            said.append(f"From {at} requests a day on: {name}.")
        elif after.from_requests_per_day <= inside <= after.to_requests_per_day and before.option is not None:
            said.append(f"Below {at} requests a day: {in_sentence(before.option)}.")
    return (*said, *_serverless_price(served, currency))


def _serverless_price(served: Sequence[CostLine], currency: str) -> list[str]:
    """The price of an hour at which a serverless GPU would gain or lose the first place.

    Its cost is proportional to that price, which of all prices differs the most between those who offer it.
    """
    mine = next((line for line in served if isinstance(line.option, Serverless)), None)
    rival = next((line for line in served if line is not mine), None)
    if mine is None or rival is None or not mine.cost_per_month or not rival.cost_per_month:
        return []
    assert isinstance(mine.option, Serverless)
    now = mine.option.price_per_hour
    price = now * rival.cost_per_month / mine.cost_per_month
    if price >= now:
        return [
            f"{mine.name} stays the cheapest up to {money(price, currency)} an hour; beyond it is "
            f"{in_sentence(rival.option)}."
        ]
    if price * IMPLAUSIBLE < now:
        return []
    return [
        f"{mine.name} would be the cheapest below {money(price, currency)} an hour, instead of "
        f"{money(now, currency)}."
    ]


def _month(line: CostLine, currency: str) -> str:
    return f"{money(line.cost_per_month or 0.0, currency)} a month"
