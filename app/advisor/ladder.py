"""A model's quantizations on this machine, and which one to take."""

from __future__ import annotations

from collections.abc import Mapping

from app.advisor.advice import Candidate, Fit, Goal, Ladder, Level, Need, Rung, Subject, Verdict
from app.advisor.choice import Step, choose
from app.advisor.correction import Correction
from app.advisor.placement import (
    Placement,
    Room,
    free_gpu_memory,
    largest_fitting_context,
    missing_on_gpu,
    place,
    room_of,
)
from app.advisor.quality import rank, ranks
from app.advisor.words import because, runners_up, say_verdict, unused_gpus, would_change
from app.domain.machine import Machine
from app.domain.model_quality import VariantQuality
from app.domain.quantization import SOURCE, Quality, known
from app.models.footprint import DEFAULT_TRAINED_CONTEXT, SMALLEST_CONTEXT, RunOptions, active_bytes
from app.models.kv_cache import padded

__all__ = [
    "Candidate", "Fit", "Goal", "Ladder", "Level", "Need", "Rung", "Subject", "Verdict", "climb", "verdict",
]  # fmt: skip

SPOKEN_TOKENS = 512
"""What lies before the token by which quantizations are compared: a question and half its reply. With a long
context filled all would read about as much, and the larger ones would leave no room for that context."""
FILLED_SHARE = 0.5
"""Of the context that lies before the token whose speed is told: on average as much as whoever fills it has.

Load plans reckon with less, what lies before the replies that are then timed. Both are bytes read a second,
so that what those loads tell of the share that is reached holds here, too.
"""


def climb(
    subject: Subject,
    machine: Machine,
    goal: Goal,
    correction: Correction,
    measured: Mapping[str, VariantQuality] | None = None,
) -> Ladder:
    """The ladder of `subject` on `machine` as it is now.

    `measured`, by quantization, is what the model was measured to lose here: it is told in place of what was
    published.

    A rung is reckoned at the goal's context length, or at what the model was trained for if that is less.
    Recommended is the best known quality that fits there and reaches the target speed; if none does, the
    best of those whose quality is worth having that are about as fast as the fastest; never one that does
    not fit, so that it may be none.
    """
    room = room_of(machine)
    bandwidth = _bandwidth(machine)
    trained = _trained(subject)
    measured = measured or {}
    steps = [
        _step(it, trained, goal, room, bandwidth, correction, measured.get(it.quantization), order)
        for it, order in zip(subject.candidates, ranks(subject.candidates, measured), strict=True)
    ]
    steps.sort(key=lambda step: (step.rank, -step.active))
    choice = choose(steps, goal)
    return Ladder(
        name=subject.name,
        goal=goal,
        rungs=tuple(step.rung for step in steps),
        recommended=choice.step.rung if choice.step else None,
        because=because(choice, steps, goal, trained),
        runners_up=runners_up(choice, steps, goal),
        would_change=(*would_change(choice, steps, goal), *unused_gpus(machine)),
        available=machine.memory.available,
        gpu_available=free_gpu_memory(machine),
        bandwidth=bandwidth,
        quality_source=SOURCE,
    )


def verdict(ladder: Ladder) -> Verdict:
    """The ladder in one line, for a card."""
    return say_verdict(ladder)


def _step(
    candidate: Candidate,
    trained: int,
    goal: Goal,
    room: Room,
    bandwidth: float | None,
    correction: Correction,
    measured: VariantQuality | None,
    order: float,
) -> Step:
    """One candidate's rung. `trained` in tokens; `order` is its rank."""
    model, projector = candidate.model, candidate.projector_size
    context = padded(min(goal.context_length, trained))
    options = RunOptions(context, keys=goal.cache_type, values=goal.cache_type)
    placed = place(model, options, room, correction, projector)
    largest = largest_fitting_context(
        model, options, room, correction, projector=projector, at_most=padded(trained)
    )
    active = active_bytes(model, options, min(SPOKEN_TOKENS, context))
    read = active_bytes(model, options, round(FILLED_SHARE * context))
    # Another memory than the one that was measured: how fast a GPU's own is, nobody has told.
    timed = placed.gpu_layers == 0 or room.shared
    speed = correction.speed(bandwidth / read) if bandwidth and read and timed else None
    row = known(candidate.quantization)
    percent, divergence, quality = (
        row.perplexity_increase_percent if row else None,
        row.divergence if row else None,
        _quality(candidate),
    )
    if measured is not None and measured.divergence is not None:
        percent, divergence, quality = (
            measured.perplexity_increase_percent,
            measured.divergence.divergence.value,
            measured.quality,
        )
    rung = Rung(
        quantization=candidate.quantization,
        file_size=candidate.file_size,
        need=placed.need,
        fit=_fit(placed, largest, context),
        speed=speed,
        largest_context=largest,
        gpu_layers=placed.gpu_layers,
        quality=quality,
        perplexity_increase_percent=percent,
        divergence=divergence,
        exact=candidate.exact,
        variant=candidate.variant,
        path=candidate.path,
        missing=max(0, placed.missing),
        gpu_missing=max(0, missing_on_gpu(model, options, room, correction, projector)),
        measured=measured,
    )
    return Step(rung, order, active, context)


def _quality(candidate: Candidate) -> Quality | None:
    """As published; what a model was made in is the original, and is not measured against itself."""
    row = known(candidate.quantization)
    if row is not None and row.quality is None and (row.bits >= 16.0 or rank(candidate) == 0.0):
        return Quality.LOSSLESS
    return row.quality if row else None


def _fit(placed: Placement, largest: int, context: int) -> Fit:
    if not placed.fits:
        return Fit.SHORTER if largest >= min(SMALLEST_CONTEXT, context) else Fit.NO
    if placed.gpu_layers == 0:
        return Fit.MEMORY
    return Fit.GPU if placed.gpu_layers == placed.layers else Fit.SPLIT


def _trained(subject: Subject) -> int:
    """Tokens the model was trained for; what most were, where nobody says."""
    told = (
        subject.context_length,
        *(candidate.model.shape.context_trained for candidate in subject.candidates),
    )
    return next((length for length in told if length > 0), DEFAULT_TRAINED_CONTEXT)


def _bandwidth(machine: Machine) -> float | None:
    """Making a token reads memory; where only copying could be measured, that is a lower bound."""
    if machine.bandwidth is None:
        return None
    return float(machine.bandwidth.read or machine.bandwidth.copy)
