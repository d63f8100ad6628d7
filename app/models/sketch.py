"""A header as a model's published sizes imply it, for forecasts before a byte of the model was fetched.

Tensor names and shapes are those that each architecture's loader asks for (llama.cpp, src/models); what is
too small to matter (norms of heads, biases) is left out. Once the real header is known it is the better one.
"""

from __future__ import annotations

import math
from functools import lru_cache

from app.domain.catalog import Dimensions
from app.models.gguf_header import GGML_TYPES, GgufHeader, Tensor, Value
from app.models.mixture import Place, Role, mixture_of

TOKEN_BYTES = 36
"""Of a header, for each entry of its vocabulary: its text, type and merge. Measured: SmolLM2 135M has 36."""
_TYPE_IDS = {name: type_id for type_id, (name, _, _) in GGML_TYPES.items()}
_FUSED = frozenset({"phi3"})
"""One matrix for queries, keys and values, and one for gate and up."""
_NORMS_AFTER = frozenset({"gemma2", "gemma3", "gemma4", "glm4"})
_VALUES_ARE_KEYS = frozenset({"gemma4"})
"""Layers that see everything have no matrix for values: they take the keys (attention_k_eq_v)."""
_DENSE_BESIDE_EXPERTS = frozenset({"gemma4"})
"""What every token takes beside the experts has the names of a feed-forward without experts."""
_SHORT_CONVOLUTIONS = frozenset({"lfm2", "lfm2moe"})
"""Layers without KV heads are short convolutions over as many tokens as `_CONVOLUTION`."""
_CONVOLUTION = 3
_EXPERTS_STAY_MXFP4 = frozenset({"gpt-oss"})
"""Published in MXFP4; no other quantization of it touches its experts."""

_NOT_QUANTIZED = frozenset({"ffn_gate_inp", "ssm_conv1d"})

_Matrix = tuple[str, tuple[int, ...], Role]


def sketch(dimensions: Dimensions, context_length: int, quantization: str) -> GgufHeader:
    """The header of a model with these sizes, trained for `context_length` tokens, in this quantization.

    Raises ValueError for a quantization whose mixture of types is not known (`app.models.mixture`).
    """
    mixture = mixture_of(quantization)
    if mixture is None:
        raise ValueError(f"no mixture is known of the quantization {quantization!r}")
    tensors: list[Tensor] = []
    offset = 0
    for name, elements, shape, role, place in _layout(dimensions):
        type_id = _TYPE_IDS[role if isinstance(role, str) else mixture.type_of(role, shape[0], place)]
        _, block, block_bytes = GGML_TYPES[type_id]
        size = -(-elements // block) * block_bytes
        tensors.append(Tensor(name, shape, type_id, offset, size))
        offset += -(-size // 32) * 32
    metadata = _metadata(dimensions, context_length)
    return GgufHeader(3, metadata, tuple(tensors), dimensions.vocabulary * TOKEN_BYTES)


def _metadata(it: Dimensions, context_length: int) -> dict[str, Value]:
    values: dict[str, Value] = {
        "block_count": it.layers,
        "context_length": context_length,
        "embedding_length": it.width,
        "feed_forward_length": it.feed_forward,
        "vocab_size": it.vocabulary,
        "attention.head_count": it.heads,
        "attention.head_count_kv": it.kv_heads if len(it.kv_heads) > 1 else it.kv_heads[0],
        "attention.key_length": it.head_size,
        "attention.value_length": it.head_size,
    }
    if it.full_head_size:
        for what in ("key", "value"):
            values[f"attention.{what}_length"] = it.full_head_size
            values[f"attention.{what}_length_swa"] = it.head_size
    if it.window:
        values["attention.sliding_window"] = it.window
    if it.window_pattern:
        values["attention.sliding_window_pattern"] = it.window_pattern
    if it.experts:
        values["expert_count"] = it.experts
        values["expert_used_count"] = it.experts_used
        values["expert_feed_forward_length"] = it.expert_feed_forward
        values["leading_dense_block_count"] = it.dense_layers
        values["expert_shared_feed_forward_length"] = it.shared_feed_forward
    if it.attention_interval:
        values["full_attention_interval"] = it.attention_interval
        values["ssm.conv_kernel"] = it.convolution
        values["ssm.inner_size"] = it.state_heads * it.state_size
        values["ssm.state_size"] = it.state_size
        values["ssm.time_step_rank"] = it.state_heads
        values["ssm.group_count"] = it.state_groups
    if it.architecture in _SHORT_CONVOLUTIONS:
        values["shortconv.l_cache"] = _CONVOLUTION
    named = {f"{it.architecture}.{key}": value for key, value in values.items()}
    return {"general.architecture": it.architecture, **named}


@lru_cache(maxsize=64)
def _layout(it: Dimensions) -> tuple[tuple[str, int, tuple[int, ...], Role | str, Place], ...]:
    """Names, elements, shapes, and what decides the type, or the type: the same in every quantization."""
    outside = Place(0, it.layers)
    table = Role.OUTPUT if it.tied else Role.TABLE
    named: list[tuple[str, tuple[int, ...], Role | str, Place]] = [
        ("token_embd.weight", (it.width, it.vocabulary), table, outside),
        ("output_norm.weight", (it.width,), "F32", outside),
    ]
    if not it.tied:
        named.append(("output.weight", (it.width, it.vocabulary), Role.OUTPUT, outside))
    for layer in range(it.layers):
        kv_heads = it.kv_heads[layer] if len(it.kv_heads) > 1 else it.kv_heads[0]
        place = Place(layer, it.layers, it.heads // kv_heads if kv_heads else 1, it.experts > 0)
        prefix = f"blk.{layer}."
        named += [(f"{prefix}{name}.weight", (it.width,), "F32", place) for name in _norms(it)]
        for name, shape, role in (*_attention(it, layer, kv_heads), *_feed_forward(it, layer)):
            kind: Role | str = role
            if name in _NOT_QUANTIZED:
                kind = "F32"
            elif name.endswith("_exps") and it.architecture in _EXPERTS_STAY_MXFP4:
                kind = "MXFP4"
            named.append((f"{prefix}{name}.weight", shape, kind, place))
    return tuple((name, math.prod(shape), shape, kind, place) for name, shape, kind, place in named)


def _norms(it: Dimensions) -> tuple[str, ...]:
    after = ("post_attention_norm", "post_ffw_norm") if it.architecture in _NORMS_AFTER else ()
    return ("attn_norm", "ffn_norm", *after)


def _attention(it: Dimensions, layer: int, kv_heads: int) -> tuple[_Matrix, ...]:
    if it.attention_interval and (layer + 1) % it.attention_interval:
        return _delta_net(it)
    full = it.window_pattern > 0 and layer % it.window_pattern == it.window_pattern - 1
    head_size = it.full_head_size if full and it.full_head_size else it.head_size
    queries, keys = it.heads * head_size, kv_heads * head_size
    if kv_heads == 0 and it.architecture in _SHORT_CONVOLUTIONS:
        return (
            ("shortconv.in_proj", (it.width, 3 * it.width), Role.OTHER),
            ("shortconv.out_proj", (it.width, it.width), Role.OTHER),
        )
    output: _Matrix = ("attn_output", (queries, it.width), Role.ATTENTION_OUTPUT)
    if it.architecture in _FUSED:
        return (("attn_qkv", (it.width, queries + 2 * keys), Role.VALUE), output)
    # Between delta nets each query brings a gate for what its head puts out.
    asked = 2 * queries if it.attention_interval else queries
    values: tuple[_Matrix, ...] = (("attn_v", (it.width, keys), Role.VALUE),)
    return (
        ("attn_q", (it.width, asked), Role.QUERY_KEY),
        ("attn_k", (it.width, keys), Role.QUERY_KEY),
        *(() if full and it.architecture in _VALUES_ARE_KEYS else values),
        output,
    )


def _delta_net(it: Dimensions) -> tuple[_Matrix, ...]:
    """A layer that keeps a state in place of keys and values (src/models/qwen35.cpp)."""
    values = it.state_heads * it.state_size
    mixed = 2 * it.state_groups * it.state_size + values
    return (
        ("attn_qkv", (it.width, mixed), Role.VALUE),
        ("attn_gate", (it.width, values), Role.OTHER),
        ("ssm_conv1d", (it.convolution, mixed), Role.OTHER),
        ("ssm_alpha", (it.width, it.state_heads), Role.OTHER),
        ("ssm_beta", (it.width, it.state_heads), Role.OTHER),
        ("ssm_out", (values, it.width), Role.OTHER),
    )


def _feed_forward(it: Dimensions, layer: int) -> tuple[_Matrix, ...]:
    if not it.experts or layer < it.dense_layers:
        return _dense(it, it.feed_forward)
    inner, count = it.expert_feed_forward, it.experts
    shared: tuple[_Matrix, ...] = ()
    if it.shared_feed_forward:
        suffix = "" if it.architecture in _DENSE_BESIDE_EXPERTS else "_shexp"
        shared = _dense(it, it.shared_feed_forward, suffix)
    return (
        ("ffn_gate_inp", (it.width, count), Role.OTHER),
        ("ffn_gate_exps", (it.width, inner, count), Role.EXPERTS),
        ("ffn_up_exps", (it.width, inner, count), Role.EXPERTS),
        ("ffn_down_exps", (inner, it.width, count), Role.DOWN),
        *shared,
    )


def _dense(it: Dimensions, inner: int, suffix: str = "") -> tuple[_Matrix, ...]:
    up: tuple[_Matrix, ...] = (
        (f"ffn_gate{suffix}", (it.width, inner), Role.GATE_UP),
        (f"ffn_up{suffix}", (it.width, inner), Role.GATE_UP),
    )
    if it.architecture in _FUSED:
        up = ((f"ffn_up{suffix}", (it.width, 2 * inner), Role.GATE_UP),)
    return (*up, (f"ffn_down{suffix}", (inner, it.width), Role.DOWN))
