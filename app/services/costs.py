"""What this machine's tokens cost: its speed and energy from the speed tests that were made here, or a
person's own figures where nothing was measured. No Qt here: the command line uses it too.

The database is read: call from a worker thread.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from app.advisor.cost_options import OwnMachine, Wear
from app.advisor.cost_words import figure
from app.advisor.figure import RefusedFigure
from app.advisor.traffic import HOURS_PER_DAY, Traffic
from app.domain.errors import StorageError
from app.domain.speed_test import Case, CaseResult, Energy, SpeedTest
from app.domain.speed_test_history import MeasuredRate
from app.models.one_line import one_line
from app.storage.speed_tests import SpeedTests

MOST_NAME = 60
"""Characters of a model's or an engine's name, which strangers give."""
THIS_MACHINE = "This machine"
OTHER_MODELS = (
    "Tokens of different models are not alike: the speeds of the machines to rent are the framework "
    "comparison’s, the A100’s with Llama 2 7B."
)


class NotMeasured(RefusedFigure):
    """A figure of this machine that nobody measured, and that a person did not say either."""


@dataclass(frozen=True, slots=True)
class MeasuredPace:
    """One case of a speed test: `batch` requests at once, of so many tokens of prompt and reply each.

    `tokens_per_s` is the median of all replies together. Energy is that of `sources` alone; per token of
    reply, with what the idle machine takes (`joules_per_token`) and without (`net_joules_per_token`). None:
    not measured, or some rounds fell short, so that nobody knows how many tokens it was for.
    """

    test_id: int
    at: float
    """Seconds since the epoch."""
    prompt_tokens: int
    output_tokens: int
    depth: int
    batch: int
    tokens_per_s: float
    disturbed: bool
    load_watts: float | None = None
    idle_watts: float | None = None
    joules_per_token: float | None = None
    net_joules_per_token: float | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasuredForm:
    """A model in an engine as it was measured on this machine, the newest of each case."""

    engine_id: str
    engine: str
    model: str
    precision: str
    model_hash: str
    paces: tuple[MeasuredPace, ...]

    @property
    def name(self) -> str:
        """Such as "SmolLM2 135M Q4_1 in llama.cpp"."""
        model, precision, engine = (
            one_line(it, MOST_NAME) for it in (self.model, self.precision, self.engine)
        )
        named = model if precision.casefold() in model.casefold() else f"{model} {precision}"
        return f"{named} in {engine}"

    @property
    def at(self) -> float:
        """When its newest test began, in seconds since the epoch."""
        return max(pace.at for pace in self.paces)

    def nearest(self, traffic: Traffic) -> tuple[MeasuredPace, ...]:
        """The paces of the shape whose prompts, beside its replies, are the most like the traffic's."""
        shape = min(self.paces, key=lambda pace: _distance(pace, traffic))
        wanted = (shape.prompt_tokens, shape.output_tokens, shape.depth)
        return tuple(
            sorted(
                (it for it in self.paces if (it.prompt_tokens, it.output_tokens, it.depth) == wanted),
                key=lambda it: it.batch,
            )
        )


@dataclass(frozen=True, slots=True)
class OwnFigures:
    """What a person says of this machine. None: not said, then what was measured is taken.

    `idle_is_counted`, `hours_per_day` and `wear` are as `OwnMachine` has them. Raises `RefusedFigure`.
    """

    price_per_kwh: float
    tokens_per_s: float | None = None
    load_watts: float | None = None
    idle_watts: float | None = None
    idle_is_counted: bool = False
    hours_per_day: float = HOURS_PER_DAY
    wear: Wear | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, whether or not the rest is known."""
        OwnMachine(
            THIS_MACHINE,
            tokens_per_s=1.0 if self.tokens_per_s is None else self.tokens_per_s,
            load_watts=1.0 if self.load_watts is None else self.load_watts,
            price_per_kwh=self.price_per_kwh,
            idle_watts=self.idle_watts,
            hours_per_day=self.hours_per_day,
        )


def measured_forms(tests: SpeedTests) -> tuple[MeasuredForm, ...]:
    """Every model in every engine that was measured on this machine, the newest first.

    Servers on other computers are left out: their energy is not this machine's. A test whose record is
    damaged gives its speeds, not its energy. Raises StorageError where the database cannot be read.
    """
    grouped: dict[tuple[str, str, str, str], list[MeasuredRate]] = {}
    for rate in tests.rates():
        if not rate.remote and rate.output_rate:
            key = (rate.engine_id, rate.model, rate.precision, rate.model_hash)
            grouped.setdefault(key, []).append(rate)
    whole: dict[int, SpeedTest | None] = {}
    for rate in (it for rates in grouped.values() for it in rates):
        if rate.test_id not in whole:
            whole[rate.test_id] = None
            with suppress(StorageError):
                whole[rate.test_id] = tests.get(rate.test_id)
    forms = (
        MeasuredForm(
            engine_id,
            rates[0].engine,
            model,
            precision,
            model_hash,
            tuple(_pace(rate, whole[rate.test_id]) for rate in rates),
        )
        for (engine_id, model, precision, model_hash), rates in grouped.items()
    )
    return tuple(sorted(forms, key=lambda form: form.at, reverse=True))


def proposed(forms: Sequence[MeasuredForm], traffic: Traffic) -> MeasuredForm | None:
    """The fastest of the newest test, None where nothing was measured."""
    if not forms:
        return None
    newest = max(pace.test_id for form in forms for pace in form.paces)
    among = [form for form in forms if any(pace.test_id == newest for pace in form.paces)]
    return max(among, key=lambda form: _fastest(form.nearest(traffic)).tokens_per_s)


def this_machine(form: MeasuredForm | None, traffic: Traffic, figures: OwnFigures) -> OwnMachine:
    """This machine as an option: what a person says counts, then what was measured.

    Its `basis` says of each figure which of the two it is. Raises `NotMeasured` where neither is there.
    """
    paces = form.nearest(traffic) if form is not None else ()
    fastest = _fastest(paces) if paces else None
    basis = []
    if figures.tokens_per_s is not None:
        tokens_per_s, single = figures.tokens_per_s, None
        basis.append("Its speed is what you said, not measured; requests are taken one after another.")
    elif form is not None and fastest is not None:
        tokens_per_s, single = fastest.tokens_per_s, _alone(paces)
        basis.append(_measured_speed(form, fastest))
        basis.append(OTHER_MODELS)
        basis.extend(_unlike(fastest, traffic))
    else:
        raise NotMeasured(
            "How fast this machine is was not measured yet. Test it with “edgewise bench” or on the Speed "
            "test page, or say how many tokens a second it makes."
        )
    load_watts, idle_watts = figures.load_watts, figures.idle_watts
    if load_watts is not None:
        basis.append("Its power is what you said, not measured.")
    elif figures.tokens_per_s is None and (metered := _metered(paces, traffic)) is not None:
        load_watts = metered.load_watts or 0.0
        idle_watts = idle_watts if idle_watts is not None else metered.idle_watts
        basis.append(_measured_power(metered))
    else:
        raise NotMeasured(
            "How much power this machine takes was not measured: it lets Edgewise read no meter. Say how "
            "many watts it takes under load; a plug with a meter tells."
        )
    if figures.idle_is_counted and idle_watts is None:
        raise NotMeasured("How much power this machine takes when idle was not measured. Say how many watts.")
    return OwnMachine(
        THIS_MACHINE,
        tokens_per_s=tokens_per_s,
        load_watts=load_watts,
        price_per_kwh=figures.price_per_kwh,
        single_tokens_per_s=single,
        idle_watts=idle_watts,
        idle_is_counted=figures.idle_is_counted,
        hours_per_day=figures.hours_per_day,
        wear=figures.wear,
        basis=tuple(basis),
    )


def _pace(rate: MeasuredRate, test: SpeedTest | None) -> MeasuredPace:
    assert rate.output_rate is not None
    result = _result(rate, test)
    energy = result.watched.energy if result is not None else None
    tokens = _tokens(result)
    counts = energy is not None and energy.seconds > 0 and energy.joules > 0
    return MeasuredPace(
        test_id=rate.test_id,
        at=rate.at,
        prompt_tokens=rate.prompt_tokens,
        output_tokens=rate.output_tokens,
        depth=rate.depth,
        batch=rate.batch,
        tokens_per_s=rate.output_rate,
        disturbed=rate.disturbed,
        load_watts=energy.joules / energy.seconds if energy is not None and counts else None,
        idle_watts=energy.idle_watts if energy is not None and counts else None,
        joules_per_token=energy.joules / tokens if energy is not None and counts and tokens else None,
        net_joules_per_token=_net(energy, tokens) if counts else None,
        sources=energy.sources if energy is not None and counts else (),
    )


def _result(rate: MeasuredRate, test: SpeedTest | None) -> CaseResult | None:
    """The whole of what `rate` has the medians of."""
    for column in test.columns if test is not None else ():
        who = column.contender
        if (who.engine_id, who.model, who.precision, who.remote) != (
            rate.engine_id,
            rate.model,
            rate.precision,
            rate.remote,
        ) or column.facts.model_hash != rate.model_hash:
            continue
        for result in column.cases:
            if _is_of(result.case, rate):
                return result
    return None


def _is_of(case: Case, rate: MeasuredRate) -> bool:
    shape = case.shape
    return (shape.prompt_tokens, shape.output_tokens, shape.depth, case.batch) == (
        rate.prompt_tokens,
        rate.output_tokens,
        rate.depth,
        rate.batch,
    )


def _tokens(result: CaseResult | None) -> int | None:
    """Tokens of replies that were made while the energy was counted: those of all rounds that were measured.

    None where rounds fell short: they took energy, too, and how many tokens they made is not kept.
    """
    if result is None or result.short_rounds or result.completion_tokens is None:
        return None
    return result.rounds * result.case.batch * result.completion_tokens


def _net(energy: Energy | None, tokens: int | None) -> float | None:
    if energy is None or energy.net_joules is None or not tokens:
        return None
    return energy.net_joules / tokens


def _distance(pace: MeasuredPace, traffic: Traffic) -> float:
    """Between the ratios of prompt to reply, by their logarithms: twice as much is as far as half."""
    measured = max(1, pace.prompt_tokens + pace.depth) / max(1, pace.output_tokens)
    return abs(math.log(measured * traffic.output_tokens / traffic.prompt_tokens))


def _fastest(paces: Iterable[MeasuredPace]) -> MeasuredPace:
    return max(paces, key=lambda pace: pace.tokens_per_s)


def _metered(paces: Sequence[MeasuredPace], traffic: Traffic) -> MeasuredPace | None:
    """The pace whose power counts: alone, where replies one after another are enough for the busiest hour,
    else the fastest; None if none has its power measured."""
    metered = [pace for pace in paces if pace.load_watts is not None]
    if not metered:
        return None
    alone = next((pace for pace in metered if pace.batch == 1), None)
    if alone is not None and traffic.peak_tokens_per_s <= alone.tokens_per_s:
        return alone
    return _fastest(metered)


def _alone(paces: Sequence[MeasuredPace]) -> float | None:
    return next((pace.tokens_per_s for pace in paces if pace.batch == 1), None)


def _measured_speed(form: MeasuredForm, pace: MeasuredPace) -> str:
    doubt = ", while something disturbed it" if pace.disturbed else ""
    day = datetime.fromtimestamp(pace.at).strftime("%Y-%m-%d")
    return f"Speed measured here on {day}{doubt}: {form.name}, {_at_once(pace)}."


def _unlike(pace: MeasuredPace, traffic: Traffic) -> list[str]:
    """What is not like the traffic in the test that the speed is from."""
    read = pace.prompt_tokens + pace.depth
    if (read, pace.output_tokens) == (traffic.prompt_tokens, traffic.output_tokens):
        return []
    return [
        f"It was measured with prompts of {read:,} tokens and replies of {pace.output_tokens:,}; longer "
        "prompts take more time than is counted here."
    ]


def _measured_power(pace: MeasuredPace) -> str:
    watts = figure(pace.load_watts or 0.0)
    said = f"Power measured here with {_at_once(pace)}: {watts} W of {' and '.join(pace.sources)}"
    said += f", {figure(pace.idle_watts)} W of it when idle" if pace.idle_watts is not None else ""
    whole = pace.sources == ("battery",)
    return f"{said}." if whole else f"{said}; what else the machine takes was not counted."


def _at_once(pace: MeasuredPace) -> str:
    return "one request at a time" if pace.batch == 1 else f"{pace.batch:,} requests at once"
