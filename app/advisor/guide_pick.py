"""Weighs the frameworks by the rules, and picks one that this machine can follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.advisor.advice import Goal
from app.advisor.guide_answer import Contradiction, EngineHere, Evidence, ModelSuggestion, Way, Wish
from app.advisor.guide_measured import (
    Measured,
    beats,
    compare,
    first_token_contradiction,
    overrules,
    rate_contradiction,
)
from app.advisor.guide_questions import DEVICE, HARDWARE, SERVER
from app.advisor.guide_rules import Answers, Option, Rules, holds
from app.domain.size_words import size

DISK_RESERVE = 1_000_000_000
"""Bytes that an installation leaves free, as `app.engines.environment` does."""
WITHOUT_MODEL = "llama_cpp"
"""Taken where no model of the catalog fits in any engine: it takes the least memory."""


@dataclass(frozen=True, slots=True)
class Argument:
    """A sentence that counted for or against a framework. `source` is an id."""

    points: int
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Weighed:
    """One engine with all that counted. `way` is None where it cannot be followed; `why_not` says why."""

    engine: EngineHere
    arguments: tuple[Argument, ...]
    way: Way | None
    why_not: str = ""
    model: ModelSuggestion | None = None

    @property
    def points(self) -> int:
        """All that is for it less what is against it."""
        return sum(argument.points for argument in self.arguments)

    @property
    def is_experimental(self) -> bool:
        """Its makers promise little for such a machine. What we never tried is another thing."""
        return self.way is Way.EXPERIMENTAL and not self.engine.untried


@dataclass(frozen=True, slots=True)
class Pick:
    """Who was taken of `ranked`, which come with the most points first.

    `reference` would be taken if every machine could run all of them. `measured` is the comparison on this
    machine that was looked at, None where speed does not decide or none was measured.
    """

    taken: Weighed
    ranked: tuple[Weighed, ...]
    reference: Weighed
    measured: Measured | None = None
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def possible(self) -> tuple[Weighed, ...]:
        """Those that can be followed."""
        return tuple(it for it in self.ranked if it.way is not None)


@dataclass(slots=True)
class _Said:
    arguments: list[Argument] = field(default_factory=list)
    overruled: list[Contradiction] = field(default_factory=list)


def options_of(rules: Rules, given: Answers) -> list[Option]:
    """The options that were taken, in the questions' order."""
    taken = [question.option(given.get(question.id)) for question in rules.questions]
    return [option for option in taken if option is not None]


def pick(rules: Rules, given: Answers, evidence: Evidence) -> Pick:
    """The framework to take with the answers `given`, which are settled (`app.advisor.guide_questions`).

    The one with the most points that can be followed; of equals the first. What is experimental here comes
    after all others, whatever its points. Where speed decides and a speed test of this machine says beyond
    its spreads that another one is faster, that one.
    """
    options = options_of(rules, given)
    said: dict[str, _Said] = {}
    weighed = [_weigh(rules, engine, options, given, evidence, said) for engine in evidence.engines]
    ranked = tuple(sorted(weighed, key=lambda it: -it.points))  # sorted() keeps the order of equals
    possible = sorted((it for it in ranked if it.way is not None), key=lambda it: it.is_experimental)
    taken = possible[0] if possible else next(it for it in ranked if it.engine.id == WITHOUT_MODEL)
    reference = _reference(ranked, options, rules, given)
    measured, faster = _by_speed(taken, possible, options, evidence)
    contradictions: list[Contradiction] = []
    if measured is not None and faster is not None:
        expected = measured.of(taken.engine.id)
        assert expected is not None
        source = next(it.source for it in options if it.speed_decides)
        contradictions.append(rate_contradiction(measured, expected, evidence, rules.sources[source]))
        taken = faster
    for it in ranked:
        contradictions += said[it.engine.id].overruled
    return Pick(taken, ranked, reference, measured, tuple(contradictions))


def wish_of(options: Sequence[Option]) -> Wish:
    """What the model has to do for the options that were taken."""
    speed = next((it.target_speed for it in options if it.target_speed is not None), Goal().target_speed)
    return Wish(Goal(target_speed=speed), small=any(it.id == DEVICE for it in options))


def _weigh(
    rules: Rules,
    engine: EngineHere,
    options: Sequence[Option],
    given: Answers,
    evidence: Evidence,
    said: dict[str, _Said],
) -> Weighed:
    place = given.get(HARDWARE, "")
    model = None if place == SERVER else evidence.suggest(engine.id, wish_of(options))
    here = said[engine.id] = _Said()
    for option in options:
        for say in option.says:
            if say.framework != engine.id or not holds(say.when, given):
                continue
            if found := overrules(say, model, evidence):
                source = rules.sources[say.source]
                here.overruled.append(first_token_contradiction(*found, evidence, source))
            else:
                here.arguments.append(Argument(say.points, say.text, say.source))
    way, why_not = _way(engine, options, place, model)
    if place not in (SERVER, DEVICE):
        for id_ in _traits(engine):
            trait = rules.traits[id_]
            here.arguments.append(Argument(trait.points, trait.text.format(name=engine.name), trait.source))
    return Weighed(engine, tuple(here.arguments), way, why_not, model)


def _traits(engine: EngineHere) -> list[str]:
    """Of what counts wherever an engine is to run here, what is so. One that cannot run has none."""
    if not engine.fitness.can_run:
        return []
    of = {
        "bundled": engine.bundled,
        # What was never tried is called experimental by its adapter, too: it counts once.
        "experimental": engine.fitness.experimental and not engine.untried,
        "untried": engine.untried,
        "by_hand": bool(engine.why_not_installable) and not engine.installed,
    }
    return [id_ for id_, is_so in of.items() if is_so]


def _way(
    engine: EngineHere, options: Sequence[Option], place: str, model: ModelSuggestion | None
) -> tuple[Way | None, str]:
    """How it is followed, or None and why it cannot be."""
    for option in options:
        if option.only and engine.id not in option.only:
            return None, option.only_why.format(name=engine.name)
    if place == SERVER:
        return Way.ATTACHED, ""
    fitness = engine.fitness
    if not fitness.can_run:
        return None, fitness.why
    if model is None:
        room = "the memory and the disk that are free"
        return None, f"No model of the catalog fits in {engine.name} here with {room}."
    if place == DEVICE:
        return Way.DEVICE, ""
    if not engine.installed and engine.why_not_installable:
        return Way.ATTACHED, ""
    if not engine.installed and engine.on_disk is not None and engine.disk_free is not None:
        needed = engine.on_disk + DISK_RESERVE
        if needed > engine.disk_free:
            free = size(engine.disk_free)
            return None, f"Installing {engine.name} takes {size(needed)} of disk, and {free} are free."
    return (Way.EXPERIMENTAL if fitness.experimental else Way.HERE), ""


def _reference(ranked: Sequence[Weighed], options: Sequence[Option], rules: Rules, given: Answers) -> Weighed:
    """Who has the most points if neither what this machine has nor what it lacks counts."""
    allowed = next((it.only for it in options if it.only), ())
    elsewhere = [it for it in options if it not in rules.question(HARDWARE).options]

    def wanted(it: Weighed) -> int:
        return sum(
            say.points
            for option in elsewhere
            for say in option.says
            if say.framework == it.engine.id
            and holds({k: v for k, v in say.when.items() if k != HARDWARE}, given)
        )

    return max((it for it in ranked if not allowed or it.engine.id in allowed), key=wanted)


def _by_speed(
    taken: Weighed, possible: Sequence[Weighed], options: Sequence[Option], evidence: Evidence
) -> tuple[Measured | None, Weighed | None]:
    """The measurement that tells of the one taken, and who is faster beyond the spreads, if anybody."""
    batch = next((it.batch for it in options if it.batch is not None), 1)
    ways = {it.engine.id: it for it in possible if it.way in (Way.HERE, Way.EXPERIMENTAL)}
    if taken.engine.id not in ways or not any(it.speed_decides for it in options):
        return None, None
    measured = compare(evidence.rates, ways, batch)
    own = measured.of(taken.engine.id) if measured is not None else None
    if measured is None or own is None:
        return None, None
    if measured.best is not own and beats(measured.best, own):
        return measured, ways[measured.best.engine_id]
    return measured, None
