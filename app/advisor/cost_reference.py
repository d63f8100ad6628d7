"""The framework comparison's own figures of cost, reckoned anew from its inputs."""

from __future__ import annotations

from dataclasses import dataclass

from app.advisor.cost import full_load_cost_per_1000_tokens
from app.advisor.cost_words import figure, money, rate
from app.advisor.prices import Preset, Prices, prices

SIMILAR = 1.25
"""Costs that differ by a larger factor are not called similar."""


@dataclass(frozen=True, slots=True)
class ReferenceCheck:
    """One thing that the comparison states, what its own inputs give, and whether both agree.

    `stated` and `derived` are in words as they are shown; the costs are of 1,000 tokens, in dollars, None
    where it is not a figure that is stated. `explanation` is one or two sentences.
    """

    subject: str
    stated: str
    derived: str
    agrees: bool
    explanation: str
    source: str
    stated_cost: float | None = None
    derived_cost: float | None = None

    @property
    def factor(self) -> float | None:
        """How many times what is stated is what its inputs give."""
        if self.stated_cost is None or self.derived_cost is None:
            return None
        return self.stated_cost / self.derived_cost


def reference_check() -> list[ReferenceCheck]:
    """The comparison's costs of 1,000 tokens, a line each, then what it remarks on them.

    A figure agrees if what its inputs give is the same once rounded to as many places as it is stated with.
    """
    known = prices()
    return [*(_figure(preset, known.currency) for preset in known.presets), _remark(known)]


def _figure(preset: Preset, currency: str) -> ReferenceCheck:
    machine, stated = preset.machine, preset.stated_cost_per_1000_tokens
    derived = full_load_cost_per_1000_tokens(machine.price_per_hour, machine.tokens_per_s)
    places = len(stated.partition(".")[2])
    agrees = f"{derived:.{places}f}" == f"{float(stated):.{places}f}"
    inputs = (
        f"{money(machine.price_per_hour, currency)} an hour at {rate(machine.tokens_per_s)} is "
        f"{money(derived, currency)} for 1,000 tokens"
    )
    if agrees:
        explanation = f"{inputs}: right, rounded."
    else:
        off = max(float(stated) / derived, derived / float(stated))
        more = "too much" if float(stated) > derived else "too little"
        explanation = f"{inputs}, not {currency}{stated}: that is {figure(off)} times {more}."
    return ReferenceCheck(
        subject=machine.name,
        stated=f"{currency}{stated}",
        derived=money(derived, currency),
        agrees=agrees,
        explanation=explanation,
        source=preset.source,
        stated_cost=float(stated),
        derived_cost=derived,
    )


def _remark(known: Prices) -> ReferenceCheck:
    """“Similar cost but much lower throughput!”, said of the CPU beside the GPU."""
    by_id = {preset.id: preset.machine for preset in known.presets}
    one, other = by_id[known.remark.of], by_id[known.remark.beside]
    cost, others = (full_load_cost_per_1000_tokens(it.price_per_hour, it.tokens_per_s) for it in (one, other))
    dearer = cost / others
    slower = other.tokens_per_s / one.tokens_per_s
    is_similar = 1 / SIMILAR <= dearer <= SIMILAR
    return ReferenceCheck(
        subject=f"{one.name} beside {other.name}",
        stated=known.remark.text,
        derived=f"{figure(dearer)} times the cost, {figure(slower)} times slower",
        agrees=is_similar and slower > SIMILAR,
        explanation=(
            f"The {one.name} costs {money(cost, known.currency)} for 1,000 tokens, the {other.name} "
            f"{money(others, known.currency)}: {figure(dearer)} times as much, at a throughput "
            f"{figure(slower)} times lower. What is lower is the cost of an hour: "
            f"{money(one.price_per_hour, known.currency)} instead of "
            f"{money(other.price_per_hour, known.currency)}."
        ),
        source=known.remark.source,
    )
