"""Which model of the catalog, and in which form, the decision guide suggests for an engine. No Qt here.

For llama.cpp the ladders decide. The engines that compute in floating point are given 16 bits a weight, and
memory is weights + KV cache + what `app.services.float_loading` reckons for the engine itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.advisor.advice import READABLE_SPEED
from app.advisor.choice import WORTH_HAVING
from app.advisor.correction import DEFAULT_SPEED_SHARE
from app.advisor.guide_answer import ModelSuggestion, Wish
from app.advisor.ladder import Fit, Goal, Ladder, Level, Rung, Subject, verdict
from app.advisor.words import gigabytes, unused_gpus
from app.domain.catalog import CatalogModel, Dimensions, Purpose
from app.domain.hub import Format
from app.domain.machine import Machine
from app.domain.model import LocalModel
from app.engines.nvidia import nvidia_gpus
from app.engines.pins import machine_kind, pins
from app.engines.vllm_memory import BESIDE_SHARE, GPU_OVERHEAD
from app.models.footprint import MARGIN_BYTES
from app.services.first_model import DISK_SHARE, FEWEST_PARAMETERS
from app.services.float_loading import OTHER_RUNTIME_BYTES, RUNTIME_BYTES
from app.services.local_rungs import with_local

GGUF_ENGINE = "llama_cpp"
LARGEST_DOWNLOAD = 24_000_000_000
"""Bytes. Ours: half an hour at 100 Mbit/s. Who wants a larger one finds it on the Models page."""
SMALL_FILE = 2_000_000_000
"""Bytes of a file for a phone. Ours: phones with 6 or 8 GB leave one app about half, for the file, the cache
and the app itself."""
UNMEASURED_PARAMETERS = 4_000_000_000
"""That a token uses at most, where nothing tells how fast it would be and no GPU holds it. Ours: on a usual
laptop (40 GB/s) such a model makes some ten tokens a second in four bits."""
BYTES_A_WEIGHT = 2
PRECISION = "bf16"


@dataclass(frozen=True, slots=True)
class _Offer:
    """One model in one form. `active` counts the parameters that a token uses; `told` says whether anything
    tells that it is quick: a speed, or that a GPU holds it."""

    model: CatalogModel
    level: Level
    size: int
    told: bool
    suggestion: ModelSuggestion


class ModelSuggester:
    """Suggestions for one machine as it is now. Pure but for what it remembers; not for several threads.

    `subjects` are the catalog's models by id, `ladder` gives the ladder of one on that machine, `local` are
    the models that are on this machine.
    """

    def __init__(
        self,
        machine: Machine,
        models: Sequence[CatalogModel],
        subjects: Mapping[str, Subject],
        ladder: Callable[[Subject, Goal], Ladder],
        local: Sequence[LocalModel] = (),
    ) -> None:
        self._machine = machine
        self._models = [model for model in models if Purpose.CHAT in model.purposes]
        self._subjects = subjects
        self._ladder = ladder
        self._local = local
        self._made: dict[tuple[str, Wish], ModelSuggestion | None] = {}

    def __call__(self, engine: str, wish: Wish) -> ModelSuggestion | None:
        """The model for an engine's id; None where none fits."""
        key = (engine, wish)
        if key not in self._made:
            self._made[key] = self._choose(engine, wish)
        return self._made[key]

    def _choose(self, engine: str, wish: Wish) -> ModelSuggestion | None:
        if engine == GGUF_ENGINE:
            offers = [offer for model in self._models for offer in self._gguf(model, wish)]
        else:
            room = _float_room(engine, self._machine)
            offers = [offer for model in self._models for offer in self._floating(model, wish, room)]
        free = self._machine.disk.free
        most = LARGEST_DOWNLOAD if free is None else min(LARGEST_DOWNLOAD, int(DISK_SHARE * free))
        return _best([it for it in offers if it.suggestion.path is not None or it.size <= most])

    def _gguf(self, model: CatalogModel, wish: Wish) -> list[_Offer]:
        ladder = with_local(self._ladder(self._subjects[model.id], wish.goal), model, self._local)
        rung, level = _small_rung(ladder) if wish.small else _rung(ladder)
        if rung is None or rung.file_size is None:
            return []
        told = verdict(ladder)
        because = [_larger(level, wish)]
        if rung is ladder.recommended:
            because.append(ladder.because)
        words = told.words if rung is told.rung else f"Takes {gigabytes(rung.need.total)} of memory"
        suggestion = ModelSuggestion(
            model_id=model.id,
            name=model.name,
            precision=rung.quantization,
            format=Format.GGUF,
            repository=rung.variant.repository if rung.variant is not None else model.repository,
            parameters=model.parameters,
            size=rung.file_size,
            speed=None if wish.small else rung.speed,
            verdict=words,
            because=tuple(because),
            would_change=_changes(ladder, self._machine) if rung is ladder.recommended else (),
            variant=rung.variant,
            path=rung.path,
        )
        told_here = rung.speed is not None or rung.fit is Fit.GPU or wish.small
        return [_Offer(model, level, rung.file_size, told_here, suggestion)]

    def _floating(self, model: CatalogModel, wish: Wish, room: _Room) -> list[_Offer]:
        weights = model.parameters * BYTES_A_WEIGHT
        context = min(wish.goal.context_length, model.context_length)
        needed = weights + cache_bytes(model.dimensions, context) + room.runtime
        path = self._folder_of(model)
        if needed > room.free or (model.gated and path is None):
            return []
        # What memory can give at most, as llama.cpp reaches it: none of these engines was seen to do better.
        bound = None
        if room.bandwidth is not None:
            bound = DEFAULT_SPEED_SHARE * room.bandwidth / (model.active_parameters * BYTES_A_WEIGHT)
        where = " on the GPU" if room.on_gpu else ""
        level = _level(bound, wish)
        suggestion = ModelSuggestion(
            model_id=model.id,
            name=model.name,
            precision=PRECISION,
            format=Format.SAFETENSORS,
            repository=model.original,
            parameters=model.parameters,
            size=weights,
            speed=None,
            verdict=f"Fits: takes {gigabytes(needed)} of {gigabytes(room.free)} free{where}",
            because=(_larger(level, wish), "How fast it is shows with the first reply."),
            path=path,
        )
        return [_Offer(model, level, weights, room.on_gpu or bound is not None, suggestion)]

    def _folder_of(self, model: CatalogModel) -> Path | None:
        """Where its safetensors are on this machine."""
        name = model.original.rpartition("/")[2].casefold()
        folders = (it.path for it in self._local if it.format is Format.SAFETENSORS)
        return next((path for path in folders if path.name.casefold() == name), None)


def cache_bytes(dimensions: Dimensions, context: int) -> int:
    """Bytes of a 16-bit KV cache of so many tokens in engines that keep all of every layer."""
    heads = dimensions.kv_heads
    kv_heads = heads[0] * dimensions.layers if len(heads) == 1 else sum(heads)
    size = max(dimensions.head_size, dimensions.full_head_size)
    return 2 * kv_heads * size * context * BYTES_A_WEIGHT


@dataclass(frozen=True, slots=True)
class _Room:
    """Bytes that may be taken where an engine's build computes, what it takes itself, and the bandwidth of
    that memory in bytes a second, None where it was not measured."""

    free: int
    runtime: int
    on_gpu: bool
    bandwidth: float | None


def _float_room(engine: str, machine: Machine) -> _Room:
    variant = pins()[engine].variant_for(machine) if engine in pins() else None
    gpus = nvidia_gpus(machine)
    if gpus and (variant is None or variant.cuda is not None):
        return _Room(max(gpu.memory_free or 0 for gpu in gpus), GPU_OVERHEAD + BESIDE_SHARE, True, None)
    free = machine.memory.available - MARGIN_BYTES
    if machine_kind(machine).startswith("darwin-"):
        shared = [gpu.memory_total for gpu in machine.gpus if gpu.unified_memory and gpu.memory_total]
        free = min([free, *shared])
    bandwidth = machine.bandwidth
    measured = float(bandwidth.read or bandwidth.copy) if bandwidth is not None else None
    return _Room(max(0, free), RUNTIME_BYTES.get(engine, OTHER_RUNTIME_BYTES), False, measured)


def _level(speed: float | None, wish: Wish) -> Level:
    if speed is None or speed >= wish.goal.target_speed:
        return Level.WELL
    return Level.READABLE if speed >= READABLE_SPEED else Level.SLOW


def _larger(level: Level, wish: Wish) -> str:
    """Why this model, by the level at which `_best` took it."""
    if wish.small:
        return f"Of the catalog’s models it is the largest that is good in {gigabytes(SMALL_FILE)}."
    if level is Level.WELL:
        return "Of the catalog’s models for conversation it is the largest that suits this machine."
    if level is Level.READABLE:
        return "Of the catalog’s models for conversation it is the largest that is fast enough to be read."
    return "Of the catalog’s models for conversation it is the smallest: none runs well in what is free."


def _changes(ladder: Ladder, machine: Machine) -> tuple[str, ...]:
    """What leads to another quantization first of all, and GPUs that lie idle."""
    return tuple(dict.fromkeys((*ladder.would_change[:1], *unused_gpus(machine))))


def _rung(ladder: Ladder) -> tuple[Rung | None, Level]:
    told = verdict(ladder)
    return (None if told.level is Level.TOO_BIG else told.rung), told.level


def _small_rung(ladder: Ladder) -> tuple[Rung | None, Level]:
    """The best quality in a small file, if it is good and can be tried here."""
    small = (
        rung
        for rung in ladder.rungs
        if rung.fits and _is_worth_having(rung) and 0 < (rung.file_size or 0) <= SMALL_FILE
    )
    return next(small, None), Level.WELL


def _is_worth_having(rung: Rung) -> bool:
    return rung.divergence is not None and rung.divergence <= WORTH_HAVING


def _best(offers: Sequence[_Offer]) -> ModelSuggestion | None:
    """The largest that runs well, as for a first model (`app.services.first_model`): among models that do it
    is the most capable one. Without one worth having the largest that is readable, else the smallest."""
    known = [it for it in offers if it.told or it.model.active_parameters <= UNMEASURED_PARAMETERS]
    usable = [it for it in known if it.level is Level.WELL]
    if all(it.model.parameters < FEWEST_PARAMETERS for it in usable):
        usable += [it for it in known if it.level is Level.READABLE]
    if usable:
        return max(usable, key=lambda it: it.model.parameters).suggestion
    return min(offers, key=lambda it: it.model.parameters).suggestion if offers else None
