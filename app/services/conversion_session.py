"""Models made from models, and what that costs in quality, as the models page asks for it.

Nothing here blocks.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.domain.conversion import QuantizationForecast, QuantizationType, WorkProgress
from app.domain.environment import InstallPlan, InstallProgress
from app.domain.errors import Cancelled, EdgewiseError, EngineMissing, Offline, StorageError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LibraryEntry, LocalModel
from app.domain.model_quality import QualityReport
from app.domain.quantization import known
from app.services.background import Background

if TYPE_CHECKING:  # what reads headers and runs programs is imported once it is wanted
    from app.models.conversion import Convertible
    from app.services.conversions import Conversions
    from app.services.model_library import ModelLibrary
    from app.services.quality_measurements import LocalQuality, QualityMeasurements
    from app.storage.database import Database
    from app.storage.paths import Paths

PROGRESS_MS = 100
CLOSING_MS = 5000
"""Longest wait for cancelled work when the app is closed."""
USUAL_TYPES = ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0")
"""What is offered right after a conversion."""

T = TypeVar("T")
Told = Callable[[T], None]
Failed = Callable[[EdgewiseError], None]


@dataclass(frozen=True, slots=True)
class ConversionOffer:
    """What converting a model takes. Sizes in bytes; `types` are those of the converter with what each makes.

    `there` are those of them that are in the library already. `install` is what installing the converter
    takes, None where it is there; `why_not` says why it cannot be.
    """

    source: Convertible
    types: tuple[tuple[str, int], ...]
    there: tuple[str, ...]
    free: int
    install: InstallPlan | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class QuantizingOffer:
    """What a model can be quantized to, most bits first. `sizes` in bytes, by type, where they can be told.

    `reason` says why it should not be, empty where nothing speaks against it.
    """

    model: LocalModel
    types: tuple[QuantizationType, ...]
    sizes: dict[str, int]
    there: tuple[str, ...]
    free: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class QualityOffer:
    """Forms of a model as GGUF: what it can be held against, best first, and what can be measured."""

    model: LocalModel
    originals: tuple[LocalModel, ...]
    variants: tuple[LocalModel, ...]


class ConversionSession(QObject):
    """Lives on the window's thread; its signals arrive there. Work is known by the name of its model."""

    work_changed = Signal(str, str, object)
    """Name, what is done in words, the share that is done (None: not known)."""
    work_ended = Signal(str, str, bool)
    """Name, a remark for the person (may be empty), whether it failed."""
    made = Signal(object)
    """The `LibraryEntry` of a model that was made."""
    measured = Signal(object)
    """A `QualityReport`."""
    failed = Signal(object)
    """An `EdgewiseError`."""
    _one_made = Signal(object)
    """From a worker: there is one before the rest of the work is done."""

    def __init__(
        self,
        paths: Paths,
        database: Database,
        library: ModelLibrary,
        background: Background,
        offline: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._paths = paths
        self._database = database
        self._library = library
        self._background = background
        self._offline = offline
        self._workers = Background(self)  # minutes of work must not keep a chat's questions waiting
        self._work: dict[str, _Work] = {}
        self._lock = threading.Lock()
        self._conversions: Conversions | None = None
        self._measurements: QualityMeasurements | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(PROGRESS_MS)
        self._timer.timeout.connect(self._tell_progress)
        self._one_made.connect(self._tell_made, Qt.ConnectionType.QueuedConnection)

    # What could be done

    def offer_conversion(self, model: LocalModel, told: Told[ConversionOffer], failed: Failed) -> None:
        """What converting `model` takes."""
        self._background.run(lambda: self._conversion_offer(model), told, failed)

    def offer_quantizing(self, entry: LibraryEntry, told: Told[QuantizingOffer], failed: Failed) -> None:
        """What it can be quantized to."""
        self._background.run(lambda: self._quantizing_offer(entry), told, failed)

    def forecast(
        self, model: LocalModel, type_: str, told: Told[QuantizationForecast | None], failed: Failed
    ) -> None:
        """What llama-quantize itself says of `model` as `type_`."""
        self._background.run(lambda: self._makes().forecast(model, type_, Cancellation()), told, failed)

    def offer_measuring(self, model: LocalModel, told: Told[QualityOffer], failed: Failed) -> None:
        """What it can be held against."""
        self._background.run(lambda: self._quality_offer(model), told, failed)

    # Work

    def convert(self, name: str, source: Convertible, output_type: str, then: Sequence[str] = ()) -> None:
        """Convert the model called `name`, and quantize what was made to each of `then`.

        The converter is installed first if it is not there.
        """

        def convert(work: _Work) -> None:
            conversions = self._makes()
            if conversions.converter.installed() is None:
                self._install(conversions, work)
            made = conversions.convert(source, output_type, work.tell, work.cancellation)
            self._one_made.emit(made)
            for type_ in then:
                self._one_made.emit(conversions.quantize(made.model, type_, work.tell, work.cancellation))

        self._start(name, "Converting", convert, lambda _: self.work_ended.emit(name, "", False))

    def quantize(
        self,
        model: LocalModel,
        type_: str,
        *,
        importance_text: Path | None = None,
        again: bool = False,
    ) -> None:
        """Make it in another type; see `Conversions.quantize`."""

        def quantize(work: _Work) -> None:
            self._one_made.emit(
                self._makes().quantize(
                    model,
                    type_,
                    work.tell,
                    work.cancellation,
                    importance_text=importance_text,
                    again=again,
                )
            )

        name = model.name
        self._start(name, f"Quantizing to {type_}", quantize, lambda _: self.work_ended.emit(name, "", False))

    def measure(
        self, name: str, original: LocalModel, variants: Sequence[LocalModel], text: Path | None = None
    ) -> None:
        """Measure what the variants lose; `name` is that of the model it was asked for."""

        def ended(report: QualityReport) -> None:
            self.work_ended.emit(name, "Its quality was measured.", False)
            self.measured.emit(report)

        self._start(
            name,
            "Measuring its quality",
            lambda work: self._measures().measure(
                original, variants, work.tell, work.cancellation, text=text
            ),
            ended,
        )

    def measurements(self) -> Sequence[LocalQuality]:
        """What is known of files of this machine, the newest first. Reads the database: not for the window's
        thread."""
        try:
            return self._measures().local()
        except StorageError:  # a ladder without it is as good as before
            return ()

    def cancel(self, name: str) -> None:
        """Stop the work on it."""
        if name in self._work:
            self._work[name].cancellation.cancel()

    def is_working(self, name: str) -> bool:
        """Whether something is under way with it."""
        return name in self._work

    def shut_down(self) -> None:
        """Stop all work; nothing half made is left."""
        self._timer.stop()
        for work in self._work.values():
            work.cancellation.cancel()
        self._workers.finish(CLOSING_MS)

    # On worker threads

    def _makes(self) -> Conversions:
        from app.services.conversions import Conversions

        with self._lock:
            if self._conversions is None:
                self._conversions = Conversions(self._paths)
            return self._conversions

    def _measures(self) -> QualityMeasurements:
        from app.services.quality_measurements import QualityMeasurements

        with self._lock:
            if self._measurements is None:
                self._measurements = QualityMeasurements(self._paths, self._database)
            return self._measurements

    def _conversion_offer(self, model: LocalModel) -> ConversionOffer:
        from app.models.conversion import OUTPUT_TYPES, convertible

        conversions = self._makes()
        source = convertible(model.path)
        types = tuple((each, source.size_as(each)) for each in OUTPUT_TYPES)
        there = tuple(each for each in OUTPUT_TYPES if conversions.converted_path(source, each).exists())
        plan, why_not = None, ""
        if conversions.converter.installed() is None:
            plan = conversions.converter_plan()
            why_not = "" if plan is not None else conversions.converter.why_not()
        return ConversionOffer(source, types, there, self._free(), plan, why_not)

    def _quantizing_offer(self, entry: LibraryEntry) -> QuantizingOffer:
        conversions, model = self._makes(), entry.model
        types = [each for each in conversions.types() if "alias for" not in each.note and each.name != "COPY"]
        types.sort(key=lambda each: -_bits(each.name))
        weights = entry.details.parameters if entry.details is not None else None
        sizes = {
            each.name: round(weights * _bits(each.name) / 8) for each in types if weights and _bits(each.name)
        }
        there = tuple(each.name for each in types if conversions.quantized_path(model, each.name).exists())
        return QuantizingOffer(
            model, tuple(types), sizes, there, self._free(), conversions.why_not_quantize(model)
        )

    def _quality_offer(self, model: LocalModel) -> QualityOffer:
        from app.services.model_forms import forms

        family = forms(self._library.models()).of(model)
        all_forms = [form for form in family.forms if form.model.format is Format.GGUF] if family else []
        by_bits = sorted(all_forms, key=lambda form: (not form.is_plain, abs((form.bits or 0.0) - 16.0)))
        originals = tuple(form.model for form in by_bits if form.model != model)
        return QualityOffer(model, originals, tuple(form.model for form in by_bits))

    def _install(self, conversions: Conversions, work: _Work) -> None:
        """Raises Offline, EngineMissing and what `Environment.install` raises."""
        from app.services.engine_installer import OFFLINE

        if conversions.converter_plan() is None:
            raise EngineMissing(
                f"{conversions.converter.name} cannot be installed here. {conversions.converter.why_not()}"
            )
        if self._offline():
            raise Offline(OFFLINE)

        def told(progress: InstallProgress) -> None:
            work.tell(
                WorkProgress(
                    f"Installing the converter: {progress.words}", progress.done, progress.total, "bytes"
                )
            )
            if self._offline():
                work.cancellation.cancel()

        try:
            conversions.install_converter(told, work.cancellation)
        except Cancelled as error:
            if self._offline():
                raise Offline(OFFLINE) from error
            raise

    def _free(self) -> int:
        return shutil.disk_usage(self._paths.models).free

    # On the window's thread

    def _start(
        self, name: str, words: str, operation: Callable[[_Work], T], done: Callable[[T], None]
    ) -> None:
        if name in self._work:
            return
        work = self._work[name] = _Work(words)
        self.work_changed.emit(name, words, None)
        self._timer.start()

        def succeed(value: T) -> None:
            self._end(name)
            done(value)

        def fail(error: EdgewiseError) -> None:
            self._end(name)
            cancelled = isinstance(error, Cancelled)
            self.work_ended.emit(name, "" if cancelled else error.message, not cancelled)
            if not cancelled:
                self.failed.emit(error)

        self._workers.run(lambda: operation(work), succeed, fail)

    def _end(self, name: str) -> None:
        del self._work[name]
        if not self._work:
            self._timer.stop()

    def _tell_made(self, entry: LibraryEntry) -> None:
        self.made.emit(entry)

    def _tell_progress(self) -> None:
        for name, work in self._work.items():
            progress = work.so_far
            self.work_changed.emit(name, words_of(progress), share_of(progress))


class _Work:
    """One model's work; the worker writes how far it is, the window's timer reads it."""

    def __init__(self, words: str) -> None:
        self.cancellation = Cancellation()
        self._lock = threading.Lock()
        self._so_far = WorkProgress(words)

    @property
    def so_far(self) -> WorkProgress:
        with self._lock:
            return self._so_far

    def tell(self, progress: WorkProgress) -> None:
        with self._lock:
            self._so_far = progress


def share_of(progress: WorkProgress) -> float | None:
    """How much is done, from 0 to 1; None where nobody knows."""
    return min(1.0, progress.done / progress.total) if progress.total else None


def words_of(progress: WorkProgress) -> str:
    """How far it is: "Converting x · 120 of 272 tensors"."""
    if not progress.total:
        return progress.words
    if progress.of == "bytes":
        return f"{progress.words} · {min(1.0, progress.done / progress.total):.0%}".replace("%", " %")
    return f"{progress.words} · {progress.done:,} of {progress.total:,} {progress.of}"


def _bits(type_: str) -> float:
    row = known(type_)
    return row.bits if row is not None else 0.0
