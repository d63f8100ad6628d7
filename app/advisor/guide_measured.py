"""What this machine's speed tests say to the comparison's claims. Figures are tokens a second and seconds."""

from __future__ import annotations

import datetime
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.advisor.guide_answer import Contradiction, Evidence, ModelSuggestion
from app.advisor.guide_rules import Say
from app.domain.speed_test_history import MeasuredRate


@dataclass(frozen=True, slots=True)
class Measured:
    """Engines that were measured with the same model in the same case, the fastest first.

    `alike`: at the same precision, too.
    """

    rates: tuple[MeasuredRate, ...]
    alike: bool

    @property
    def best(self) -> MeasuredRate:
        """The fastest."""
        return self.rates[0]

    def of(self, engine: str) -> MeasuredRate | None:
        """The rate of one engine."""
        return next((rate for rate in self.rates if rate.engine_id == engine), None)


def compare(rates: Sequence[MeasuredRate], engines: Collection[str], batch: int) -> Measured | None:
    """The comparison of at least two of `engines` that tells most of `batch` requests at once.

    The same model in the same case: that with the nearest batch, then the newest. One request at a time says
    nothing of several, nor these of it. None where there is none.
    """
    cases: dict[tuple[object, ...], list[MeasuredRate]] = defaultdict(list)
    for rate in rates:
        known = None not in (rate.output_rate, rate.output_low, rate.output_high)
        if known and not rate.remote and rate.engine_id in engines and (rate.batch == 1) == (batch == 1):
            key = (rate.family, rate.prompt_tokens, rate.output_tokens, rate.depth, rate.batch)
            cases[key].append(rate)
    found = [case for case in cases.values() if len({rate.engine_id for rate in case}) > 1]
    if not found:
        return None
    # The older of a case's two engines says how old the comparison is.
    nearest = min(found, key=lambda case: (abs(math.log(case[0].batch / batch)), -_newest_pair(case)))
    return _of_case(nearest)


def beats(one: MeasuredRate, other: MeasuredRate) -> bool:
    """Whether `one` is faster beyond the spreads of both (5th to 95th percentile)."""
    return (one.output_low or 0.0) > (other.output_high or math.inf)


def measured_words(measured: Measured) -> str:
    """What was measured, in a sentence: "…, llama.cpp made 151 tok/s and vLLM 187 tok/s with 8 at once."."""
    rates = measured.rates
    each = [f"{rates[0].engine} made {rate_words(rates[0])}"]
    each += [f"{rate.engine} {rate_words(rate)}" for rate in rates[1:]]
    case = f"{at_once(rates[0].batch)} ({rates[0].family})"
    return f"Measured here on {day(rates[0].at)}, {_listed(each)} {case}.{_doubts(measured)}"


def rate_contradiction(
    measured: Measured, expected: MeasuredRate, evidence: Evidence, source: str
) -> Contradiction:
    """That `expected`, the comparison's choice, was beaten here by the best of `measured`."""
    best = measured.best
    told, figure = _reference_rates(expected, best, evidence)
    text = (
        f"By the comparison {expected.engine} would be the choice{told}. Measured here on {day(best.at)}, "
        f"{best.engine} made {rate_words(best)} and {expected.engine} {rate_words(expected)} "
        f"{at_once(best.batch)} ({best.family}): the measurement counts.{_doubts(measured)}"
    )
    against = f"{rate_words(best)} against {rate_words(expected)}"
    return Contradiction(text, source, figure or expected.engine, against)


def overrules(
    say: Say, suggestion: ModelSuggestion | None, evidence: Evidence
) -> tuple[MeasuredRate, float] | None:
    """The measurement, and its seconds to the first token, that speaks against what `say` claims.

    A smaller model than the one that would be taken begins sooner, and proves nothing of that; None then, and
    where nothing was measured.
    """
    if say.ttft_s is None or suggestion is None:
        return None
    for rate in evidence.rates:
        alone = rate.batch == 1 and rate.depth == 0 and not rate.remote
        large_enough = evidence.parameters.get(rate.family, 0) >= suggestion.parameters
        if rate.engine_id == say.framework and alone and rate.ttft_s is not None and large_enough:
            quick = rate.ttft_s <= say.ttft_s
            return (rate, rate.ttft_s) if quick == (say.points < 0) else None
    return None


def first_token_contradiction(
    rate: MeasuredRate, ttft_s: float, evidence: Evidence, source: str
) -> Contradiction:
    """That an engine began at another time than the comparison has it."""
    told = evidence.reference.first_token_s.get(rate.engine_id)
    reference = f"{told:g} s" if told is not None else "no figure"
    text = (
        f"The comparison has {rate.engine} begin after {reference}. Measured here on {day(rate.at)} with "
        f"{rate.family}, it began after {ttft_s:.2g} s: the measurement counts."
    )
    return Contradiction(text, source, reference, f"{ttft_s:.2g} s")


def rate_words(rate: MeasuredRate) -> str:
    """Such as "151 tok/s", of all requests together."""
    speed = rate.output_rate or 0.0
    return f"{speed:,.0f} tok/s" if speed >= 9.95 else f"{speed:.1f} tok/s"


def day(at: float) -> str:
    """The date, ISO 8601, of a time in seconds since the epoch."""
    return datetime.datetime.fromtimestamp(at).date().isoformat()


def at_once(batch: int) -> str:
    """ "with 8 at once"."""
    return "for one at a time" if batch == 1 else f"with {batch} at once"


def _of_case(case: Sequence[MeasuredRate]) -> Measured:
    """One rate for each engine: at the precision that most of them share, else the newest."""
    counts = Counter(precision for _, precision in {(rate.engine_id, rate.precision) for rate in case})
    precision, shared = max(counts.items(), key=lambda it: (it[1], it[0]))
    among = [rate for rate in case if shared < 2 or rate.precision == precision]
    newest: dict[str, MeasuredRate] = {}
    for rate in sorted(among, key=lambda it: it.at):
        newest[rate.engine_id] = rate
    ranked = sorted(newest.values(), key=lambda it: -(it.output_rate or 0.0))
    return Measured(tuple(ranked), alike=shared > 1)


def _newest_pair(case: Sequence[MeasuredRate]) -> float:
    newest: dict[str, float] = {}
    for rate in case:
        newest[rate.engine_id] = max(rate.at, newest.get(rate.engine_id, 0.0))
    return sorted(newest.values())[-2]


def _reference_rates(expected: MeasuredRate, best: MeasuredRate, evidence: Evidence) -> tuple[str, str]:
    """The comparison's own figures, in brackets for a sentence and alone; empty where it has none."""
    own = evidence.reference.rates.get(expected.engine_id, {})
    if not own:
        return "", ""
    batch = min(own, key=lambda it: abs(math.log(it / best.batch)))
    other = evidence.reference.rates.get(best.engine_id, {}).get(batch)
    figure = f"{own[batch]:,.0f} tok/s" + (f" against {other:,.0f} tok/s" if other is not None else "")
    return f" ({figure} {at_once(batch)}, {evidence.reference.source})", figure


def _doubts(measured: Measured) -> str:
    said = ""
    if not measured.alike:
        each = [f"{it.engine} at {it.precision or 'a precision it does not tell'}" for it in measured.rates]
        said += f" Not like for like: {_listed(each)}."
    if any(rate.disturbed for rate in measured.rates):
        said += " The machine was busy with other things meanwhile."
    return said


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
