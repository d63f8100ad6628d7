"""What advice on a model's quantizations is given for, and what it says: values alone."""

from __future__ import annotations

import math
from dataclasses import InitVar, dataclass, field
from enum import StrEnum
from pathlib import Path

from app.domain.hub import Variant
from app.domain.model_quality import VariantQuality
from app.domain.quantization import Quality, known
from app.models.footprint import projector_bytes
from app.models.gguf_header import GgufHeader
from app.models.weights import WeighedModel, weigh


class Fit(StrEnum):
    """Whether, and where, a model fits at the context length that was asked for."""

    GPU = "fits in the GPU"
    SPLIT = "fits in GPU and memory together"
    MEMORY = "fits in memory"
    SHORTER = "only with a shorter context"
    NO = "does not fit"


READABLE_SPEED = 5.0
"""Tokens a second from which on a reply is read as it comes. People read 4 words a second (Brysbaert 2019,
"How many words do we read per minute?": 238 a minute), which are some 5 tokens."""


class Level(StrEnum):
    """How well a machine runs a model, in a word."""

    WELL = "runs well"
    READABLE = "readable"
    """Slower than was asked for, else well, and no slower than people read (`READABLE_SPEED`)."""
    SLOW = "slow"
    """Slower than people read, and than was asked for."""
    TIGHT = "tight"
    TOO_BIG = "too big"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a person wants: a context length in tokens, and a speed in tokens a second.

    `cache_type` is that of keys and values (`app.models.kv_cache.CACHE_TYPES`).
    """

    context_length: int = 8192
    target_speed: float = 15.0
    cache_type: str = "f16"


@dataclass(frozen=True, slots=True)
class Need:
    """The memory that a model takes, in bytes, by what it is for and by where it lies.

    The parts are what the formulas give; `host` and `gpu` are corrected by what earlier loads took.
    """

    tensors: int
    cache: int
    compute: int
    projector: int
    runtime: int
    host: int
    gpu: int

    @property
    def total(self) -> int:
        """All of it, corrected."""
        return self.host + self.gpu

    @property
    def correction(self) -> int:
        """What the correction added to the formulas' bytes (or, negative, took off)."""
        return self.total - (self.tensors + self.cache + self.compute + self.projector + self.runtime)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One quantization that a person could choose.

    `file_size` is in bytes, without the projector; None where nobody says. With `exact` the header is this
    very file's. Else it is another quantization's or a sketch, whose tensors count as scaled to `file_size`
    (where that is known): caches and buffers are the same for all. The headers are weighed once, for all the
    ladders that a slider asks for, and are not kept: a catalog's would take 20 MB. What was weighed before is
    taken as it is.
    """

    quantization: str
    file_size: int | None
    header: InitVar[GgufHeader | WeighedModel]
    exact: bool
    variant: Variant | None = None
    """On the hub, to be downloaded."""
    path: Path | None = None
    """On this machine."""
    projector: InitVar[GgufHeader | int | None] = None
    """Its header, or the size of its file."""
    model: WeighedModel = field(init=False, repr=False)
    bits: float = field(init=False, repr=False)
    """A weight: as published, else of the file's weights all together."""
    projector_size: int = field(init=False, repr=False)
    """Bytes that the projector takes in memory, 0 without one."""

    def __post_init__(self, header: GgufHeader | WeighedModel, projector: GgufHeader | int | None) -> None:
        """Weigh the headers."""
        row = known(self.quantization)
        bits = row.bits if row else 0.0
        if isinstance(header, WeighedModel):
            model = header
        else:
            model = weigh(header)
            if not self.exact and self.file_size is not None:
                tensors = self.file_size - header.data_offset
                model = WeighedModel(model.shape, model.weights.scaled_to(max(0, tensors)))
            bits = bits or _bits(header, model.weights.total)
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "bits", bits)
        size = projector_bytes(projector) if isinstance(projector, GgufHeader) else projector or 0
        object.__setattr__(self, "projector_size", size)


def _bits(header: GgufHeader, size: int) -> float:
    weights = sum(math.prod(tensor.shape) for tensor in header.tensors)
    return 8.0 * size / weights if weights else 0.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A model in the quantizations there are of it. `context_length`: trained for, in tokens; 0: unknown."""

    name: str
    candidates: tuple[Candidate, ...]
    context_length: int


@dataclass(frozen=True, slots=True)
class Rung:
    """One quantization on this machine.

    `speed` is in tokens a second with half of the context filled; None where nothing measured tells.
    `largest_context` in tokens is what fits at most, up to what the model was trained for; 0: none.
    `perplexity_increase_percent`, `divergence` (nats a token) and `quality` are those that were `measured` on
    this machine, else published figures of another model (`Ladder.quality_source`); None without either.
    """

    quantization: str
    file_size: int | None
    need: Need
    fit: Fit
    speed: float | None
    largest_context: int
    gpu_layers: int
    """That lie on the GPU, the output counted as one."""
    quality: Quality | None
    perplexity_increase_percent: float | None
    divergence: float | None
    exact: bool
    variant: Variant | None = None
    path: Path | None = None
    missing: int = 0
    """Bytes of free main memory that it lacks at the context length that was asked for; 0 if it fits."""
    gpu_missing: int = 0
    """Bytes of free GPU memory that it lacks to lie there whole; 0 if it does, or without a GPU to use."""
    measured: VariantQuality | None = None
    """What this very model was measured to lose here; None where nobody did."""

    @property
    def fits(self) -> bool:
        """Whether it fits at the context length that was asked for."""
        return self.fit not in (Fit.SHORTER, Fit.NO)


@dataclass(frozen=True, slots=True)
class Ladder:
    """A model's quantizations on this machine, best quality first, and which one to take.

    `because`, `runners_up` and `would_change` are sentences. `available` and `gpu_available` are bytes free
    to programs now, before any margin; a GPU that shares main memory has none of its own. `bandwidth` is in
    bytes a second, None where it was never measured.
    """

    name: str
    goal: Goal
    rungs: tuple[Rung, ...]
    recommended: Rung | None
    because: str
    runners_up: tuple[str, ...]
    would_change: tuple[str, ...]
    available: int
    gpu_available: int
    bandwidth: float | None
    quality_source: str

    @property
    def measured_here(self) -> tuple[str, ...]:
        """The quantizations whose quality was measured on this machine, with this very model."""
        return tuple(rung.quantization for rung in self.rungs if rung.measured is not None)

    @property
    def sketched(self) -> bool:
        """Whether files are reckoned from the model's published sizes, since nobody told what they are."""
        return any(not rung.exact and rung.variant is None for rung in self.rungs)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ladder in one line. `speed` is in tokens a second, None where nothing measured tells."""

    level: Level
    words: str
    rung: Rung | None
    speed: float | None
