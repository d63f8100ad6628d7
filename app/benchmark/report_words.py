"""What reports of several kinds say alike: the machine, how it was measured, a figure with its marks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from app.benchmark.result_tables import MOST_NAME, shape_words
from app.benchmark.tables import Cell, Mark, Unit
from app.domain.machine import Machine
from app.domain.size_words import size
from app.domain.speed_test import EngineFacts, SpeedTest
from app.models.one_line import one_line

_TOLD = frozenset({Mark.SHORT, Mark.DISTURBED, Mark.WAITED})
MOST_TEXT = 2000
"""Characters of a sentence or a command line."""


def title(test: SpeedTest) -> str:
    """Such as "Speed test: SmolLM2 135M"."""
    families = dict.fromkeys(clean(column.contender.family) for column in test.columns)
    return f"Speed test: {', '.join(families)}" if families else "Speed test"


def began(test: SpeedTest) -> str:
    """When it began, in UTC (ISO 8601)."""
    return datetime.fromtimestamp(test.at, UTC).isoformat(timespec="seconds")


def clean(text: str, most: int = MOST_NAME) -> str:
    """A stranger's text in one line, without the name of this person's home folder."""
    home = str(Path.home())
    return one_line(text.replace(home, "~") if len(home) > 1 else text, most)


def machine_lines(test: SpeedTest) -> Iterator[tuple[str, str]]:
    """What it ran on, each with its label. Nothing that names a person or a folder."""
    machine = test.machine
    cpu = machine.cpu
    yield "Processor", f"{clean(cpu.model)}, {cpu.usable_cores} of {cpu.physical_cores} cores usable"
    yield "Memory", f"{size(machine.memory.total)}{_bandwidth(machine)}"
    for gpu in machine.gpus:
        memory = f", {size(gpu.memory_total)}" if gpu.memory_total is not None else ""
        driver = f", driver {clean(gpu.driver)}" if gpu.driver else ""
        yield "GPU", f"{clean(gpu.name)}{memory}{driver}"
    if not machine.gpus:
        yield "GPU", "none"
    power = machine.power
    if power is not None and power.on_battery is not None:
        yield "Power", "battery" if power.on_battery else "mains"
    yield "System", f"{clean(test.system)}, {clean(cpu.architecture)}"
    python = f", Python {clean(test.python_version)}" if test.python_version else ""
    yield "Edgewise", f"{clean(test.app_version)}{python}"


def method_lines(test: SpeedTest) -> Iterator[str]:
    """How it was measured, in sentences."""
    work = test.workload
    shapes = dict.fromkeys((*work.shapes, *work.alone))
    yield f"Requests: {'; '.join(map(shape_words, shapes))}."
    yield (
        f"Each case was done {_times(work.warmups)} to warm up and then measured {_times(work.repetitions)}, "
        "less often where time ran out. Figures are medians, with the 5th and 95th percentile and the number "
        "of values."
    )
    yield (
        "Every prompt begins differently; replies have a fixed length, at temperature 0, the end token "
        "ignored. Tokens are counted by the engine. Rounds that failed or fell short are not averaged."
    )
    yield (
        "Cold: the first request of a fresh process, its load not included. Throughput: output tokens a "
        "second of all requests together. Memory: the most that the engine’s processes took, on GPUs and "
        "beside them."
    )
    order = ", ".join(
        clean(test.columns[position].contender.engine)
        for position in test.order
        if 0 <= position < len(test.columns)
    )
    ran = f" They ran in this order: {order}." if order else ""
    yield f"One engine at a time, in an order drawn by the seed {work.seed}.{ran}"


def versions_words(facts: EngineFacts) -> str:
    """Such as "vLLM 0.26.0, torch 2.11.0"."""
    return clean(", ".join(f"{name} {version}" for name, version in facts.versions.items()), MOST_TEXT)


def flags_words(facts: EngineFacts) -> str:
    """Its command line after the program."""
    return clean(" ".join(facts.flags), MOST_TEXT)


def cell_words(cell: Cell, unit: Unit) -> str:
    """A figure with its spread and marks: "120 tok/s (118–122, n 5; disturbed)"; "failed" if there is none.

    What is behind such a mark or word is told once, by the sentences of `app.benchmark.doubts`.
    """
    if cell.spread is None:
        return cell.short or clean(cell.note, MOST_TEXT)
    spread = cell.spread
    said = [f"{unit.range_words(spread)}, n {spread.n}"] if spread.n > 1 else []
    said += [mark.value for mark in cell.marks]
    if cell.note and not _TOLD.intersection(cell.marks):
        said.append(clean(cell.note, MOST_TEXT).rstrip("."))
    return unit.words(spread.median) + (f" ({'; '.join(said)})" if said else "")


def _bandwidth(machine: Machine) -> str:
    bandwidth = machine.bandwidth
    return "" if bandwidth is None else f", {bandwidth.copy / 1e9:.0f} GB/s copying"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
