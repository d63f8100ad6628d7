"""How much room a machine has for a model, and where the model then lies.

llama-server decides by itself how many layers go to the GPU, as many as fit; what is reckoned here is that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.advisor.advice import Need
from app.advisor.correction import Correction
from app.domain.machine import Gpu, Machine
from app.models.footprint import (
    CONTEXT_STEP,
    GPU_RUNTIME_BYTES,
    MARGIN_BYTES,
    Forecast,
    Layout,
    RunOptions,
    lay_out,
)
from app.models.weights import WeighedModel

GPU_MARGIN_BYTES = 1 << 30
"""What llama-server leaves free on each GPU (--fit-target, by default 1024 MiB)."""


@dataclass(frozen=True, slots=True)
class Room:
    """Memory that a model may take, in bytes, margins taken off: negative where not even they are free.

    `gpus` are those that the engine uses, together with `gpu` bytes. With `shared` they have no memory of
    their own: what lies there counts against `host`, too.
    """

    host: int
    gpu: int = 0
    gpus: int = 0
    shared: bool = False

    @property
    def gpu_runtime(self) -> int:
        """Bytes that the engine takes on them beside the model."""
        return 0 if self.shared else self.gpus * GPU_RUNTIME_BYTES


@dataclass(frozen=True, slots=True)
class Placement:
    """A model at one context length. `missing`: bytes of main memory it lacks, 0 or less if it fits."""

    need: Need
    gpu_layers: int
    layers: int
    """All that could lie on the GPU, the output counted as one."""
    missing: int

    @property
    def fits(self) -> bool:
        """Whether there is room for it."""
        return self.missing <= 0


def usable_gpus(machine: Machine) -> tuple[Gpu, ...]:
    """The GPUs that the build of llama.cpp finds by which `machine` was looked at; see `used_of`."""
    return used_of(machine.gpus)


def used_of(gpus: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Those of `gpus` that llama.cpp named and uses, and whose free memory is known.

    Like llama.cpp it takes those with memory of their own, all of them; only without any the first of those
    that share main memory.
    """
    found = [gpu for gpu in gpus if gpu.device is not None]
    own = tuple(gpu for gpu in found if not gpu.unified_memory and gpu.memory_free is not None)
    shared = tuple(gpu for gpu in found if gpu.unified_memory and gpu.memory_total is not None)
    return own or shared[:1]


def free_gpu_memory(machine: Machine) -> int:
    """Bytes free on the GPUs that the engine uses, all together; 0 where they share main memory."""
    return sum(gpu.memory_free or 0 for gpu in usable_gpus(machine) if not gpu.unified_memory)


def room_of(machine: Machine) -> Room:
    """What `machine` has room for now."""
    return room_with(machine.memory.available, usable_gpus(machine))


def room_with(available: int, gpus: Sequence[Gpu]) -> Room:
    """The room in `available` bytes of main memory and on `gpus`, which are what `used_of` gives.

    Layers are dealt to all GPUs, so that their memory adds up; each keeps a margin of its own.
    """
    host = available - MARGIN_BYTES
    shared = any(gpu.unified_memory for gpu in gpus)
    most = sum((gpu.memory_total if shared else gpu.memory_free) or 0 for gpu in gpus)
    # Of shared memory llama.cpp, too, sees the limit alone: what lies there must fit into `host` besides.
    room = most - len(gpus) * GPU_MARGIN_BYTES
    return Room(host, room, len(gpus), shared) if room > 0 else Room(host)


def place(
    model: WeighedModel, options: RunOptions, room: Room, correction: Correction, projector: int = 0
) -> Placement:
    """Where the model lies with `options`; `projector` in bytes.

    As many layers as fit go to the GPU, from the last; the rest stays in main memory, whether it fits or not.
    """
    laid = lay_out(model, options)
    gpu_layers = 0
    if room.gpu:
        left = room.gpu - _lost_to_further_gpus(laid, room)
        gpu_layers = laid.layers_that_fit(left, projector=projector, gpu_runtime=room.gpu_runtime)
        on_gpu = _on(laid, gpu_layers, room, projector).gpu.total if gpu_layers else 0
        over = correction.memory(on_gpu) - on_gpu if on_gpu else 0
        if over > 0:
            gpu_layers = laid.layers_that_fit(left - over, projector=projector, gpu_runtime=room.gpu_runtime)
    need = _need(_on(laid, gpu_layers, room, projector), correction)
    missing = (need.total if room.shared else need.host) - room.host
    return Placement(need, gpu_layers, len(laid.caches) + 1, missing)


def missing_on_gpu(
    model: WeighedModel, options: RunOptions, room: Room, correction: Correction, projector: int = 0
) -> int:
    """Bytes that the GPUs lack for all of the model; 0 or less if it fits, 0 without memory of their own."""
    if not room.gpus or room.shared:
        return 0
    laid = lay_out(model, options)
    made = laid.forecast(gpu_layers=len(laid.caches) + 1, projector=projector, gpu_runtime=room.gpu_runtime)
    return correction.memory(made.gpu.total) + _lost_to_further_gpus(laid, room) - room.gpu


def largest_fitting_context(
    model: WeighedModel,
    options: RunOptions,
    room: Room,
    correction: Correction,
    *,
    projector: int = 0,
    at_most: int,
) -> int:
    """The largest context length in tokens, up to `at_most`, with which it fits; 0 if none does."""

    def fits(steps: int) -> bool:
        here = replace(options, context=steps * CONTEXT_STEP)
        return place(model, here, room, correction, projector).fits

    high = max(1, at_most // CONTEXT_STEP)
    if fits(high):  # as most do; one that does not fit at all is as common
        return high * CONTEXT_STEP
    if not fits(1):
        return 0
    low = 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low * CONTEXT_STEP


def _on(laid: Layout, gpu_layers: int, room: Room, projector: int) -> Forecast:
    """The forecast, each GPU with intermediate results of its own."""
    made = laid.forecast(gpu_layers=gpu_layers, projector=projector, gpu_runtime=room.gpu_runtime)
    if gpu_layers and room.gpus > 1:
        return replace(made, gpu=replace(made.gpu, compute=made.gpu.compute * room.gpus))
    return made


def _lost_to_further_gpus(laid: Layout, room: Room) -> int:
    """Bytes of several GPUs that one as large as all of them would have left for layers.

    Each further one has intermediate results of its own, and the layer that does not fit into its last bytes.
    """
    if room.gpus < 2:
        return 0
    weights = laid.model.weights
    layer = max(laid.caches, default=0) + max(weights.layers, default=0)
    lost = laid.buffers.gpu_of_split(weights.largest) + max(layer, weights.output + weights.copied)
    return (room.gpus - 1) * lost


def _need(made: Forecast, correction: Correction) -> Need:
    host, gpu = made.host, made.gpu
    return Need(
        tensors=host.tensors + gpu.tensors,
        cache=host.cache + gpu.cache,
        compute=host.compute + gpu.compute,
        projector=host.projector + gpu.projector,
        runtime=host.runtime + gpu.runtime,
        host=correction.memory(host.total),
        gpu=correction.memory(gpu.total) if gpu.total else 0,
    )
