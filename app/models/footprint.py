"""How much memory a model needs and how fast it can reply, from its header alone.

Memory is tensors + caches and states (kv_cache) + intermediate results (compute_buffer) + projector +
runtime, each in bytes on the device where it lies. Nothing here reads a file or a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.models.compute_buffer import Buffers, buffers
from app.models.gguf_header import GgufHeader
from app.models.kv_cache import CONTEXT_STEP, RunOptions, cache_bytes, padded, read_bytes
from app.models.model_shape import MAX_LAYERS
from app.models.weights import WeighedModel, weigh

__all__ = [
    "CONTEXT_STEP", "GPU_RUNTIME_BYTES", "MAX_LAYERS", "DeviceMemory", "Forecast", "Layout", "RunOptions",
    "active_bytes", "context_that_fits", "forecast", "kv_bytes_per_token", "largest_context",
    "lay_out", "layers_that_fit", "projector_bytes", "tokens_per_second",
]  # fmt: skip

RUNTIME_BYTES = 48 * 1024 * 1024
"""llama-server itself: program, libraries, tokenizer, and the guard beside it. Measured with SmolLM2 135M on
Linux (`tests.benchmarks forecast`): 20 to 48 MiB beside weights, cache and buffers; larger vocabularies take
a little more."""
GPU_RUNTIME_BYTES = 608 * 1024 * 1024
"""What CUDA keeps on the GPU beside the model's buffers: its context, code and scratch memory. Measured on an
H100 (docs/measurements.md): 596 to 601 MiB once a model is ready, 608 after replies. Cards with fewer
multiprocessors take less."""
HOST_RUNTIME_WITH_GPU_BYTES = 352 * 1024 * 1024
"""`RUNTIME_BYTES` where CUDA's libraries are in the process, too; measured there: 325 to 358 MiB."""
MARGIN_BYTES = 512 * 1024 * 1024
"""Left to everything else on the machine, which goes on living while a model is loaded."""
SMALLEST_CONTEXT = 2048
DEFAULT_TRAINED_CONTEXT = 4096
LARGEST_DEFAULT_CONTEXT = 32_768
"""More is rarely used and is paid for in memory from the start; a person can ask for it."""
LARGEST_CONTEXT = 1 << 24
"""Where a search for the largest context ends: more than any model is trained for."""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """What lies on one device, in bytes."""

    tensors: int = 0
    cache: int = 0
    compute: int = 0
    projector: int = 0
    runtime: int = 0

    @property
    def total(self) -> int:
        """All parts together."""
        return self.tensors + self.cache + self.compute + self.projector + self.runtime


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a model takes, in bytes: on the host, and on the GPUs together (nothing without any)."""

    options: RunOptions
    host: DeviceMemory
    gpu: DeviceMemory

    @property
    def total(self) -> int:
        """Both devices together: what a machine with unified memory gives."""
        return self.host.total + self.gpu.total


@dataclass(frozen=True, slots=True)
class Layout:
    """A model run in one way, for forecasts of it on different devices. `caches` in bytes, of each layer."""

    model: WeighedModel
    options: RunOptions
    caches: Sequence[int]
    buffers: Buffers

    def forecast(
        self, *, gpu_layers: int = 0, projector: int = 0, gpu_runtime: int = GPU_RUNTIME_BYTES
    ) -> Forecast:
        """See `forecast`; `projector` in bytes."""
        weights, caches = self.model.weights, self.caches
        count = len(caches)
        offloaded = max(0, min(gpu_layers, count + 1))
        first = count + 1 - offloaded
        output_on_gpu = offloaded > 0
        if not offloaded:
            host_compute, gpu_compute = self.buffers.whole, 0
        elif first > 0:
            host_compute = self.buffers.host_of_split
            gpu_compute = self.buffers.gpu_of_split(weights.largest)
        else:
            host_compute, gpu_compute = self.buffers.inputs, self.buffers.whole
        on_gpu = weights.output + weights.copied if output_on_gpu else 0
        return Forecast(
            options=self.options,
            host=DeviceMemory(
                tensors=weights.input
                + sum(weights.layers[:first])
                + (0 if output_on_gpu else weights.output),
                cache=sum(caches[:first]),
                compute=host_compute + self.buffers.outputs,
                projector=0 if offloaded else projector,
                runtime=HOST_RUNTIME_WITH_GPU_BYTES if offloaded and gpu_runtime else RUNTIME_BYTES,
            ),
            gpu=DeviceMemory(
                tensors=sum(weights.layers[first:]) + on_gpu,
                cache=sum(caches[first:]),
                compute=gpu_compute,
                projector=projector if offloaded else 0,
                runtime=gpu_runtime if offloaded else 0,
            ),
        )

    def layers_that_fit(self, room: int, *, projector: int = 0, gpu_runtime: int = GPU_RUNTIME_BYTES) -> int:
        """See `layers_that_fit`."""
        weights = self.model.weights
        left = room - gpu_runtime - projector - weights.output - weights.copied
        if self.buffers.whole + sum(weights.layers) + sum(self.caches) <= left:
            return len(self.caches) + 1
        left -= self.buffers.gpu_of_split(weights.largest)
        if left < 0:
            return 0
        fitting = 1
        for layer in range(len(self.caches) - 1, 0, -1):
            left -= weights.layers[layer] + self.caches[layer]
            if left < 0:
                break
            fitting += 1
        return fitting


def lay_out(model: GgufHeader | WeighedModel, options: RunOptions) -> Layout:
    """The model run like this."""
    model = _weighed(model)
    return Layout(model, options, cache_bytes(model.shape, options), buffers(model.shape, options))


def forecast(
    model: GgufHeader | WeighedModel,
    options: RunOptions,
    *,
    gpu_layers: int = 0,
    projector: GgufHeader | int | None = None,
    gpu_runtime: int = GPU_RUNTIME_BYTES,
) -> Forecast:
    """The memory the model takes when run like this, with its last `gpu_layers` layers on the GPU.

    `projector` is its header, or the bytes that `projector_bytes` gave. As in llama.cpp the output counts as
    one layer more, after the last; the input table stays on the host, and a model that uses it for its
    output, too, has a second copy on the GPU (src/llama-model.cpp). `gpu_runtime` is what the GPUs take
    beside the model; 0 for those that share main memory, which need none of CUDA's libraries.
    """
    sight = projector_bytes(projector) if isinstance(projector, GgufHeader) else projector or 0
    return lay_out(model, options).forecast(gpu_layers=gpu_layers, projector=sight, gpu_runtime=gpu_runtime)


def layers_that_fit(
    model: GgufHeader | WeighedModel,
    options: RunOptions,
    room: int,
    *,
    projector: int = 0,
    gpu_runtime: int = GPU_RUNTIME_BYTES,
) -> int:
    """How many layers fit on a GPU with `room` bytes, the output counted as one; see `forecast`."""
    return lay_out(model, options).layers_that_fit(room, projector=projector, gpu_runtime=gpu_runtime)


def largest_context(
    model: GgufHeader | WeighedModel,
    options: RunOptions,
    fits: Callable[[Forecast], bool],
    *,
    at_most: int = LARGEST_CONTEXT,
    gpu_layers: int = 0,
) -> int:
    """The largest context length in tokens, up to `at_most`, whose forecast `fits`; 0 if none does.

    `options.context` does not matter. `fits` may judge host and GPU apart, and must hold for every smaller
    forecast of one that it holds for.
    """
    model = _weighed(model)
    low, high = 0, max(1, min(at_most, LARGEST_CONTEXT)) // CONTEXT_STEP
    while low < high:
        middle = (low + high + 1) // 2
        if fits(forecast(model, replace(options, context=middle * CONTEXT_STEP), gpu_layers=gpu_layers)):
            low = middle
        else:
            high = middle - 1
    return low * CONTEXT_STEP


def active_bytes(model: GgufHeader | WeighedModel, options: RunOptions, filled: int = 0) -> int:
    """Bytes read to make one token when `filled` tokens lie before it.

    All tensors but tables of which one row is read; of experts, those that are used; caches and states.
    """
    model = _weighed(model)
    return model.weights.active + read_bytes(model.shape, options, filled)


def tokens_per_second(
    model: GgufHeader | WeighedModel, options: RunOptions, bandwidth: float, *, filled: int = 0
) -> float:
    """The decode speed to expect at most: `bandwidth` (bytes/s, measured) over `active_bytes`.

    Making one token after another waits for memory, not for arithmetic; a real engine reaches a share of
    this that is worth calibrating on the machine. 0 for a header without tensors.
    """
    read = active_bytes(model, options, filled)
    return bandwidth / read if read > 0 else 0.0


def kv_bytes_per_token(model: GgufHeader | WeighedModel, options: RunOptions | None = None) -> float:
    """Bytes that each further token of context takes where all of the context is seen (see `kv_cache`)."""
    used = options or RunOptions(CONTEXT_STEP)
    # Far beyond every window, so that only what grows is left.
    far = replace(used, context=LARGEST_CONTEXT)
    further = replace(used, context=LARGEST_CONTEXT + CONTEXT_STEP * far.streams)
    shape = _weighed(model).shape
    grown = sum(cache_bytes(shape, further)) - sum(cache_bytes(shape, far))
    return grown / (CONTEXT_STEP * far.streams)


def context_that_fits(
    header: GgufHeader,
    available: int,
    wanted: int | None,
    *,
    corrected: Callable[[int], int] = lambda raw: raw,
) -> int:
    """The context length to load with, in tokens, given `available` bytes of memory.

    Without a wish: what the model was trained for, up to `LARGEST_DEFAULT_CONTEXT`. Never more than fits
    beside `MARGIN_BYTES`, never less than `SMALLEST_CONTEXT` (a load that then fails says so itself). A wish
    is granted as it is: a person may know better. `corrected` makes of a forecast's bytes what experience
    expects; it must not fall where they rise.
    """
    trained = header.integer("context_length") or 0
    trained = trained if 0 < trained < 1 << 31 else DEFAULT_TRAINED_CONTEXT
    if wanted is not None:
        return padded(wanted)
    target = padded(min(trained, LARGEST_DEFAULT_CONTEXT))
    room = available - MARGIN_BYTES
    fitting = largest_context(
        header, RunOptions(target), lambda it: corrected(it.total) <= room, at_most=target
    )
    return max(fitting, padded(min(SMALLEST_CONTEXT, trained)))


def _weighed(model: GgufHeader | WeighedModel) -> WeighedModel:
    return model if isinstance(model, WeighedModel) else weigh(model)


def projector_bytes(header: GgufHeader) -> int:
    """A projector's tensors, and the intermediate results of one image.

    For each patch some rows of the encoder's width and of its feed-forward, in f32. That part is an
    estimate: encoders differ, and it is small beside the tensors.
    """
    metadata = header.metadata

    def number(key: str) -> int:
        value = metadata.get(f"clip.vision.{key}")
        return value if isinstance(value, int) and 0 < value < 1 << 20 else 0

    patch = number("patch_size")
    patches = (number("image_size") // patch) ** 2 if patch else 0
    rows = 8 * number("embedding_length") + 2 * number("feed_forward_length")
    return header.tensor_bytes + min(patches, 1 << 20) * rows * 4
