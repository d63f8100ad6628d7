"""What quantizations cost in quality, measured on this machine against the original. No Qt here; it blocks.

What was measured is kept by the hashes of both files and of the text, and not measured again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.domain.conversion import WorkProgress
from app.domain.errors import ModelFileError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LocalModel, Place
from app.domain.model_quality import Estimate, QualityReport, VariantQuality
from app.domain.size_words import size
from app.engines import llama_cpp_quality
from app.models.complete import complete_header
from app.models.details import details_of
from app.models.identity import PLAIN_BITS, identity_of
from app.models.model_files import parts_of
from app.models.weights import weigh
from app.services.model_forms import forms
from app.services.model_hash import ModelHash
from app.services.model_library import ModelLibrary
from app.services.model_workshop import Bench, Progress, bench, check_space
from app.storage.database import Database
from app.storage.file_hashes import FileHashes
from app.storage.home_paths import found_at, kept_as
from app.storage.origins import Origins
from app.storage.paths import Paths
from app.storage.quality import Qualities

# In a frozen app, too: PyInstaller keeps a module's path relative to its folder of data.
TEXT = Path(__file__).resolve().parents[2] / "resources" / "quality_text.txt"
"""Ours: prose of several kinds, written for this; 6,775 tokens for SmolLM2."""
CONTEXTS = (512, 256, 128)
"""Tokens in a piece. 512 is llama-perplexity's own, and what published figures are of."""
FEWEST_CHUNKS = 8
"""Pieces that there should be before shorter ones are taken."""
MOST_TEXT = 4 * 1024 * 1024
"""Bytes: more than anybody wants to wait for."""
MOST_CHUNKS = 64
MOST_LOGITS = 4_000_000_000
"""Bytes on the disk while it measures: a chunk takes 25 MB with 49,000 words, 78 MB with 152,000."""


@dataclass(frozen=True, slots=True)
class LocalQuality:
    """A file that is still as it was measured."""

    model: LocalModel
    quality: VariantQuality


@dataclass(frozen=True, slots=True)
class _Pieces:
    """How a text is cut."""

    name: str
    """The text's."""
    text: Path
    """A copy, which nobody changes meanwhile."""
    text_hash: str
    context: int
    chunks: int
    vocabulary: int


class QualityMeasurements:
    """Measurements of models of the library of `paths`, kept in `database`. Any thread may call."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._kept = Qualities(database)
        self._hashes = ModelHash(paths)
        self._origins = Origins(paths.models)

    def original_of(self, model: LocalModel) -> LocalModel:
        """The form of `model` in the library that is stored in floating point, of 16 bits if there is one.

        Raises ModelFileError where there is none but itself.
        """
        models = [each for each in ModelLibrary(self._paths).models() if each.format is Format.GGUF]
        if all(each.path != model.path for each in models):
            models.append(model)
        family = forms(models).of(model)
        plain = [
            form
            for form in (family.forms if family is not None else ())
            if form.model.path != model.path and form.precision in PLAIN_BITS
        ]
        if not plain:
            raise ModelFileError(
                f"There is nothing to compare {model.name} with: its original is not in the library as GGUF "
                "in F16, BF16 or F32. Convert or download it, or name another model."
            )
        # Of 16 bits before 32: what a model was trained in, and half the memory.
        return min(plain, key=lambda form: (abs(PLAIN_BITS[form.precision] - 16.0), form.precision)).model

    def measure(
        self,
        original: LocalModel,
        variants: Sequence[LocalModel],
        progress: Progress,
        cancellation: Cancellation,
        *,
        text: Path | None = None,
        with_speed: bool = True,
    ) -> QualityReport:
        """Perplexity, divergence, agreement, size and (`with_speed`) speed of each, on `text` or on ours.

        Each is kept once it was measured, also if it is stopped after that. Raises ModelFileError for what is
        no form of the original or a text that is too short, ConversionFailed where a program fails,
        EngineMissing, DiskFull, StorageError and Cancelled.
        """
        variants = [each for each in variants if each.path != original.path]
        self._check_forms(original, variants)
        hashes: dict[Path, str] = {}
        for model in (original, *variants):
            progress(WorkProgress(f"Reading {model.name}"))
            hashes[model.path] = self._hashes.of(model, cancellation)
        with bench(self._paths, 0, "The measurement") as at:
            pieces = self._cut(original, text or TEXT, at, cancellation)
            found = {
                model.path: self._kept.get(
                    hashes[model.path],
                    original_hash=hashes[original.path],
                    text_hash=pieces.text_hash,
                    context=pieces.context,
                    chunks=pieces.chunks,
                )
                for model in (original, *variants)
            }
            missing = [model for model in variants if found[model.path] is None]
            first = found[original.path]
            logits = at.folder / "logits"
            if missing or first is None:
                perplexity = self._predict(original, pieces, logits, at, progress, cancellation)
                if first is None:
                    first = self._described(original, hashes[original.path], pieces, perplexity)
                    self._keep(first, hashes[original.path], pieces)
            for number, model in enumerate(missing, 1):
                words = f"Comparing {model.name} ({number} of {len(missing)})"
                progress(WorkProgress(words, 0, pieces.chunks, "pieces"))
                divergence = llama_cpp_quality.compare(
                    model.path,
                    logits,
                    context=pieces.context,
                    chunks=pieces.chunks,
                    log=at.log,
                    cancellation=cancellation,
                    on_chunks=_telling(progress, words),
                )
                measured = self._described(model, hashes[model.path], pieces, divergence.perplexity)
                found[model.path] = replace(measured, divergence=divergence)
                self._keep(found[model.path], hashes[original.path], pieces)
            logits.unlink(missing_ok=True)
            found[original.path] = first
            if with_speed:
                for model in (original, *variants):
                    quality = found[model.path]
                    assert quality is not None
                    if quality.speed is None:
                        progress(WorkProgress(f"Timing {model.name}"))
                        speed = llama_cpp_quality.speed(model.path, log=at.log, cancellation=cancellation)
                        found[model.path] = replace(quality, speed=speed)
                        self._keep(found[model.path], hashes[original.path], pieces)
        report = [_as_now(model, found[model.path]) for model in (original, *variants)]
        return QualityReport(
            report[0],
            tuple(report[1:]),
            pieces.name,
            pieces.text_hash,
            pieces.context,
            pieces.chunks,
        )

    def local(self) -> list[LocalQuality]:
        """The newest measurement of each file that is still there as it was then. Reads no model; quick."""
        read = FileHashes(self._paths.file_hashes)
        found = []
        for quality in self._kept.newest():
            path = found_at(quality.path, self._paths.home)
            if _known_hash(path, read) == quality.file_hash:
                place = Place.LIBRARY if path.is_relative_to(self._paths.models) else Place.IN_PLACE
                model = LocalModel(quality.name, path, quality.size, place)
                found.append(LocalQuality(model, replace(quality, path=str(path))))
        return found

    def _check_forms(self, original: LocalModel, variants: Sequence[LocalModel]) -> None:
        for model in (original, *variants):
            if model.format is not Format.GGUF:
                raise ModelFileError(f"{model.name} is stored as safetensors. Convert it to GGUF first.")
        sizes = identity_of(original).sizes
        for model in variants:
            if sizes is None or identity_of(model).sizes != sizes:
                raise ModelFileError(
                    f"{model.name} is no form of {original.name}: their layers, widths or vocabularies "
                    "differ, so that their predictions cannot be compared."
                )

    def _cut(self, original: LocalModel, text: Path, at: Bench, cancellation: Cancellation) -> _Pieces:
        try:
            length = text.stat().st_size
            if not text.is_file() or length > MOST_TEXT:
                raise ModelFileError(
                    f"{text.name} is no text of at most {size(MOST_TEXT)}. Choose a plain text file."
                )
            content = text.read_bytes()
        except OSError as error:
            raise ModelFileError(
                f"{text.name} cannot be read ({error.strerror}).", detail=str(error)
            ) from error
        copied = at.folder / "text.txt"
        copied.write_bytes(content)
        tokens = llama_cpp_quality.count_tokens(original.path, copied, log=at.log, cancellation=cancellation)
        context = next((each for each in CONTEXTS if tokens >= FEWEST_CHUNKS * each), CONTEXTS[-1])
        if tokens < 2 * context:
            raise ModelFileError(
                f"{text.name} is too short: it has {tokens:,} tokens, and {2 * context:,} are needed at "
                "least. Choose a longer text."
            )
        vocabulary = weigh(complete_header(original.path, original.format)).shape.vocabulary
        each = llama_cpp_quality.logits_size(context, 1, vocabulary)
        chunks = max(2, min(tokens // context, MOST_CHUNKS, MOST_LOGITS // each))
        return _Pieces(text.name, copied, hashlib.sha256(content).hexdigest(), context, chunks, vocabulary)

    def _predict(
        self,
        original: LocalModel,
        pieces: _Pieces,
        logits: Path,
        at: Bench,
        progress: Progress,
        cancellation: Cancellation,
    ) -> Estimate:
        needed = llama_cpp_quality.logits_size(pieces.context, pieces.chunks, pieces.vocabulary)
        check_space(at.folder, needed, f"What {original.name} predicts for the text")
        words = f"Asking {original.name}"
        progress(WorkProgress(words, 0, pieces.chunks, "pieces"))
        return llama_cpp_quality.save_logits(
            original.path,
            pieces.text,
            logits,
            context=pieces.context,
            chunks=pieces.chunks,
            vocabulary=pieces.vocabulary,
            log=at.log,
            cancellation=cancellation,
            on_chunks=_telling(progress, words),
        )

    def _described(
        self, model: LocalModel, file_hash: str, pieces: _Pieces, perplexity: Estimate
    ) -> VariantQuality:
        origin = self._origins.get(model.path)
        header = complete_header(model.path, model.format)
        return VariantQuality(
            name=model.name,
            path=str(model.path),
            quantization=details_of(header, model.path.name).quantization,
            size=model.size,
            file_hash=file_hash,
            perplexity=perplexity,
            divergence=None,
            speed=None,
            at=time.time(),
            saw_the_text=origin is not None and origin.importance_text == pieces.text_hash,
        )

    def _keep(self, quality: VariantQuality | None, original_hash: str, pieces: _Pieces) -> None:
        assert quality is not None
        self._kept.keep(
            replace(quality, path=kept_as(quality.path, self._paths.home)),
            original_hash=original_hash,
            text_hash=pieces.text_hash,
            context=pieces.context,
            chunks=pieces.chunks,
        ).result()


def _telling(progress: Progress, words: str) -> llama_cpp_quality.OnChunks:
    return lambda done, total: progress(WorkProgress(words, done, total, "pieces"))


def _as_now(model: LocalModel, quality: VariantQuality | None) -> VariantQuality:
    """What was kept of the same bytes, with the name and the place that they have now."""
    assert quality is not None
    return replace(quality, name=model.name, path=str(model.path))


def _known_hash(path: Path, read: FileHashes) -> str | None:
    """What the model hashes to if its files are as they were last read; None where nobody can tell."""
    found = []
    for part in parts_of(path):
        known = read.get(part)
        try:
            status = part.stat()
        except OSError:
            return None
        if known is None or (known.size, known.mtime_ns) != (status.st_size, status.st_mtime_ns):
            return None
        found.append(known.sha256)
    if len(found) == 1:
        return found[0]
    return hashlib.sha256("".join(f"{one}\n" for one in found).encode()).hexdigest() if found else None
