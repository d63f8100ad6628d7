"""Models on disk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.domain.hub import Format


class Place(StrEnum):
    """Where a model lies, and so whose it is."""

    LIBRARY = "Edgewise"
    BUNDLED = "part of Edgewise"
    """Comes with the installation, the same file for every user; never copied or deleted by us."""
    IN_PLACE = "where you keep it"
    """Added by a person, never moved or deleted by us."""
    HUGGING_FACE = "Hugging Face cache"
    LM_STUDIO = "LM Studio"
    OLLAMA = "Ollama"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model on this machine. `name` is what a person reads and types; it is unique in the library."""

    name: str
    path: Path
    """The file, or the first of several; of safetensors the folder."""
    size: int
    """Bytes on disk, all files together."""
    place: Place = Place.LIBRARY
    format: Format = Format.GGUF


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """What a model's header says of it. None or empty where it does not say."""

    title: str
    architecture: str
    parameters: int | None
    quantization: str
    context_length: int | None
    licence: str
    has_template: bool
    layers: int | None
    languages: tuple[str, ...] = ()
    is_projector: bool = False


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A model with all that the library page shows of it. `last_used` in seconds since the epoch."""

    model: LocalModel
    details: ModelDetails | None
    """None if the header cannot be read; `problem` then says why."""
    last_used: float | None = None
    problem: str = ""
    projector: Path | None = None


class Soundness(StrEnum):
    """What came of looking at all of a model's bytes."""

    WHOLE = "whole"
    """Every file of weights has the SHA-256 that it must have."""
    COMPLETE = "complete"
    """Nothing is missing by the headers; what the bytes must be, nobody told."""
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a model's files are whole, in a sentence."""

    model: LocalModel
    soundness: Soundness
    message: str
    detail: str = ""
