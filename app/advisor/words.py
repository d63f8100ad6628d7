"""What is said of a ladder, in plain sentences. GB are 10^9 bytes, rounded so that what is said holds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.advisor.advice import READABLE_SPEED, Fit, Goal, Ladder, Level, Rung, Verdict
from app.advisor.choice import WORTH_HAVING, Choice, Step, Why, is_quick
from app.domain.machine import Machine
from app.domain.quantization import Quality

MOST_RUNNERS_UP = 2
_WEAK = (Quality.NOTICEABLE, Quality.POOR)


def because(choice: Choice, steps: Sequence[Step], goal: Goal, trained: int) -> str:
    """Why this one. `trained` in tokens."""
    sentence = _because(choice, steps, goal)
    if goal.context_length > trained and steps:
        sentence += f" The model was trained for {trained:,} tokens of context; more would not help it."
    return sentence


def runners_up(choice: Choice, steps: Sequence[Step], goal: Goal) -> tuple[str, ...]:
    """What speaks for, and against, the ones beside it that fit, too: the better one and the smaller one."""
    if choice.step is None:
        return ()
    at = steps.index(choice.step)
    better = [step for step in reversed(steps[:at]) if step.rung.fits]
    worse = [step for step in steps[at + 1 :] if step.rung.fits and step.active < choice.step.active]
    said = []
    if better:
        said.append(_better(better[0], choice.step, goal))
    if worse:
        said.append(_worse(worse[0]))
    return tuple(said[:MOST_RUNNERS_UP])


def would_change(choice: Choice, steps: Sequence[Step], goal: Goal) -> tuple[str, ...]:
    """What a person, or the machine, could change to get another recommendation, and which."""
    if choice.shorter is not None:
        shorter = choice.shorter.rung
        less = f"With {shorter.largest_context:,} tokens of context: {_named(shorter)}."
        return (less, *_more_memory(steps))
    if choice.step is None:
        return _more_memory(steps)
    better = [step.rung for step in steps[: steps.index(choice.step)] if not step.is_original_size]
    said = _lower_goal(choice, better)
    if choice.step.rank > WORTH_HAVING and choice.why in (Why.SLOW, Why.NOT_MEASURED):
        said += _more_memory(steps[: steps.index(choice.step)])  # it was taken since nothing better fits
    said += _room_for_better([rung for rung in better if not rung.fits and is_quick(rung, goal)])
    # Where none is all on the GPU, any of good quality that were would be better; else only a better one.
    wanted = [step.rung for step in steps if step.rank <= WORTH_HAVING and not step.is_original_size]
    if choice.step.rung.fit is not Fit.SPLIT:
        wanted = [rung for rung in wanted if rung in better]
    said += _more_gpu_memory([rung for rung in wanted if rung.gpu_missing and not is_quick(rung, goal)])
    return tuple(said)


def unused_gpus(machine: Machine) -> tuple[str, ...]:
    """Of GPUs that are there and that the engine does not use."""
    said = (
        f"With a llama.cpp built for the {gpu.name}, its {gigabytes(gpu.memory_total)} would count, too:"
        " see the Engines page."
        for gpu in machine.gpus
        if gpu.device is None and not gpu.unified_memory and gpu.memory_total
    )
    return tuple(dict.fromkeys(said))


def say_verdict(ladder: Ladder) -> Verdict:
    """The ladder in one line, for a card."""
    rung = ladder.recommended
    if rung is not None:
        return _verdict_of(rung, ladder)
    shorter = [it for it in ladder.rungs if it.fit is Fit.SHORTER]
    if shorter:
        worthy = [it for it in shorter if it.divergence is not None and it.divergence <= WORTH_HAVING]
        rung = max(worthy, key=lambda it: it.largest_context) if worthy else shorter[0]
        weak = f"only as {_named(rung)}, {_quality(rung)}; " if rung.quality in _WEAK else ""
        words = f"Tight: {weak}shorter context, {rung.largest_context:,} tokens at most"
        return Verdict(Level.TIGHT, words, rung, rung.speed)
    if not ladder.rungs:
        return Verdict(Level.TOO_BIG, "Not known: there is no GGUF file of it", None, None)
    rung = min(ladder.rungs, key=lambda it: it.missing)
    return Verdict(Level.TOO_BIG, f"Too big: needs {more_gigabytes(rung.missing)} more", rung, None)


def gigabytes(size: int) -> str:
    """Such as "15.6 GB"."""
    return f"{size / 1e9:.1f} GB"


def more_gigabytes(size: int) -> str:
    """Rounded up, so that as much is enough."""
    return f"{math.ceil(size / 1e8) / 10:.1f} GB"


def speed_words(speed: float) -> str:
    """Such as "about 24 tok/s"."""
    return f"about {speed:.0f} tok/s" if speed >= 9.95 else f"about {speed:.1f} tok/s"


def goal_words(speed: float) -> str:
    """Rounded down, so that it is reached: "10 tok/s"."""
    return f"{math.floor(speed)} tok/s" if speed >= 2 else f"{math.floor(speed * 10) / 10:.1f} tok/s"


def _target(goal: Goal) -> str:
    """The speed that is wanted: a person's own, or the one to begin with."""
    whose = "the" if goal.target_speed == Goal().target_speed else "your"
    return f"{whose} goal of {goal.target_speed:g} tok/s"


def _because(choice: Choice, steps: Sequence[Step], goal: Goal) -> str:
    if not steps:
        return "There is no GGUF file of it to choose."
    if choice.why is Why.NOTHING:
        rung = min((step.rung for step in steps), key=lambda it: it.missing)
        smallest = "It" if len(steps) == 1 else f"None fits: the least, {_named(rung)},"
        return f"{smallest} needs {more_gigabytes(rung.missing)} more free memory than there is."
    if choice.shorter is not None:
        rung = choice.shorter.rung
        return (
            f"None fits with {choice.shorter.context:,} tokens of context; {_named(rung)} does with up to "
            f"{rung.largest_context:,}."
        )
    assert choice.step is not None
    return _because_of(choice.step, choice.why, steps, goal)


def _because_of(step: Step, why: Why, steps: Sequence[Step], goal: Goal) -> str:
    rung, name = step.rung, _named(step.rung)
    target = _target(goal)
    better = [it for it in steps[: steps.index(step)] if not it.is_original_size]
    if why is Why.REACHES:
        made = speed_words(rung.speed or 0.0)
        if len(steps) == 1:
            return f"{name} fits and makes {made}, more than {target}."
        if any(it.rung.fits and not is_quick(it.rung, goal) for it in better):
            return f"{name}, because it is the best quality that reaches {target}."
        if better:
            return f"{name}, because it is the best quality that fits, at {made}."
        return f"{name}, because more bits would not be noticed, and it makes {made}."
    if why is Why.ON_GPU:
        first = f"{name} fits in the GPU." if len(steps) == 1 else ""
        first = first or f"{name}, because it is the best quality that fits in the GPU."
        return f"{first} How fast it is there shows with the first reply."
    if why is Why.NOT_MEASURED:
        if rung.fit is Fit.SPLIT:
            return (
                f"{name}, because it balances quality and what stays in main memory: nothing of good quality "
                "fits in the GPU alone. How fast it is shows with the first reply."
            )
        reason = "nothing better fits" if step.rank > WORTH_HAVING else "it balances quality and size"
        return (
            f"{name}, because {reason}. How fast it is cannot be told before the memory’s bandwidth was "
            "measured."
        )
    speed = rung.speed or 0.0
    slow = f"{speed_words(speed)}, less than {target}"
    if len(steps) == 1:
        return f"{name} fits, but it makes {slow}."
    if step.rank > WORTH_HAVING:
        return f"{name}, because nothing better fits; it makes {slow}."
    made = speed_words(speed)
    return f"{name}, because nothing with four bits or more reaches {target}; it makes {made}."


def _better(step: Step, chosen: Step, goal: Goal) -> str:
    rung = step.rung
    if rung.speed is not None and not is_quick(rung, goal):
        return f"{_named(rung)}: {_quality(rung)}, but {speed_words(rung.speed)}."
    if step.is_original_size and not chosen.is_original_size:
        return f"{_named(rung)}: as good, but takes {gigabytes(rung.need.total)}."
    if rung.fit is Fit.SPLIT:
        return f"{_named(rung)}: {_quality(rung)}, but partly in main memory, which is slower."
    return f"{_named(rung)}: {_quality(rung)}, but takes {gigabytes(rung.need.total)}."


def _worse(step: Step) -> str:
    rung = step.rung
    gains = [f"takes {gigabytes(rung.need.total)}"]
    if rung.speed is not None:
        gains.append(f"makes {speed_words(rung.speed)}")
    return f"{_named(rung)}: {_quality(rung)}, {' and '.join(gains)}."


def _lower_goal(choice: Choice, better: Sequence[Rung]) -> list[str]:
    """The target speed with which another one, or this one at last, is the answer."""
    assert choice.step is not None
    chosen = choice.step.rung
    slower = [rung for rung in better if rung.fits and rung.speed is not None]
    if choice.why is Why.SLOW and chosen.speed is not None:
        goal = goal_words(chosen.speed)
        reached = _first_at(goal, [*slower, chosen])
        return [f"With {goal} as the goal: {_named(reached)}{' reaches it' if reached is chosen else ''}."]
    if choice.why is not Why.REACHES or not slower:
        return []
    goal = goal_words(max(rung.speed or 0.0 for rung in slower))
    return [f"With {goal} as the goal: {_named(_first_at(goal, slower))}."]


def _first_at(goal: str, rungs: Sequence[Rung]) -> Rung:
    return next(rung for rung in rungs if (rung.speed or 0.0) >= float(goal.split()[0]))


def _room_for_better(wanted: Sequence[Rung]) -> list[str]:
    """What makes room for the one that lacks least; `wanted` come best quality first."""
    if not wanted:
        return []
    amount = more_gigabytes(min(rung.missing for rung in wanted))
    rung = next(rung for rung in wanted if more_gigabytes(rung.missing) == amount)
    said = [f"With {amount} more free memory: {_named(rung)}."]
    shorter = [rung for rung in wanted if rung.fit is Fit.SHORTER]
    if shorter:
        longest = max(rung.largest_context for rung in shorter)
        rung = next(rung for rung in shorter if rung.largest_context == longest)
        said.append(f"With {longest:,} tokens of context: {_named(rung)}.")
    return said


def _more_gpu_memory(wanted: Sequence[Rung]) -> list[str]:
    if not wanted:
        return []
    amount = more_gigabytes(min(rung.gpu_missing for rung in wanted))
    rung = next(rung for rung in wanted if more_gigabytes(rung.gpu_missing) == amount)
    return [f"With {amount} more free memory on the GPU: {_named(rung)}."]


def _more_memory(steps: Sequence[Step]) -> tuple[str, ...]:
    """For the one that lacks least; and if that is not worth having, for one that is."""
    said: dict[str, None] = {}
    for among in (steps, [step for step in steps if step.rank <= WORTH_HAVING]):
        lacking = [step.rung for step in among if step.rung.missing]
        if lacking:
            rung = min(lacking, key=lambda it: it.missing)
            said[f"With {more_gigabytes(rung.missing)} more free memory: {_named(rung)}."] = None
    return tuple(said)


def _named(rung: Rung) -> str:
    return rung.quantization or "This file"


def _quality(rung: Rung) -> str:
    return rung.quality.value if rung.quality is not None else "quality not published"


def _verdict_of(rung: Rung, ladder: Ladder) -> Verdict:
    on_gpu = rung.fit is Fit.GPU and ladder.gpu_available > 0
    taken, free = (rung.need.gpu, ladder.gpu_available) if on_gpu else (rung.need.host, ladder.available)
    if not ladder.gpu_available:
        taken = rung.need.total  # a GPU that shares main memory
    memory = f"takes {taken / 1e9:.1f} of {gigabytes(free)} free{' on the GPU' if on_gpu else ''}"
    speed = rung.speed
    said = f"{speed_words(speed)}, {memory}" if speed is not None else memory
    if rung.quality in _WEAK:
        return Verdict(Level.TIGHT, f"Tight: only as {rung.quantization}, {_quality(rung)}", rung, speed)
    if speed is not None and speed < ladder.goal.target_speed:
        readable = speed >= READABLE_SPEED
        level, word = (Level.READABLE, "Readable") if readable else (Level.SLOW, "Slow")
        return Verdict(level, f"{word}: {said}", rung, speed)
    if rung.fit is Fit.SPLIT and speed is None:
        return Verdict(Level.TIGHT, f"Tight: partly in main memory, {memory}", rung, speed)
    return Verdict(Level.WELL, f"Runs well: {said}" if speed is not None else f"Fits: {memory}", rung, speed)
