"""Which questions are asked on a machine, and which of them the machine answers already."""

from __future__ import annotations

from app.advisor.guide_answer import Asked
from app.advisor.guide_rules import Answers, Option, Question, Rules, holds
from app.domain.machine import Gpu, Machine
from app.engines.nvidia import nvidia_gpus

HARDWARE = "hardware"
NVIDIA, APPLE, OTHER_GPU, CPU, SERVER, DEVICE = "nvidia", "apple", "other_gpu", "cpu", "server", "device"
"""The options of the question `HARDWARE`; the first four are what a machine can be."""


def questions(rules: Rules, machine: Machine, answers: Answers) -> tuple[Asked, ...]:
    """All questions that are asked with `answers`, in their order, answered or not."""
    asked: list[Asked] = []
    given: dict[str, str] = {}
    for question in rules.questions:
        if question.unless is not None and holds(question.unless, given):
            continue
        one = _asked(question, machine, answers, given)
        asked.append(one)
        if taken := one.answer or one.proposed:
            given[question.id] = taken
    return tuple(asked)


def next_question(rules: Rules, machine: Machine, answers: Answers) -> Asked | None:
    """The first question that a person has not answered; None where all are."""
    return next((asked for asked in questions(rules, machine, answers) if asked.answer is None), None)


def settled(rules: Rules, machine: Machine, answers: Answers) -> dict[str, str]:
    """The answers that count: those to questions that are asked, with options that there are on this machine,
    and what the machine answers where a person did not."""
    asked = questions(rules, machine, answers)
    return {it.question.id: taken for it in asked if (taken := it.answer or it.proposed)}


def hardware_of(machine: Machine) -> str:
    """What a machine is to the question `HARDWARE`: what its most able GPU is that engines compute on."""
    if nvidia_gpus(machine):
        return NVIDIA
    if any(_is_apple(gpu) for gpu in machine.gpus):
        return APPLE
    return OTHER_GPU if any(gpu.device is not None for gpu in machine.gpus) else CPU


def machine_words(machine: Machine) -> str:
    """What a machine has, as far as the guide asks, in a sentence."""
    cores = machine.cpu.usable_cores
    parts = [
        f"{cores} core{'' if cores == 1 else 's'}",
        f"{machine.memory.available / 1e9:.1f} of {machine.memory.total / 1e9:.1f} GB of memory free",
    ]
    kind = hardware_of(machine)
    gpu: Gpu | None = None
    if kind == NVIDIA:
        gpu = nvidia_gpus(machine)[0]
    elif kind != CPU:
        gpu = next(it for it in machine.gpus if _is_apple(it) or it.device is not None)
    if gpu is None:
        unused = [it.name for it in machine.gpus]
        parts.append(f"no GPU that engines use (the {unused[0]} is not one)" if unused else "no GPU")
    else:
        own = f" with {gpu.memory_total / 1e9:.0f} GB" if gpu.memory_total and not gpu.unified_memory else ""
        parts.append(f"the GPU {gpu.name}{own}")
    return f"This machine has {', '.join(parts[:-1])} and {parts[-1]}, under {machine.system}."


def _asked(question: Question, machine: Machine, answers: Answers, given: Answers) -> Asked:
    options = tuple(option for option in question.options if _is_offered(option, machine, given))
    answer = answers.get(question.id)
    proposed, words = None, ""
    if question.from_machine:
        proposed, words = hardware_of(machine), machine_words(machine)
    return Asked(
        question,
        options,
        answer if any(option.id == answer for option in options) else None,
        proposed,
        words,
    )


def _is_offered(option: Option, machine: Machine, given: Answers) -> bool:
    if option.here and option.id != hardware_of(machine):
        return False
    return option.unless is None or not holds(option.unless, given)


def _is_apple(gpu: Gpu) -> bool:
    return bool(gpu.unified_memory) and gpu.name.startswith("Apple")
