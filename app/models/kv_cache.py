"""How many bytes a model remembers its context in: KV caches, and the states of recurrent layers."""

from __future__ import annotations

from dataclasses import dataclass

from app.models.gguf_header import GGML_TYPES
from app.models.model_shape import Layer, ModelShape

CONTEXT_STEP = 256
"""llama.cpp pads contexts to this (GGML_PAD in src/llama-context.cpp)."""
STATE_BYTES = 4
"""Recurrent states are always f32 (`create_memory` in src/llama-model.cpp)."""
_TYPES = {name.lower(): size / block for name, block, size in GGML_TYPES.values()}
CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")
"""What llama-server takes for --cache-type-k and --cache-type-v."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How the engine runs a model, as far as memory depends on it; by default as Edgewise starts it.

    `context`, `batch` (--batch-size) and `step` (--ubatch-size: what is computed at once) are in tokens.
    `sequences` is --parallel; with `unified` they share one cache. `outputs` bounds the tokens of a step
    whose logits are kept; None: one a sequence, as llama-server has it. Other programs of llama.cpp keep all.
    """

    context: int
    keys: str = "f16"
    values: str = "f16"
    batch: int = 2048
    step: int = 512
    sequences: int = 4
    unified: bool = True
    outputs: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a cache type that llama.cpp does not have."""
        for cache_type in (self.keys, self.values):
            if cache_type not in CACHE_TYPES:
                raise ValueError(f"no such cache type: {cache_type}")

    @property
    def streams(self) -> int:
        """Caches side by side."""
        return 1 if self.unified else max(1, self.sequences)

    @property
    def cells(self) -> int:
        """Cells of one stream's cache, where all of the context is seen."""
        return padded(padded(self.context) // self.streams)

    @property
    def tokens(self) -> int:
        """Tokens of one step at most."""
        return max(1, min(self.step, self.batch, max(1, self.context)))


def padded(tokens: int) -> int:
    """`tokens`, at least 1, rounded up to the context lengths that llama.cpp makes."""
    return -(-max(1, tokens) // CONTEXT_STEP) * CONTEXT_STEP


def element_bytes(cache_type: str) -> float:
    """Bytes of one element: q8_0 stores 32 in 34 bytes. Raises KeyError for a type there is not."""
    return _TYPES[cache_type]


def cells(layer: Layer, options: RunOptions) -> int:
    """Cells of this layer's cache in one stream.

    A window needs room for itself, once for each sequence that shares the cache, and for what is computed
    at once: pad256(min(context, window · sequences + step)) (src/llama-kv-cache-iswa.cpp).
    """
    if layer.window is None:
        return options.cells
    shared = max(1, options.sequences) if options.unified else 1
    return padded(min(options.cells, layer.window * shared + options.tokens))


def layer_cache_bytes(layer: Layer, options: RunOptions) -> int:
    """Bytes of this layer's keys and values, and of its state.

    Keys and values: (n_kv·d_k·bytes + n_kv·d_v·bytes) · cells · streams (src/llama-kv-cache.cpp); a state:
    4 bytes an element and sequence (src/llama-memory-recurrent.cpp).
    """
    one = (layer.keys + layer.index_keys) * element_bytes(options.keys)
    one += layer.values * element_bytes(options.values)
    remembered = int(one * cells(layer, options)) * options.streams if one else 0
    return remembered + layer.state * STATE_BYTES * max(1, options.sequences)


def cache_bytes(shape: ModelShape, options: RunOptions) -> list[int]:
    """`layer_cache_bytes` of each layer: reckoned once for each kind of layer, of which there are few."""
    of_kind = [layer_cache_bytes(kind, options) for kind in shape.kinds]
    return [of_kind[kind] for kind in shape.kind_of]


def read_bytes(shape: ModelShape, options: RunOptions, filled: int) -> int:
    """Bytes of caches and states that one token of one sequence reads when `filled` tokens lie before it.

    A state is read and written.
    """
    of_kind = []
    for layer in shape.kinds:
        seen = min(filled, layer.window) if layer.window is not None else filled
        one = (layer.keys + layer.index_keys) * element_bytes(options.keys)
        one += layer.values * element_bytes(options.values)
        of_kind.append(one * max(0, min(seen, options.cells)) + 2 * layer.state * STATE_BYTES)
    return int(sum(of_kind[kind] for kind in shape.kind_of))
