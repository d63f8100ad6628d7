"""Models made from models: safetensors converted to GGUF, GGUF quantized. No Qt here; everything blocks.

The window calls it from a worker; progress comes by callback on that thread, a `Cancellation` ends it within
a second. Whatever ends it, the library holds the new model whole or not at all.
"""

from __future__ import annotations

import hashlib
import time
from functools import cache
from pathlib import Path

from app.domain.conversion import Origin, QuantizationForecast, QuantizationType, WorkProgress
from app.domain.environment import InstallPlan
from app.domain.errors import EngineMissing, ModelFileError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LibraryEntry, LocalModel, Place
from app.domain.size_words import size
from app.engines import gguf_converter, llama_cpp_quantize
from app.engines.environment import Environment
from app.engines.installation import InstallFolders
from app.engines.installation import Progress as InstallingProgress
from app.engines.pins import tools
from app.hardware.probe import probe
from app.models.complete import complete_header
from app.models.conversion import Convertible, convertible, file_name
from app.models.details import details_of
from app.models.gguf_header import GGML_TYPES, GgufHeader
from app.models.identity import identity_of
from app.models.library import find_model
from app.services.model_library import ModelLibrary
from app.services.model_workshop import Progress, bench, free_target, shelve
from app.storage.origins import Origins
from app.storage.paths import Paths

CONVERTER = "convert_hf_to_gguf"
"""The tool's id in resources/engines.json."""
IMPORTANCE_CONTEXT = 512
"""Tokens in a piece of the text that an importance matrix is reckoned from: llama-imatrix's own."""
MOST_TEXT = 64 * 1024 * 1024
"""Bytes."""
_UNQUANTIZED = frozenset({"F32", "F16", "BF16"})


class Conversions:
    """Conversions into the library of `paths`. Any thread may call; several may work at a time."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        tool = tools()[CONVERTER]
        self.converter = Environment(
            tool.pin, tool.name, InstallFolders(paths.engines), cache(lambda: probe(paths.models))
        )
        """What the converter lives in."""

    # From safetensors

    def converter_plan(self) -> InstallPlan | None:
        """What installing the converter takes; None where it is there, or cannot be (`converter.why_not`)."""
        return None if self.converter.installed() is not None else self.converter.plan()

    def install_converter(
        self, progress: InstallingProgress, cancellation: Cancellation, source: Path | None = None
    ) -> None:
        """Install it; see `Environment.install` for what it raises. Being offline is the caller's to ask."""
        self.converter.install(progress, cancellation, source)

    def convertible(self, words: str) -> Convertible:
        """The model that a person means: a folder, or a name in the library. Raises ModelFileError."""
        folder = Path(words).expanduser()
        if folder.is_dir():
            return convertible(folder.absolute())
        models = ModelLibrary(self._paths).models()
        folders = [model for model in models if model.format is Format.SAFETENSORS]
        if not folders:
            raise ModelFileError(
                f"There is no folder {words}, and no model in the library that is stored as safetensors. "
                "Name a folder with config.json and model.safetensors."
            )
        return convertible(find_model(folders, words, folder=self._paths.models).path)

    def converted_path(self, source: Convertible, output_type: str) -> Path:
        """Where `source` will lie once it is converted."""
        return self._paths.models / file_name(source.title, output_type.upper())

    def convert(
        self, source: Convertible, output_type: str, progress: Progress, cancellation: Cancellation
    ) -> LibraryEntry:
        """Convert it to a GGUF file of `output_type` (`OUTPUT_TYPES`) in the library.

        Raises EngineMissing without the converter, ModelFileError where there is such a file already,
        ConversionFailed with the reason, DiskFull, StorageError and Cancelled.
        """
        installed = self.converter.installed()
        if installed is None:
            raise EngineMissing(
                "The converter to GGUF is not installed. "
                + (self.converter.why_not() or "Install it first: it takes about a gigabyte.")
            )
        target = free_target(self.converted_path(source, output_type))
        words = f"Converting {source.title} to {output_type.upper()}"
        progress(WorkProgress(words))
        with bench(
            self._paths, source.size_as(output_type), f"{source.title} as {output_type.upper()}"
        ) as at:
            made = at.folder / target.name
            gguf_converter.convert(
                self.converter.python(),
                source.folder,
                made,
                output_type,
                title=source.title,
                log=at.log,
                cancellation=cancellation,
                on_tensors=lambda done, total: progress(WorkProgress(words, done, total, "tensors")),
            )
            package = f"{gguf_converter.PACKAGE} {self.converter.version()}".strip()
            origin = Origin(source.folder.name, package, time.time())
            return shelve(made, target, origin, self._paths, progress, cancellation)

    # From GGUF

    def types(self) -> tuple[QuantizationType, ...]:
        """All that llama-quantize makes, as it lists them. Raises EngineMissing and ConversionFailed."""
        return llama_cpp_quantize.quantization_types()

    def type_named(self, words: str) -> str:
        """The type that a person means, aliases resolved: "q4_k" is "Q4_K_M". Raises ModelFileError."""
        for each in self.types():
            if each.name.casefold() == words.casefold():
                return each.note.rpartition("alias for ")[2] if "alias for " in each.note else each.name
        names = ", ".join(each.name for each in self.types())
        raise ModelFileError(f"llama-quantize makes no “{words}”. It makes: {names}.")

    def why_not_quantize(self, model: LocalModel) -> str:
        """Why `model` should not be quantized, in sentences; empty where it may. Raises ModelFileError."""
        if model.format is not Format.GGUF:
            return f"{model.name} is stored as safetensors. Convert it first."
        header = complete_header(model.path, model.format)
        if not _is_quantized(header):
            return ""
        stored = details_of(header, model.path.name).quantization
        return (
            f"{model.name} is stored in {stored or 'a quantization'} already. Quantizing again what is "
            "quantized loses quality twice, and the name does not tell: take the F16 or BF16 file of the "
            "same model."
        )

    def quantized_path(self, model: LocalModel, type_: str) -> Path:
        """Where `model` will lie as `type_`: in the library, beside itself if it is there.

        Raises ModelFileError.
        """
        folder = model.path.parent if model.place is Place.LIBRARY else self._paths.models
        return folder / file_name(identity_of(model).title, type_)

    def forecast(
        self, model: LocalModel, type_: str, cancellation: Cancellation
    ) -> QuantizationForecast | None:
        """What `model` takes as `type_`, by llama-quantize itself in some 0.1 s; None: it does not say.

        Raises StorageError, EngineMissing and Cancelled.
        """
        with bench(self._paths, 0, "The forecast") as at:
            return llama_cpp_quantize.forecast(model.path, type_, at.log, cancellation)

    def quantize(
        self,
        model: LocalModel,
        type_: str,
        progress: Progress,
        cancellation: Cancellation,
        *,
        importance_text: Path | None = None,
        again: bool = False,
    ) -> LibraryEntry:
        """Make `model` in `type_` (`types`) in the library.

        With an `importance_text` an importance matrix is reckoned from it first. What is quantized already is
        refused unless `again`. Raises ModelFileError, ConversionFailed with the reason, EngineMissing,
        DiskFull, StorageError and Cancelled.
        """
        reason = self.why_not_quantize(model)
        if reason and not (again and model.format is Format.GGUF):
            raise ModelFileError(reason)
        target = free_target(self.quantized_path(model, type_))
        text_hash = _hash_of_text(importance_text) if importance_text is not None else ""
        words = f"Quantizing {model.name} to {type_}"
        progress(WorkProgress(words))
        forecast = self.forecast(model, type_, cancellation)
        needed = forecast.size if forecast is not None else model.size
        with bench(self._paths, needed, f"{model.name} as {type_}") as at:
            importance: Path | None = None
            if importance_text is not None:
                progress(WorkProgress(f"Reckoning which weights matter, from {importance_text.name}"))
                importance = at.folder / "importance.gguf"
                llama_cpp_quantize.importance_matrix(
                    model.path,
                    importance_text.absolute(),
                    importance,
                    context=IMPORTANCE_CONTEXT,
                    log=at.log,
                    cancellation=cancellation,
                )
            made = at.folder / target.name
            llama_cpp_quantize.quantize(
                model.path,
                made,
                type_,
                importance=importance,
                allow_requantize=bool(reason),
                log=at.log,
                cancellation=cancellation,
                on_tensors=lambda done, total: progress(WorkProgress(words, done, total, "tensors")),
            )
            origin = Origin(
                model.name,
                "llama-quantize",
                time.time(),
                importance_text.name if importance_text is not None else "",
                text_hash,
            )
            return shelve(made, target, origin, self._paths, progress, cancellation)

    def origin_of(self, model: LocalModel) -> Origin | None:
        """Where a model that was made here came from; None for any other."""
        return Origins(self._paths.models).get(model.path)


def _is_quantized(header: GgufHeader) -> bool:
    types = {
        GGML_TYPES[tensor.type_id][0] if tensor.type_id in GGML_TYPES else "" for tensor in header.tensors
    }
    return not types <= _UNQUANTIZED


def _hash_of_text(text: Path) -> str:
    """Raises ModelFileError where it cannot be read or is too long."""
    try:
        length = text.stat().st_size
        if not text.is_file() or length > MOST_TEXT:
            raise ModelFileError(
                f"{text.name} is no text of at most {size(MOST_TEXT)}. Choose a plain text file."
            )
        return hashlib.sha256(text.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelFileError(f"{text.name} cannot be read ({error.strerror}).", detail=str(error)) from error
