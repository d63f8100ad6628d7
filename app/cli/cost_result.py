"""A comparison of costs for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from app.advisor.break_even import BreakEven, CheapestRange, break_even, cheapest_ranges
from app.advisor.cost import CostLine, compare
from app.advisor.cost_advice import ShapeAdvice
from app.advisor.cost_options import HourlyMachine, Option, Serverless
from app.advisor.cost_reference import ReferenceCheck, reference_check
from app.advisor.cost_words import count, in_sentence, money, percent, traffic_words
from app.advisor.prices import kind_of, prices
from app.advisor.traffic import Traffic
from app.cli.table import table
from app.services.costs import MeasuredForm

NOTHING = "–"
SHOWN_RANGES = 8
_HEADINGS = ("Option", "1,000 tokens", "A month", "Machines", "Used")
_REFERENCE = ("Machine", "Stated", "By its inputs", "")


@dataclass(frozen=True, slots=True)
class Result:
    """All that the command says. `left_out`: why this machine is not among the options, in a sentence."""

    traffic: Traffic
    lines: tuple[CostLine, ...]
    ranges: tuple[CheapestRange, ...]
    break_evens: tuple[tuple[Option, Option, BreakEven | None], ...]
    advice: tuple[ShapeAdvice, ...]
    reference: tuple[ReferenceCheck, ...]
    measured: tuple[MeasuredForm, ...]
    currency: str
    left_out: str = ""

    @classmethod
    def of(
        cls,
        traffic: Traffic,
        options: Sequence[Option],
        advice: Sequence[ShapeAdvice],
        *,
        currency: str,
        left_out: str,
        measured: Sequence[MeasuredForm],
    ) -> Result:
        """Reckon all of it."""
        lines = compare(traffic, options, currency)
        cheapest = lines[0].option
        return cls(
            traffic=traffic,
            lines=tuple(lines),
            ranges=cheapest_ranges(options, traffic),
            break_evens=tuple(
                (cheapest, line.option, break_even(cheapest, line.option, traffic)) for line in lines[1:]
            ),
            advice=tuple(advice),
            reference=tuple(reference_check()),
            measured=tuple(measured),
            currency=currency,
            left_out=left_out,
        )


def lines(result: Result) -> Iterator[str]:
    """For people."""
    currency = result.currency
    yield traffic_words(result.traffic)
    yield ""
    yield from table([_HEADINGS, *(_row(line, currency) for line in result.lines)], left=1)
    yield (
        "Tokens are those of replies. What their prompts cost is in it for an API, and for machines as far "
        "as their speed was measured with prompts."
    )
    yield from (f"{line.name} cannot serve this. {line.cannot}" for line in result.lines if line.cannot)
    if result.left_out:
        yield result.left_out
    if currency != prices().currency and any(map(_is_rented, result.lines)):
        yield f"The presets’ prices are in {prices().currency}: they were not converted to {currency}."
    yield ""
    yield "The cheapest by requests a day, with the same tokens and the same peak:"
    yield from table([_range_row(it) for it in result.ranges[:SHOWN_RANGES]], left=2)
    if len(result.ranges) > SHOWN_RANGES:
        yield f"  … and {len(result.ranges) - SHOWN_RANGES} more changes; --json has them all."
    yield ""
    yield from _break_evens(result)
    for advice in result.advice:
        yield ""
        yield advice.sentence
        yield f"  {traffic_words(advice.traffic)}"
        yield f"  {advice.comparison}"
        yield from (f"  {sentence}" for sentence in advice.would_change)
    yield ""
    yield f"The comparison’s own figures ({result.reference[0].source}), for 1,000 tokens:"
    figures = [check for check in result.reference if check.stated_cost is not None]
    yield from table([_REFERENCE, *map(_reference_row, figures)], left=1)
    for check in result.reference:
        if not check.agrees:
            quoted = f"“{check.stated}” " if check.stated_cost is None else ""
            yield f"{quoted}{check.explanation}"
    yield ""
    yield "What the costs rest on:"
    for line in result.lines:
        yield f"  {line.name}: {' '.join(line.assumptions)}"


def described(result: Result) -> dict[str, object]:
    """For programs: costs in the currency, shares from 0 to 1, rates in tokens a second; null: none."""
    traffic = result.traffic
    return {
        "currency": result.currency,
        "traffic": {
            **asdict(traffic),
            "peak_tokens_per_s": traffic.peak_tokens_per_s,
            "output_tokens_per_month": traffic.output_tokens_per_month,
            "prompt_tokens_per_month": traffic.prompt_tokens_per_month,
        },
        "options": [_described(line) for line in result.lines],
        "this_machine_left_out": result.left_out or None,
        "measured": [{**asdict(form), "name": form.name} for form in result.measured],
        "cheapest": [
            {
                "option": it.option.name if it.option is not None else None,
                "from_requests_per_day": it.from_requests_per_day,
                "to_requests_per_day": it.to_requests_per_day,
            }
            for it in result.ranges
        ],
        "break_evens": [
            {
                "one": one.name,
                "other": other.name,
                "requests_per_day": found.requests_per_day if found else None,
                "cheaper_below": found.cheaper_below.name if found else None,
                "cheaper_above": found.cheaper_above.name if found else None,
                "cost_per_month": found.cost_per_month if found else None,
            }
            for one, other, found in result.break_evens
        ],
        "recommendations": [
            {
                "shape": it.shape.value,
                "traffic": asdict(it.traffic),
                "option": it.best.name if it.best else None,
                "cost_per_month": it.best.cost_per_month if it.best else None,
                "cheapest_rented": it.rented.name if it.rented else None,
                "comparison_says": it.says.text,
                "agrees": it.agrees,
                "sentence": it.sentence,
                "comparison": it.comparison,
                "would_change": list(it.would_change),
            }
            for it in result.advice
        ],
        "reference": [{**asdict(it), "factor": it.factor} for it in result.reference],
    }


def _described(line: CostLine) -> dict[str, object]:
    return {
        "name": line.name,
        "kind": kind_of(line.option).value,
        "cost_per_month": line.cost_per_month,
        "cost_per_1000_tokens": line.cost_per_1000_tokens,
        "parts": {part.name: part.per_month for part in line.parts},
        "machines": line.machines,
        "paid_hours_per_month": line.paid_hours_per_month,
        "utilisation": line.utilisation,
        "cannot": line.cannot or None,
        "assumptions": list(line.assumptions),
    }


def _row(line: CostLine, currency: str) -> tuple[str, ...]:
    if line.cost_per_month is None or line.cost_per_1000_tokens is None:
        return (line.name, NOTHING, NOTHING, NOTHING, NOTHING)
    return (
        line.name,
        money(line.cost_per_1000_tokens, currency),
        money(line.cost_per_month, currency),
        NOTHING if line.machines is None else f"{line.machines:,}",
        NOTHING if line.utilisation is None else percent(line.utilisation),
    )


def _range_row(it: CheapestRange) -> tuple[str, str]:
    span = f"  {count(it.from_requests_per_day)} to {count(it.to_requests_per_day)}"
    return span, it.option.name if it.option is not None else "none of them can serve so many"


def _break_evens(result: Result) -> Iterator[str]:
    """Where the cheapest and another one change places; then those that it is always cheaper than."""
    served = {line.name for line in result.lines if line.cost_per_month is not None}
    never = []
    for _, other, found in result.break_evens:
        if found is not None:
            yield (
                f"{found.cheaper_below.name} is cheaper than {in_sentence(found.cheaper_above)} up to "
                f"{count(found.requests_per_day)} requests a day."
            )
        elif other.name in served:
            never.append(in_sentence(other))
    if never:
        named = " and ".join(filter(None, (", ".join(never[:-1]), never[-1])))
        yield f"{result.lines[0].name} is cheaper than {named} at every number of requests that it can serve."


def _reference_row(check: ReferenceCheck) -> tuple[str, ...]:
    return check.subject, check.stated, check.derived, "right, rounded" if check.agrees else "wrong"


def _is_rented(line: CostLine) -> bool:
    return isinstance(line.option, HourlyMachine | Serverless)
