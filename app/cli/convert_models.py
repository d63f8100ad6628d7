"""`edgewise models convert`, `quantize` and `quality`: models made from models, and what that costs."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from app.cli.command_line import FAILED, OK, USAGE
from app.cli.console import Console
from app.cli.library_models import described
from app.cli.table import table
from app.domain.conversion import WorkProgress
from app.domain.environment import InstallPlan, InstallProgress
from app.domain.errors import EngineMissing, Offline
from app.domain.generation import Cancellation
from app.domain.model import LibraryEntry, LocalModel
from app.domain.model_quality import Estimate, QualityReport, VariantQuality
from app.domain.size_words import size
from app.services.conversions import Conversions
from app.services.engine_installer import OFFLINE
from app.services.model_library import ModelLibrary
from app.services.quality_measurements import QualityMeasurements
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.settings import load_settings

UNKNOWN = "–"
LOOK_S = 0.2
BUSY_SPREAD = 0.15
"""A speed whose standard deviation is a larger share of it was taken while the machine did something else."""
_HEADINGS = (
    "Model",
    "Quality",
    "Perplexity",
    "Increase",
    "KL divergence",
    "Same token",
    "Size",
    "Prompt",
    "Reply",
)
_WORDS = 2


def convert_model(
    source: str,
    output_type: str,
    quantizations: Sequence[str],
    importance: str | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Run the command; returns the exit status. Ctrl+C leaves nothing half made.

    Raises ModelFileError, ConversionFailed, EngineMissing, Offline, InstallFailed, DiskFull or StorageError.
    """
    console, paths = Console(), Paths.find()
    paths.create()
    conversions = Conversions(paths)
    found = conversions.convertible(source)
    types = [conversions.type_named(words) for words in quantizations]
    status = _with_converter(conversions, paths, console, yes=yes, as_json=as_json)
    if status != OK:
        return status
    shown = _Shown(console)
    target = conversions.converted_path(found, output_type)
    if types and target.exists():  # it was converted before: what is missing are the quantizations
        entry = ModelLibrary(paths).entry(str(target))
        if not as_json:
            console.line(f"{entry.model.name} is in the library already.")
    else:
        try:
            entry = conversions.convert(found, output_type, shown.update, Cancellation())
        finally:
            console.settle()
        if not as_json:
            console.line(_told(entry, conversions))
    made = [
        entry,
        *_quantized(conversions, entry.model, types, importance, console, again=False, quiet=as_json),
    ]
    return _report(console, made, conversions, as_json)


def quantize_model(
    name: str, quantizations: Sequence[str], importance: str | None, again: bool, as_json: bool
) -> int:
    """Run the command; returns the exit status. Ctrl+C leaves nothing half made.

    Raises ModelFileError, ConversionFailed, EngineMissing, DiskFull or StorageError.
    """
    console, paths = Console(), Paths.find()
    paths.create()
    conversions = Conversions(paths)
    types = [conversions.type_named(words) for words in quantizations]
    model = ModelLibrary(paths).find(name)
    made = _quantized(conversions, model, types, importance, console, again=again, quiet=as_json)
    return _report(console, made, conversions, as_json)


def list_types(as_json: bool) -> int:
    """Say which types there are; returns the exit status. Raises EngineMissing and ConversionFailed."""
    console = Console()
    types = Conversions(Paths.find()).types()
    if as_json:
        console.write(json.dumps([asdict(each) for each in types], indent=2) + "\n")
        return OK
    for line in table([(each.name, each.note) for each in types], left=2):
        console.line(line)
    return OK


def measure_quality(
    names: Sequence[str], against: str | None, text: str | None, with_speed: bool, as_json: bool
) -> int:
    """Run the command; returns the exit status. What was measured before it was stopped is kept.

    Raises ModelFileError, ConversionFailed, EngineMissing, DiskFull or StorageError.
    """
    console, paths = Console(), Paths.find()
    paths.create()
    library = ModelLibrary(paths)
    models = [library.find(name) for name in dict.fromkeys(names)]
    shown = _Shown(console)
    with Database.open(paths.database) as database:
        measurements = QualityMeasurements(paths, database)
        original = library.find(against) if against is not None else measurements.original_of(models[0])
        try:
            report = measurements.measure(
                original,
                models,
                shown.update,
                Cancellation(),
                text=Path(text).expanduser() if text is not None else None,
                with_speed=with_speed,
            )
        finally:
            console.settle()
    if as_json:
        console.write(json.dumps(quality_values(report), indent=2) + "\n")
        return OK
    for line in quality_lines(report):
        console.line(line)
    return OK


def quality_values(report: QualityReport) -> dict[str, object]:
    """`report` for a program: bytes, nats, percent and tokens a second; null where nothing was measured."""
    return {
        "text": report.text,
        "text_sha256": report.text_hash,
        "context": report.context,
        "tokens": report.tokens,
        "original": _values(report.original),
        "variants": [_values(variant) for variant in report.variants],
    }


def quality_lines(report: QualityReport) -> list[str]:
    """`report` for people."""
    every = (report.original, *report.variants)
    lines = [
        f"Measured here on {report.text}: {report.tokens:,} tokens, in {report.chunks} pieces of "
        f"{report.context:,}.",
        "",
        *table([_HEADINGS, *map(_row, every)], left=_WORDS),
        "",
        "KL divergence (nats a token) and “same token” compare each prediction with that of "
        f"{report.original.name}. Speeds are tokens a second by llama-bench.",
    ]
    if report.context < 512:
        lines.append(
            f"The text is short, so its pieces have {report.context} tokens: perplexities of pieces of 512, "
            "which are those that are published, are lower."
        )
    busy = [each.name for each in every if _was_busy(each)]
    if busy:
        lines.append(f"The machine was busy while it was timed: {', '.join(busy)}.")
    lines += [
        f"{each.name} was made with an importance matrix of this very text: it looks better than it is."
        for each in every
        if each.saw_the_text
    ]
    return lines


def progress_line(progress: WorkProgress) -> str:
    """How far a program is, in one line."""
    if progress.total is None:
        return f"{progress.words}…"
    share = 100 * progress.done // progress.total if progress.total else 100
    if progress.of == "bytes":
        return f"{progress.words}  {share} %"
    return f"{progress.words}  {share} %  {progress.done:,} of {progress.total:,} {progress.of}"


def _quantized(
    conversions: Conversions,
    model: LocalModel,
    types: Sequence[str],
    importance: str | None,
    console: Console,
    *,
    again: bool,
    quiet: bool,
) -> list[LibraryEntry]:
    shown = _Shown(console)
    text = Path(importance).expanduser() if importance is not None else None
    made = []
    for type_ in dict.fromkeys(types):
        forecast = conversions.forecast(model, type_, Cancellation())
        try:
            entry = conversions.quantize(
                model, type_, shown.update, Cancellation(), importance_text=text, again=again
            )
        finally:
            console.settle()
        made.append(entry)
        if not quiet:
            console.line(_told(entry, conversions))
            if forecast is not None and forecast.remark:
                console.line(f"  {forecast.remark}")
    return made


def _with_converter(
    conversions: Conversions, paths: Paths, console: Console, *, yes: bool, as_json: bool
) -> int:
    """OK once the converter is there; it is installed if that is wanted."""
    converter = conversions.converter
    if converter.installed() is not None:
        return OK
    plan = conversions.converter_plan()
    if plan is None:
        raise EngineMissing(f"{converter.name} cannot be installed here. {converter.why_not()}")
    if load_settings(paths.settings).offline:
        raise Offline(OFFLINE)
    if not yes:
        if as_json or not sys.stdin.isatty():
            console.error(f"{_plan_words(converter.name, plan)} Say --yes to install it without a question.")
            return USAGE
        console.line(_plan_words(converter.name, plan))
        console.write("Install it? [y/N] ")
        if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
            console.line("Nothing was installed or converted.")
            return FAILED
    shown = _Shown(console)

    def told(progress: InstallProgress) -> None:
        shown.update(WorkProgress(f"Installing: {progress.words}", progress.done, progress.total, "bytes"))

    try:
        conversions.install_converter(told, Cancellation())
    finally:
        console.settle()
    if not as_json:
        console.line(f"{converter.name} {converter.version()} is installed.")
    return OK


def _plan_words(name: str, plan: InstallPlan) -> str:
    return (
        f"{name} is not installed: about {size(plan.download)} to download, about {size(plan.on_disk)} on "
        "the disk, less where Transformers is installed, as they share their largest packages."
    )


def _report(console: Console, made: Sequence[LibraryEntry], conversions: Conversions, as_json: bool) -> int:
    if as_json:
        values = []
        for entry in made:
            origin = conversions.origin_of(entry.model)
            values.append({**described(entry), "origin": asdict(origin) if origin else None})
        console.write(json.dumps(values, indent=2) + "\n")
    return OK


def _told(entry: LibraryEntry, conversions: Conversions) -> str:
    origin = conversions.origin_of(entry.model)
    how = f", {origin.words}" if origin is not None else ""
    return f"{entry.model.name} is in the library ({size(entry.model.size)}){how}."


def _values(quality: VariantQuality) -> dict[str, object]:
    divergence, speed = quality.divergence, quality.speed
    return {
        "name": quality.name,
        "path": quality.path,
        "quantization": quality.quantization,
        "sha256": quality.file_hash,
        "size": quality.size,
        "quality": quality.quality.value,
        "perplexity": asdict(quality.perplexity),
        "perplexity_increase_percent": quality.perplexity_increase_percent,
        "divergence": asdict(divergence.divergence) if divergence else None,
        "same_top_percent": asdict(divergence.same_top) if divergence else None,
        "prompt_tokens_per_second": asdict(speed.prompt) if speed else None,
        "reply_tokens_per_second": asdict(speed.generation) if speed else None,
        "saw_the_text": quality.saw_the_text,
        "measured_at": quality.at,
    }


def _row(quality: VariantQuality) -> tuple[str, ...]:
    divergence, speed = quality.divergence, quality.speed
    increase = quality.perplexity_increase_percent
    return (
        quality.name,
        quality.quality.value if divergence else "the original",
        _figure(quality.perplexity, 2),
        UNKNOWN if increase is None else f"{increase:+.1f} %",
        _figure(divergence.divergence, 4) if divergence else UNKNOWN,
        f"{_figure(divergence.same_top, 1)} %" if divergence else UNKNOWN,
        size(quality.size),
        _figure(speed.prompt, 0) if speed else UNKNOWN,
        _figure(speed.generation, 1) if speed else UNKNOWN,
    )


def _figure(estimate: Estimate, places: int) -> str:
    return f"{estimate.value:,.{places}f} ± {estimate.error:,.{places}f}"


def _was_busy(quality: VariantQuality) -> bool:
    speed = quality.speed
    return speed is not None and any(
        each.error > BUSY_SPREAD * each.value for each in (speed.prompt, speed.generation)
    )


class _Shown:
    """Says on a terminal how far something is, a few times a second."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0
        self._words = ""

    def update(self, progress: WorkProgress) -> None:
        """For each step's words at once, for their figures `LOOK_S` apart."""
        now = time.monotonic()
        if progress.words == self._words and now < self._next:
            return
        self._words, self._next = progress.words, now + LOOK_S
        self._console.settle()
        self._console.transient(progress_line(progress)[: shutil.get_terminal_size().columns - 1])
