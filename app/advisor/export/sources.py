"""Where a target takes a model from: a form on this machine, else the hub, else a place to be filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from app.advisor.export.values import Model, Target
from app.domain.hub import Format
from app.engines.llama_cpp import LlamaCpp
from app.engines.sglang import SGLang
from app.engines.tensorrt_llm import TensorRtLlm
from app.engines.transformers import Transformers
from app.engines.vllm import Vllm
from app.models.one_line import one_line

TO_FILL_IN = "OWNER/MODEL"
FILE_TO_FILL_IN = "MODEL.gguf"
QUANTIZATION = "Q4_K_M"
"""Taken where nobody says which: the one that llama.cpp takes, too."""
MAX_NAME = 80
"""Characters of a model’s name in a sentence."""

FORMATS: dict[str, tuple[Format, ...]] = {
    adapter.id: adapter.formats for adapter in (LlamaCpp, Transformers, Vllm, SGLang, TensorRtLlm)
}
"""What each engine reads, by its id."""


class Kind(Enum):
    """What `Source.where` is."""

    FOLDER = auto()
    """Of safetensors, here."""
    FILE = auto()
    """A GGUF file, here."""
    REPOSITORY = auto()
    """Of safetensors, on the hub."""
    GGUF_REPOSITORY = auto()
    """Of GGUF files, on the hub; `Source.file` says which, maybe by a pattern with “*”."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model as a target is told of it. `note` says, in a sentence, what is to be filled in."""

    kind: Kind
    where: str
    file: str = ""
    note: str = ""


def source_for(model: Model, engine_id: str) -> Source:
    """The best source of `model` for that engine."""
    formats = FORMATS.get(engine_id, (Format.GGUF, Format.SAFETENSORS))
    return (
        _here(model, formats)
        or _on_the_hub(model, formats)
        or _unknown(model, formats, Target(engine_id).label if engine_id in FORMATS else "The server")
    )


def _here(model: Model, formats: Sequence[Format]) -> Source | None:
    for fmt in formats:
        form = model.form(fmt)
        if form is not None:
            return Source(Kind.FILE if fmt is Format.GGUF else Kind.FOLDER, str(form.path))
    return None


def _on_the_hub(model: Model, formats: Sequence[Format]) -> Source | None:
    for fmt in formats:
        if fmt is Format.SAFETENSORS and model.repository:
            return Source(Kind.REPOSITORY, model.repository)
        if formats[0] is Format.GGUF and model.gguf_repository:
            return Source(
                Kind.GGUF_REPOSITORY, model.gguf_repository, model.gguf_file or f"*{QUANTIZATION}.gguf"
            )
    return None


def _unknown(model: Model, formats: Sequence[Format], who: str) -> Source:
    name = one_line(model.name, MAX_NAME)
    if formats[0] is Format.GGUF:
        note = (
            f"{who} reads GGUF files, and none of {name} is known here: put the path of one in the place of"
            f" {FILE_TO_FILL_IN}."
        )
        return Source(Kind.FILE, FILE_TO_FILL_IN, note=note)
    note = (
        f"{who} reads safetensors, and none of {name} are known here: put their folder, or their repository"
        f" on the hub, in the place of {TO_FILL_IN}."
    )
    return Source(Kind.REPOSITORY, TO_FILL_IN, note=note)
