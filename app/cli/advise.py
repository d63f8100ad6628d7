"""`edgewise advise`: which quantization of a model suits this computer, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

from app.advisor.correction import Correction, correction_of
from app.advisor.ladder import Fit, Goal, Ladder, Rung, verdict
from app.cli.command_line import OK
from app.cli.console import Console
from app.cli.hub_models import open_hub
from app.cli.table import table
from app.domain.errors import StorageError
from app.domain.ledger import LedgerEntry
from app.domain.size_words import size
from app.services.hub_access import HubAccess
from app.services.model_advice import ModelAdvice
from app.services.quality_measurements import LocalQuality, QualityMeasurements
from app.services.this_machine import BUILT_IN, wants_measuring, with_measured_bandwidth
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths

UNKNOWN = "–"
RECOMMENDED = "★"
_HEADINGS = ("", "Quantization", "Fits", "Quality", "Perplexity", "File", "Needs", "Tokens/s")
_WORDS = 4
"""Columns that are words; the others are numbers."""


def advise(wanted: str, *, context: int | None, speed: float | None, as_json: bool) -> int:
    """Run the command; returns the exit status. `context` in tokens, `speed` in tokens a second.

    The first time, the memory's bandwidth is measured. Raises HubError, ModelFileError or StorageError.
    """
    paths = Paths.find()
    console = Console()
    usual = Goal()
    goal = Goal(context or usual.context_length, speed or usual.target_speed)
    advice = open_advice(paths, open_hub(paths))
    console.transient(f"Looking at {wanted}…")
    try:
        subject = advice.find_subject(wanted)
    finally:
        console.settle()
    measure_once(advice, paths, console)
    ladder = advice.ladder(subject, goal)
    if as_json:
        console.write(json.dumps(described(ladder), indent=2, ensure_ascii=False) + "\n")
    else:
        for line in lines(ladder):
            console.line(line)
    return OK


def open_advice(paths: Paths, hub: HubAccess) -> ModelAdvice:
    """Advice that knows what earlier loads taught, and what was measured of quality."""
    return ModelAdvice(paths, hub, corrections_of(paths), measured=lambda: _measured(paths))


def corrections_of(paths: Paths) -> Callable[[str, str], Correction]:
    """What earlier loads teach of an architecture on an engine."""
    loads = _loads(paths)

    def corrections(architecture: str, engine: str) -> Correction:
        return correction_of(loads, engine=engine, architecture=architecture, gpu=engine != BUILT_IN)

    return corrections


def measure_once(advice: ModelAdvice, paths: Paths, console: Console) -> None:
    """Measure the memory's bandwidth, if it never was undisturbed: without it there is no speed."""
    machine = advice.machine()
    if not wants_measuring(machine):
        return
    console.transient("Measuring the memory’s bandwidth…")
    try:
        with_measured_bandwidth(machine, paths)
    except StorageError as error:
        console.settle()
        console.error(error.message)  # there is advice without speeds, too
    finally:
        console.settle()
    advice.machine(refresh=True)


def described(ladder: Ladder) -> dict[str, object]:
    """`ladder` for a program: bytes, bytes and tokens a second; null where nobody knows."""
    told = verdict(ladder)
    return {
        "name": ladder.name,
        "goal": asdict(ladder.goal),
        "available": ladder.available,
        "gpu_available": ladder.gpu_available,
        "bandwidth": ladder.bandwidth,
        "recommended": ladder.recommended.quantization if ladder.recommended else None,
        "because": ladder.because,
        "runners_up": ladder.runners_up,
        "would_change": ladder.would_change,
        "verdict": {"level": told.level, "words": told.words},
        "rungs": [_described(rung) for rung in ladder.rungs],
        "quality_source": ladder.quality_source,
    }


def lines(ladder: Ladder) -> Iterable[str]:
    """`ladder` for people. GB are 10^9 bytes."""
    yield f"{ladder.name}, {ladder.goal.context_length:,} tokens of context. This machine: {_machine(ladder)}"
    if ladder.rungs:
        yield ""
        yield from table([_HEADINGS, *(_row(rung, ladder) for rung in ladder.rungs)], left=_WORDS)
    yield ""
    yield ladder.because
    yield from ladder.runners_up
    yield from ladder.would_change
    if not ladder.rungs:
        return
    yield ""
    if ladder.sketched:
        yield "Files and memory are reckoned from the model’s published sizes: the hub has not told them."
    if any(rung.speed is not None for rung in ladder.rungs):
        yield "Speeds are those with half of the context filled: a chat begins faster."
    if ladder.measured_here:
        yield f"Quality was measured here, with this very model, for {', '.join(ladder.measured_here)}."
    others = " of the others" if ladder.measured_here else ""
    yield f"Quality{others} was measured with another model: {ladder.quality_source}."


def _described(rung: Rung) -> dict[str, object]:
    need = rung.need
    variant = rung.variant
    return {
        "quantization": rung.quantization,
        "file_size": rung.file_size,
        "memory": {**asdict(need), "correction": need.correction, "total": need.total},
        "fit": rung.fit,
        "fits": rung.fits,
        "missing": rung.missing,
        "gpu_missing": rung.gpu_missing,
        "tokens_per_second": rung.speed,
        "largest_context": rung.largest_context,
        "gpu_layers": rung.gpu_layers,
        "quality": rung.quality,
        "perplexity_increase_percent": rung.perplexity_increase_percent,
        "divergence": rung.divergence,
        "quality_measured_here": rung.measured is not None,
        "exact": rung.exact,
        "path": str(rung.path) if rung.path else None,
        "repository": variant.repository if variant else None,
        "files": [file.path for file in variant.all_files] if variant else [],
    }


def _row(rung: Rung, ladder: Ladder) -> tuple[str, ...]:
    percent = rung.perplexity_increase_percent
    return (
        RECOMMENDED if rung is ladder.recommended else "",
        rung.quantization or UNKNOWN,
        f"{rung.fit.value}{_up_to(rung)}",
        rung.quality.value if rung.quality else UNKNOWN,
        UNKNOWN if percent is None else f"{percent:+.1f} %",
        UNKNOWN if rung.file_size is None else size(rung.file_size),
        size(rung.need.total),
        UNKNOWN if rung.speed is None else _speed(rung.speed),
    )


def _up_to(rung: Rung) -> str:
    """The context length that would do, where the one asked for is too long."""
    return f", {rung.largest_context:,} at most" if rung.fit is Fit.SHORTER else ""


def _machine(ladder: Ladder) -> str:
    parts = [f"{size(ladder.available)} free"]
    if ladder.gpu_available:
        parts.append(f"{size(ladder.gpu_available)} free on the GPU")
    if ladder.bandwidth is not None:
        parts.append(f"{ladder.bandwidth / 1e9:.0f} GB/s")
    return ", ".join(parts)


def _speed(speed: float) -> str:
    return f"{speed:.0f}" if speed >= 9.95 else f"{speed:.1f}"


def _measured(paths: Paths) -> Sequence[LocalQuality]:
    """What was measured here of models' quality; nothing where there is no database yet."""
    if not paths.database.exists():
        return ()
    with Database.open(paths.database) as database:
        return QualityMeasurements(paths, database).local()


def _loads(paths: Paths) -> list[LedgerEntry]:
    """What earlier loads taught; nothing where there was none, or they cannot be read."""
    if not paths.database.exists():  # a command that only reads shall not begin a database
        return []
    with Database.open(paths.database) as database:
        return Ledger(database).entries()
