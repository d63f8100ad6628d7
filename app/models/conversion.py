"""What can be converted to GGUF, and how large that gets: a look at the folder, before any program runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import ModelFileError
from app.domain.hub import Format
from app.domain.model import LocalModel, Place
from app.models.complete import check_headers
from app.models.identity import identity_of
from app.models.model_files import MAX_CONFIG_BYTES, MAX_NAME, model_at, read_json
from app.models.one_line import one_line
from app.models.safetensors_folder import read_tensors, weight_files

OUTPUT_TYPES = ("f16", "bf16", "f32", "q8_0")
"""What the converter writes, as it calls them: the usual one first. Everything else is `llama-quantize`'s."""
_BYTES = {"f16": 2.0, "bf16": 2.0, "f32": 4.0, "q8_0": 34 / 32}
"""A weight takes; of q8_0 a block of 32 takes 34 (ggml's block_q8_0)."""
_SLACK = 1.03
"""Small tensors stay in F32, and the vocabulary is written: 0.7 % for SmolLM2 135M, less for larger ones."""
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_INDEX = "model.safetensors.index.json"
_MAX_INDEX = 64 << 20
"""Bytes; it names every tensor."""
_MAX_WORD = 80


@dataclass(frozen=True, slots=True)
class Convertible:
    """A folder of safetensors that a converter may be tried on."""

    folder: Path
    title: str
    """The model's name without precision: "SmolLM2 135M Instruct"."""
    architecture: str
    """The class as config.json names it: "LlamaForCausalLM"."""
    weights: int
    """How many numbers."""
    size: int
    """Bytes of its weights."""
    stored: str
    """What they are stored in, in the words of papers: "bf16"."""

    def size_as(self, output_type: str) -> int:
        """About how many bytes the GGUF file will have. Any other type than `OUTPUT_TYPES` is a KeyError."""
        return round(self.weights * _BYTES[output_type] * _SLACK)


def convertible(folder: Path) -> Convertible:
    """The model in `folder`, its headers read and its files complete.

    Raises ModelFileError for what is none, is not whole, or holds weights in anything but safetensors.
    """
    found = model_at(folder, Place.IN_PLACE) if folder.is_dir() else None
    if found is None or found.format is not Format.SAFETENSORS:
        raise ModelFileError(_why_not(folder), detail=str(folder))
    _check_index(folder)
    try:
        check_headers(folder, Format.SAFETENSORS)
        weights = sum(count for file in weight_files(folder) for _, count in read_tensors(file))
    except ModelFileError as error:
        raise ModelFileError(f"{folder.name}: {error.message}", detail=error.detail) from error
    identity = identity_of(LocalModel(found.names[0], folder, found.size, Place.IN_PLACE, Format.SAFETENSORS))
    return Convertible(folder, identity.title, _architecture(folder), weights, found.size, identity.precision)


def file_name(title: str, quantization: str) -> str:
    """What a model made here is called: "SmolLM2-135M-Instruct-Q4_K_M.gguf"."""
    words = "".join(c if c.isalnum() or c in "._+" else " " for c in one_line(title, MAX_NAME)).split()
    plain = "-".join(filter(None, (word.strip(".") for word in words)))
    return f"{plain or 'model'}-{quantization}.gguf"


def _architecture(folder: Path) -> str:
    values = read_json(folder / "config.json", MAX_CONFIG_BYTES).get("architectures")
    first = values[0] if isinstance(values, list) and values else ""
    return one_line(first, _MAX_WORD) if isinstance(first, str) else ""


def _check_index(folder: Path) -> None:
    """The index names the files that are read: only such as lie here."""
    if not (folder / _INDEX).exists():
        return
    named = read_json(folder / _INDEX, _MAX_INDEX).get("weight_map")
    files = {file.name for file in weight_files(folder)}
    wanted = set(map(str, named.values())) if isinstance(named, dict) else set()
    if not wanted or wanted - files:
        missing = one_line(", ".join(sorted(wanted - files)), MAX_NAME)
        raise ModelFileError(
            f"{folder.name} is not whole: its index names files that are not there"
            f"{f' ({missing})' if missing else ''}. Download it again."
        )


def _why_not(folder: Path) -> str:
    if not folder.is_dir():
        return f"There is no folder {folder.name}. Name one with config.json and model.safetensors."
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if any(name.endswith(_PICKLES) for name in names):
        return (
            f"{folder.name} holds its weights as Python pickles. Loading these can run any program, so "
            "Edgewise converts safetensors alone: look for the same model stored so."
        )
    return (
        f"{folder.name} is no model that can be converted. Name a folder with config.json of a model that "
        "writes text, and model.safetensors."
    )
