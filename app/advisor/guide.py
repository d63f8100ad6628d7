"""The decision guide: from a few answers and this machine to a framework, a model and a precision, and why.

Pure: rules are data (`app.advisor.guide_rules`), what is known of the machine is given as `Evidence`. No
advice is given that the machine cannot follow: what an adapter says of its engine here (`fitness`) is a
condition, not a point. A measurement of this machine wins over the comparison.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.advisor.guide_answer import (
    Alternative,
    Asked,
    Certainty,
    Evidence,
    GuideAnswer,
    MatrixRow,
    Reason,
    Way,
)
from app.advisor.guide_measured import day, measured_words
from app.advisor.guide_pick import Argument, Pick, Weighed, options_of, pick
from app.advisor.guide_questions import (
    DEVICE,
    HARDWARE,
    NVIDIA,
    SERVER,
    hardware_of,
    machine_words,
    next_question,
    questions,
    settled,
)
from app.advisor.guide_rules import Answers, Layer, Rules, UseCase, holds
from app.advisor.guide_steps import steps_of
from app.domain.machine import Machine

__all__ = [
    "Asked", "Evidence", "GuideAnswer", "answer", "answers_of", "hardware_of", "machine_words", "matrix",
    "next_question", "questions", "settled",
]  # fmt: skip

MOST_CHANGES, MOST_ANSWERS = 6, 4
"""Sentences about what would change the answer, and how many of them are about other answers; more are not
read."""
CLOSE = 4
"""Points behind the one taken up to which another one is a runner-up and not rejected."""
MOST_RUNNERS_UP = 2
PROFILES = "Edgewise’s profiles of the engines"
FORECAST = "Edgewise’s forecast for this machine"
DISTURBED = "Other programs disturbed the test of this machine’s memory: it may be faster than was reckoned."
SPEED_TEST = "a speed test on this machine"


def answer(rules: Rules, machine: Machine, answers: Answers, evidence: Evidence) -> GuideAnswer:
    """What to take on `machine` with `answers`; what a person did not answer counts for nothing, or the
    machine answers it."""
    given = settled(rules, machine, answers)
    picked = pick(rules, given, evidence)
    taken = picked.taken
    layer = _layer(rules, taken.engine.id, given)
    certainty, certainty_words = _certainty(picked)
    way = taken.way or Way.HERE
    runners_up = _runners_up(rules, picked)
    return GuideAnswer(
        framework=taken.engine.id,
        name=taken.engine.name,
        way=way,
        headline=_headline(taken, way, layer),
        answers=given,
        because=_because(rules, picked, layer),
        runners_up=runners_up,
        instead_of=_instead_of(rules, picked, {it.id for it in runners_up}),
        certainty=certainty,
        certainty_words=certainty_words,
        contradictions=picked.contradictions,
        would_change=_would_change(rules, machine, given, evidence, picked),
        cautions=_cautions(rules, machine, picked, given),
        steps=steps_of(rules, taken, layer, evidence),
        reference=picked.reference.engine.id,
        model=taken.model,
        model_words=_model_words(taken, given),
        layer=layer,
    )


def answers_of(rules: Rules, machine: Machine, use_case: UseCase) -> dict[str, str]:
    """The answers that stand for a use case on `machine`."""
    return settled(rules, machine, use_case.answers)


def matrix(rules: Rules, machine: Machine, evidence: Evidence) -> tuple[MatrixRow, ...]:
    """The comparison's matrix, each row with this machine's verdict beside it."""
    return tuple(_row(rules, machine, use_case, evidence) for use_case in rules.use_cases)


def _row(rules: Rules, machine: Machine, use_case: UseCase, evidence: Evidence) -> MatrixRow:
    made = answer(rules, machine, use_case.answers, evidence)
    names = {it.id: it.name for it in evidence.engines} | {it.id: it.profile.name for it in rules.layers}
    here = [*([made.layer.id] if made.layer is not None else []), made.framework]
    engine = use_case.recommended[-1]
    agrees = made.framework == engine
    recommended = " + ".join(names[it] for it in use_case.recommended)
    taken = " + ".join(names[it] for it in here)
    where = {Way.EXPERIMENTAL: ", experimental", Way.ATTACHED: ", attached by its address"}.get(made.way, "")
    model = f", with {made.model.name} as {made.model.precision}" if made.model is not None else ""
    on_device = ", tried here first" if made.way is Way.DEVICE else ""
    if made.model is None:
        verdict = f"{taken}, once there is room: no model of the catalog fits in what is free."
    elif agrees:
        verdict = f"{taken}{where}{model}{on_device}."
    elif not any(it.id == engine and it.possible for it in (*made.runners_up, *made.instead_of)):
        wants = rules.frameworks[engine].wants
        verdict = f"{names[engine]} would be it on {wants}; here: {taken}{where}{model}."
        if evidence.engine(engine).fitness.can_run or hardware_of(machine) == NVIDIA:
            # It has what is wanted, or half of it: what is lacking is another thing.
            verdict = f"{names[engine]} cannot be followed here; instead: {taken}{where}{model}."
    elif any(it.id == engine and it.experimental for it in (*made.runners_up, *made.instead_of)):
        wants = rules.frameworks[engine].wants
        verdict = (
            f"{names[engine]} would be it on {wants}, and is experimental here; instead: {taken}{model}."
        )
    elif made.certainty is Certainty.MEASURED and made.contradictions:
        verdict = f"{names[engine]} by the comparison; measured here, {taken} is faster{where}{model}."
    else:
        verdict = f"{names[engine]} would be possible, too; better suited here: {taken}{where}{model}."
    return MatrixRow(use_case, recommended, rules.sources[use_case.source], made, agrees, verdict)


def _layer(rules: Rules, engine: str, given: Answers) -> Layer | None:
    wanted = (it for it in rules.layers if engine in it.on and any(holds(when, given) for when in it.when))
    return next(wanted, None)


def _headline(taken: Weighed, way: Way, layer: Layer | None) -> str:
    name = taken.engine.name
    if layer is not None:
        name = f"{layer.profile.name} with {name}"
    model = f" and {taken.model.name} as {taken.model.precision}" if taken.model is not None else ""
    if model and layer is None:
        model = model.replace(" and ", " with ", 1)
    return f"{name}{model}, {way.value}."


def _because(rules: Rules, picked: Pick, layer: Layer | None) -> tuple[Reason, ...]:
    taken = picked.taken
    reasons = []
    measured = picked.measured
    if measured is not None:
        reasons.append(Reason(measured_words(measured), SPEED_TEST, Certainty.MEASURED))
    for argument in _most(taken, for_it=True):
        reasons.append(Reason(argument.text, rules.sources[argument.source], Certainty.REFERENCE))
    if not reasons:
        reasons.append(_by_profile(taken))
    if layer is not None:
        reasons.append(Reason(layer.text, rules.sources[layer.source], Certainty.REFERENCE))
    if taken.way in (Way.HERE, Way.EXPERIMENTAL) and taken.engine.fitness.why:
        reasons.append(Reason(taken.engine.fitness.why, PROFILES, Certainty.REFERENCE))
    if taken.model is not None:
        reasons += [Reason(text, FORECAST, Certainty.FORECAST) for text in taken.model.because]
    return tuple(reasons)


def _by_profile(it: Weighed) -> Reason:
    text = f"{it.engine.name} is best for this: {_begun(it.engine.best_for)}."
    return Reason(text, PROFILES, Certainty.REFERENCE)


def _runners_up(rules: Rules, picked: Pick) -> tuple[Alternative, ...]:
    """Those that could be followed and have about as much for them."""
    near = [
        it
        for it in picked.possible
        if it is not picked.taken and it.points > 0 and it.points >= picked.taken.points - CLOSE
    ]
    made = []
    for it in near[:MOST_RUNNERS_UP]:
        for_it = _most(it, for_it=True)[:1]
        against = _most(it, for_it=False)[:1]
        # One that a measurement overtook has more for it: what was measured stands in the answer.
        texts = [argument.text for argument in (*for_it, *against)]
        sources = dict.fromkeys(rules.sources[argument.source] for argument in (*for_it, *against))
        words = (" ".join(texts), "; ".join(sources))
        made.append(Alternative(it.engine.id, it.engine.name, *words, True, it.is_experimental))
    return tuple(made)


def _instead_of(rules: Rules, picked: Pick, named: set[str]) -> tuple[Alternative, ...]:
    rest = [it for it in picked.ranked if it is not picked.taken and it.engine.id not in named]
    rest.sort(key=lambda it: it is not picked.reference)
    return tuple(_rejected(rules, it) for it in rest)


def _rejected(rules: Rules, it: Weighed) -> Alternative:
    engine = it.engine
    if it.way is None:
        return Alternative(engine.id, engine.name, it.why_not, PROFILES, False)
    against = _most(it, for_it=False)
    if against:
        why, source = against[0].text, rules.sources[against[0].source]
    else:
        why = f"Less speaks for {engine.name} here; it is best for other things: {_begun(engine.best_for)}."
        source = PROFILES
    return Alternative(engine.id, engine.name, why, source, True, it.is_experimental)


def _most(it: Weighed, *, for_it: bool) -> list[Argument]:
    """What counted for it, or against it, what counted most first."""
    found = [argument for argument in it.arguments if (argument.points > 0) == for_it]
    return sorted(found, key=lambda argument: -abs(argument.points))


def _certainty(picked: Pick) -> tuple[Certainty, str]:
    taken, measured = picked.taken, picked.measured
    if measured is not None:
        others = [rate.engine for rate in measured.rates if rate.engine_id != taken.engine.id]
        words = (
            f"Measured here: a speed test of {day(measured.best.at)} compares {taken.engine.name} with "
            f"{' and '.join(others)} on this machine."
        )
        return Certainty.MEASURED, words
    if taken.model is not None and taken.way is not Way.ATTACHED:
        words = "A forecast: the framework by the comparison, and memory was reckoned for this machine."
        if taken.way is Way.DEVICE:
            words = "A forecast: what it takes was reckoned, and how fast the device is nobody has told."
        elif taken.model.speed is not None:
            words = words.replace("and memory was", "memory and speed were")
        return Certainty.FORECAST, words
    return Certainty.REFERENCE, "By the comparison alone: nothing of it was measured here."


def _cautions(rules: Rules, machine: Machine, picked: Pick, given: Answers) -> tuple[Reason, ...]:
    """What speaks against the one taken, and notes that go with the answers."""
    said = [
        Reason(it.text, rules.sources[it.source], Certainty.REFERENCE)
        for it in _most(picked.taken, for_it=False)
    ]
    for option in options_of(rules, given):
        if option.note:
            note = rules.notes[option.note]
            said.append(Reason(note.text, rules.sources[note.source], Certainty.REFERENCE))
    model = picked.taken.model
    if model is not None and model.speed is not None and machine.bandwidth and machine.bandwidth.disturbed:
        said.append(Reason(DISTURBED, FORECAST, Certainty.FORECAST))
    return tuple(said)


def _model_words(taken: Weighed, given: Answers) -> str:
    if given.get(HARDWARE) == SERVER:
        return "Which model fits there depends on the server’s memory: attach it, and its models are listed."
    if taken.model is None:
        return (
            "No model of the catalog fits in the memory and on the disk that are free: close other programs "
            "or delete what you do not need, then ask again."
        )
    words = f"{taken.model.name} as {taken.model.precision}. {taken.model.verdict}."
    if given.get(HARDWARE) == DEVICE:
        words += " The same file runs on the device."
    return words


def _would_change(
    rules: Rules, machine: Machine, given: Answers, evidence: Evidence, picked: Pick
) -> tuple[str, ...]:
    """Each single answer that leads to another framework; what the machine lacks; what a speed test tells."""
    taken, reference = picked.taken, picked.reference
    said: list[str] = []
    if reference.way is None and given.get(HARDWARE) not in (SERVER, DEVICE):
        wants = rules.frameworks[reference.engine.id].wants
        if reference.engine.fitness.can_run:
            wants = "more free memory and disk"
        said.append(f"With {wants}: {reference.engine.name}.")
    possible = [it.engine.name for it in picked.possible if it.way in (Way.HERE, Way.EXPERIMENTAL)]
    speed_decides = any(it.speed_decides for it in options_of(rules, given))
    if speed_decides and picked.measured is None and taken.way in (Way.HERE, Way.EXPERIMENTAL):
        others = [name for name in possible if name != taken.engine.name]
        if others:
            said.append(f"If a speed test here showed that {_or(others)} is faster: that one.")
    said += _by_answers(rules, machine, given, evidence, taken)[:MOST_ANSWERS]
    if taken.model is not None:
        said += taken.model.would_change
    return tuple(dict.fromkeys(said))[:MOST_CHANGES]


def _by_answers(
    rules: Rules, machine: Machine, given: Answers, evidence: Evidence, taken: Weighed
) -> list[str]:
    """What one other answer would lead to; of those to a question the first that leads to each framework."""
    said: list[str] = []
    for asked in reversed(questions(rules, machine, given)):  # what a person changes lightest comes last
        found: dict[str, str] = {}
        for option in asked.options:
            if option.id != given.get(asked.question.id):
                changed = settled(rules, machine, {**given, asked.question.id: option.id})
                other = pick(rules, changed, evidence).taken.engine
                if other.id != taken.engine.id and other.id not in found:
                    found[other.id] = f"{option.change}: {other.name}."
        said += found.values()
    return said


def _or(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _begun(words: str) -> str:
    """A profile's words inside a sentence: without a capital, unless it is an abbreviation's or a name's."""
    return words if words[:2].isupper() or words.startswith("Linux") else words[0].lower() + words[1:]
