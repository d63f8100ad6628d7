"""What decides a model's memory beside its tensors: its sizes and, for each layer, what it must remember.

The rules are those of the pinned llama.cpp (src/llama-model.cpp, src/llama-hparams.cpp, src/models/): which
architectures slide a window over which layers is in its code, not in the file. One that is not named here is
taken to attend to everything in every layer, which errs on the safe side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.models.gguf_header import GgufHeader, Tensor

MAX_LAYERS = 512
"""LLAMA_MAX_LAYERS of llama.cpp; a hostile header shall not make us count to 2^32."""
MAX_SIZE = 1 << 31
"""llama.cpp reads sizes as 32-bit numbers; a larger one, or a negative one, counts as absent."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer remembers.

    For each cell of its cache `keys` + `values` elements (0 where it does not attend); `index_keys` more
    where a sparse attention has an indexer. `window` is in tokens, None where all of the context is seen.
    `state` counts the f32 elements kept for each sequence whatever the context.
    """

    keys: int = 0
    values: int = 0
    index_keys: int = 0
    window: int | None = None
    state: int = 0


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Sizes of a model, in elements. `layers` are those that run: heads that predict ahead are left out."""

    architecture: str
    layers: tuple[Layer, ...]
    kinds: tuple[Layer, ...]
    """The layers that differ, each once."""
    kind_of: tuple[int, ...]
    """Which of `kinds` each layer is."""
    width: int
    vocabulary: int
    context_trained: int
    query: int
    """Elements of all heads' queries of one token, in the widest layer."""
    inner: int
    """Inner size of the widest feed-forward, all experts a token uses together."""
    expert_outputs: int
    """What the experts of a token put out before it is summed up: used · width; 0 without experts."""
    experts: int
    experts_used: int
    mixer_input: int
    """Elements a token that the widest recurrent layer projects its input to; 0 without such layers."""
    mixer_convolved: int
    mixer_inner: int
    mixer_state: int
    """f32 elements of one sequence's state that a recurrent layer computes with."""


@dataclass(frozen=True, slots=True)
class _Window:
    """How an architecture slides its window: every `pattern`-th layer sees all of the context."""

    pattern: int
    full_first: bool = False
    default: int | None = None
    """The window where the file names none; None: then there is none."""
    fixed: int | None = None
    """The window whatever the file says, as long as it does not say 0."""


_WINDOWS = {
    "afmoe": _Window(4),
    "cohere2": _Window(4),
    "cohere2moe": _Window(4, full_first=True),
    "exaone-moe": _Window(4, default=128),
    "exaone4": _Window(4, default=4096),
    "gemma2": _Window(2, default=4096),
    "gemma3": _Window(6),
    "gemma3n": _Window(5),
    "gemma4": _Window(6),
    "gpt-oss": _Window(2),
    "granite_swa": _Window(1),
    "laguna": _Window(4, full_first=True),
    "lfm2": _Window(0),
    "lfm2moe": _Window(0),
    "llama4": _Window(4, default=8192, fixed=8192),
    "maple": _Window(1),
    "mellum": _Window(4),
    "mimo2": _Window(1),
    "muse-glimmer": _Window(4),
    "olmo2": _Window(4),
    "plamo3": _Window(8),
    "smallthinker": _Window(4, full_first=True, fixed=4096),
    "spark2_5": _Window(1),
    "step35": _Window(1),
}
"""`load_swa_pattern` calls of src/models/*.cpp. Pattern 0: all layers, 1: none unless the file lists them."""

_RECURRENT = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
_HYBRID_BY_HEADS = frozenset(
    {
        "jamba", "plamo2", "granitehybrid", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe", "kimi-linear",
        "kimi-k3", "bailingmoe3", "glm5-next",
    }
)  # fmt: skip
"""Layers without KV heads are the recurrent ones."""
_HYBRID_BY_INTERVAL = frozenset({"qwen3next", "qwen35", "qwen35moe", "qwen4exp", "minimax-01"})
"""Every `full_attention_interval`-th layer attends, unless `attention.recurrent_layers` lists them."""
_ATTENDS_AND_RECURS = frozenset({"falcon-h1"})
_INDEXED = frozenset({"deepseek32", "glm-dsa", "glm5-next", "dots3note", "hy_v4", "minimax-m3", "qwen4exp"})
_FULL_ATTENTION_INTERVAL = 4
_GEMMA3N_OWN_CACHES = 20
"""Layers of gemma3n from the first that have a cache of their own; the others read one of those."""
_BLOCK = re.compile(r"blk\.(\d{1,6})\.")


def layer_of(tensor: Tensor) -> int | None:
    """The layer a tensor belongs to, None for embeddings, output and the like."""
    match = _BLOCK.match(tensor.name)
    return int(match[1]) if match else None


def model_shape(header: GgufHeader) -> ModelShape:
    """The shape of the model with this header. Never raises: what the header does not say is 0."""
    count = running_layers(header)
    width = _size(header, "embedding_length")
    heads = _sizes(header, "attention.head_count", count) or (0,) * count
    kv_heads = _sizes(header, "attention.head_count_kv", count) or heads
    per_head = width // heads[0] if heads and heads[0] else 0
    key = _size(header, "attention.key_length", per_head)
    value = _size(header, "attention.value_length", per_head)
    latent = _size(header, "attention.key_length_mla") > 0 and _size(header, "attention.value_length_mla") > 0
    window, slides = _sliding(header, count)
    attends, recurs = _kinds(header, count, kv_heads)
    caches = _own_caches(header, count)
    state = _state(header, heads)
    index = _size(header, "attention.indexer.key_length") if header.architecture in _INDEXED else 0
    layers = []
    for layer in range(count):
        own = attends[layer] and layer < caches
        key_here = _size(header, "attention.key_length_swa", key) if slides[layer] else key
        value_here = _size(header, "attention.value_length_swa", value) if slides[layer] else value
        layers.append(
            Layer(
                keys=kv_heads[layer] * key_here if own else 0,
                # An MLA cache holds one latent from which keys and values are both made.
                values=kv_heads[layer] * value_here if own and not latent else 0,
                index_keys=index if own else 0,
                window=window if slides[layer] else None,
                state=state if recurs[layer] else 0,
            )
        )
    kinds = {layer: number for number, layer in enumerate(dict.fromkeys(layers))}
    used = max(_sizes(header, "expert_used_count", count) or (0,), default=0)
    dense_inner = max(_sizes(header, "feed_forward_length", count) or (0,), default=0)
    expert_inner = max(_sizes(header, "expert_feed_forward_length", count) or (0,), default=0) or dense_inner
    mixes = any(recurs)
    inner_size = _size(header, "ssm.inner_size")
    convolved = inner_size + 2 * _size(header, "ssm.group_count") * _size(header, "ssm.state_size")
    return ModelShape(
        architecture=header.architecture,
        layers=tuple(layers),
        kinds=tuple(kinds),
        kind_of=tuple(kinds[layer] for layer in layers),
        width=width,
        vocabulary=_vocabulary(header),
        context_trained=_size(header, "context_length"),
        query=max(heads, default=0) * max(key, value),
        inner=max(dense_inner, used * expert_inner),
        expert_outputs=used * width,
        experts=_size(header, "expert_count"),
        experts_used=used,
        mixer_input=_mixer_input(header, inner_size, convolved, width) if mixes else 0,
        mixer_convolved=convolved if mixes else 0,
        mixer_inner=inner_size if mixes else 0,
        mixer_state=state if mixes else 0,
    )


def running_layers(header: GgufHeader) -> int:
    """Layers that llama.cpp runs: without those that only predict further tokens ahead (MTP)."""
    layers = max(0, min(header.integer("block_count") or 0, MAX_LAYERS))
    ahead = _size(header, "nextn_predict_layers")
    return layers - ahead if ahead < layers else layers


def _size(header: GgufHeader, key: str, default: int = 0) -> int:
    value = header.integer(key)
    return value if value is not None and 0 <= value < MAX_SIZE else default


def _sizes(header: GgufHeader, key: str, count: int) -> tuple[int, ...] | None:
    values = header.integers(key, count)
    return None if values is None else tuple(v if 0 <= v < MAX_SIZE else 0 for v in values)


def _vocabulary(header: GgufHeader) -> int:
    for tensor in header.tensors:
        if tensor.name in ("token_embd.weight", "output.weight") and len(tensor.shape) == 2:
            return min(tensor.shape[1], MAX_SIZE)
    return _size(header, "vocab_size")


def _sliding(header: GgufHeader, count: int) -> tuple[int, tuple[bool, ...]]:
    """The window in tokens, and which layers have it."""
    rule = _WINDOWS.get(header.architecture)
    nowhere = (False,) * count
    if rule is None or (header.architecture == "exaone4" and count != 64):
        return 0, nowhere
    named = header.integer("attention.sliding_window")
    if named is None:
        window = rule.default or 0
    else:
        window = rule.fixed if rule.fixed and named else _size(header, "attention.sliding_window")
    if not window:
        return 0, nowhere
    listed = _sizes(header, "attention.sliding_window_pattern", count)
    if listed is not None and header.integer("attention.sliding_window_pattern") is None:
        return window, tuple(map(bool, listed))
    pattern = _size(header, "attention.sliding_window_pattern", rule.pattern)
    if pattern == 0:
        return window, (True,) * count
    full = 0 if rule.full_first else pattern - 1
    return window, tuple(layer % pattern != full for layer in range(count))


def _kinds(
    header: GgufHeader, count: int, kv_heads: tuple[int, ...]
) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Which layers attend, and which have a state."""
    yes, no = (True,) * count, (False,) * count
    architecture = header.architecture
    if architecture in _RECURRENT:
        return no, yes
    if architecture in _ATTENDS_AND_RECURS:
        return yes, yes
    if architecture in _HYBRID_BY_HEADS:
        inner = _sizes(header, "feed_forward_length", count) or (0,) * count
        # In Nemotron-H a layer is one of three: attention, Mamba 2, or only a feed-forward.
        idle = architecture.startswith("nemotron_h")
        recurs = tuple(not kv and not (idle and ff) for kv, ff in zip(kv_heads, inner, strict=True))
        return tuple(kv > 0 for kv in kv_heads), recurs
    if architecture in _HYBRID_BY_INTERVAL:
        listed = _sizes(header, "attention.recurrent_layers", count)
        if listed is None:
            interval = _size(header, "full_attention_interval") or _FULL_ATTENTION_INTERVAL
            listed = tuple(int((layer + 1) % interval != 0) for layer in range(count))
        return tuple(not recurrent for recurrent in listed), tuple(map(bool, listed))
    return yes, no


def _own_caches(header: GgufHeader, count: int) -> int:
    """How many layers from the first have a KV cache of their own."""
    if header.architecture == "gemma3n":
        return _GEMMA3N_OWN_CACHES
    if header.architecture == "gemma4":
        return max(0, count - _size(header, "attention.shared_kv_layers"))
    return count


def _state(header: GgufHeader, heads: tuple[int, ...]) -> int:
    """f32 elements of a recurrent layer's state for one sequence (`n_embd_r` + `n_embd_s`)."""
    width = _size(header, "embedding_length")
    first_heads = heads[0] if heads else 0
    convolution = _size(header, "ssm.conv_kernel")
    inner, state = _size(header, "ssm.inner_size"), _size(header, "ssm.state_size")
    if head := _size(header, "wkv.head_size"):
        return _size(header, "token_shift_count", 2) * width + width * head
    if kernel := _size(header, "shortconv.l_cache"):
        return width * (kernel - 1)
    if head := _size(header, "kda.head_dim"):
        return 3 * (convolution - 1 if convolution else 3) * first_heads * head + head * head * first_heads
    if header.architecture == "minimax-01":
        head = _size(header, "attention.key_length", width // first_heads if first_heads else 0)
        return head * head * first_heads
    groups = _size(header, "ssm.group_count")
    return max(0, convolution - 1) * (inner + 2 * groups * state) + state * inner


def _mixer_input(header: GgufHeader, inner: int, convolved: int, width: int) -> int:
    """What a recurrent layer projects one token to, as its own tensor says where there is one."""
    for tensor in header.tensors:
        if tensor.name.endswith((".ssm_in.weight", ".shortconv.in_proj.weight")) and len(tensor.shape) == 2:
            return min(tensor.shape[1], MAX_SIZE)
    return inner + convolved if inner else width
