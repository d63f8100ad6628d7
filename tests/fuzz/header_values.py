"""`python -m tests.fuzz.header_values [libFuzzer's options]`: headers whose every value is hostile.

The parser's fuzzer rarely gets past the format. This one begins behind it: it makes headers of the
architectures that are told apart, with any value at any key that is read, and does with them what the app
does.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import atheris  # type: ignore[import-untyped]

from app.models.gguf_header import GGML_TYPES, GgufHeader, SkippedArray, Tensor, Value
from tests.fuzz.gguf_header import SECONDS, fuzz, use

FOLDER = Path(".cache/fuzz/header_values")
ARCHITECTURES = (
    "llama", "gemma2", "gemma3", "gemma3n", "gemma4", "cohere2", "exaone4", "gpt-oss", "llama4", "lfm2",
    "plamo3", "granite_swa", "smallthinker", "mamba", "mamba2", "rwkv6", "rwkv7", "jamba", "plamo2",
    "granitehybrid", "nemotron_h", "kimi-linear", "qwen3next", "qwen35", "minimax-01", "falcon-h1",
    "deepseek2", "deepseek32",
    "glm-dsa", "bert", "clip", "",
)  # fmt: skip
KEYS = (
    "block_count", "context_length", "embedding_length", "vocab_size", "feed_forward_length",
    "expert_feed_forward_length", "expert_count", "expert_used_count", "nextn_predict_layers",
    "full_attention_interval", "attention.head_count", "attention.head_count_kv", "attention.key_length",
    "attention.value_length", "attention.key_length_mla", "attention.value_length_mla",
    "attention.key_length_swa", "attention.value_length_swa", "attention.sliding_window",
    "attention.sliding_window_pattern", "attention.recurrent_layers", "attention.shared_kv_layers",
    "attention.indexer.key_length", "ssm.conv_kernel", "ssm.inner_size", "ssm.state_size", "ssm.group_count",
    "wkv.head_size", "token_shift_count", "shortconv.l_cache", "kda.head_dim",
)  # fmt: skip
GENERAL = (
    "general.name", "general.type", "general.file_type", "general.license", "general.license.name",
    "general.languages", "tokenizer.chat_template", "clip.vision.patch_size", "clip.vision.image_size",
    "clip.vision.embedding_length", "clip.vision.feed_forward_length",
)  # fmt: skip
NAMES = (
    "token_embd.weight", "output.weight", "per_layer_token_embd.weight", "blk.0.attn_q.weight",
    "blk.1.ssm_in.weight",
    "blk.0.ffn_down_exps.weight", "blk.999999.x", "blk.0.shortconv.in_proj.weight", "v.patch_embd.weight", "",
)  # fmt: skip
MOST_LAYERS = 40
"""Layers for which a list is made; more of them only take longer."""


def try_one(data: bytes) -> None:
    """What libFuzzer calls; anything raised is a finding."""
    header = header_of(atheris.FuzzedDataProvider(data))
    begin = time.process_time()
    use(header)
    seconds = time.process_time() - begin
    assert seconds <= SECONDS, f"it took {seconds:.1f} s"


def header_of(source: atheris.FuzzedDataProvider) -> GgufHeader:
    """A header as the parser could have read it."""
    architecture = source.PickValueInList(list(ARCHITECTURES))
    metadata: dict[str, Value] = {"general.architecture": architecture}
    for _ in range(source.ConsumeIntInRange(0, 24)):
        own = source.ConsumeIntInRange(0, 7)
        key = f"{architecture}.{source.PickValueInList(list(KEYS))}" if own else _pick(source, GENERAL)
        metadata[key] = value_of(source)
    tensors = tuple(tensor_of(source) for _ in range(source.ConsumeIntInRange(0, 12)))
    return GgufHeader(3, metadata, tensors, source.ConsumeIntInRange(0, 1 << 40))


def value_of(source: atheris.FuzzedDataProvider) -> Value:
    """Any value that a header can have at any key."""
    match source.ConsumeIntInRange(0, 9):
        case 0:
            return source.ConsumeUnicodeNoSurrogates(40)
        case 1:
            return source.ConsumeFloat()
        case 2:
            return source.ConsumeBool()
        case 3:
            return SkippedArray(source.ConsumeIntInRange(0, 1 << 40))
        case 4:
            return tuple(source.ConsumeInt(4) for _ in range(source.ConsumeIntInRange(0, MOST_LAYERS)))
        case 5:
            return tuple(source.ConsumeIntInRange(0, 1) for _ in range(MOST_LAYERS))
        case 6:
            return source.ConsumeIntInRange(-(1 << 63), (1 << 64) - 1)
        case _:
            return source.ConsumeIntInRange(0, 1 << source.ConsumeIntInRange(0, 32))


def tensor_of(source: atheris.FuzzedDataProvider) -> Tensor:
    """Any tensor that the parser lets through."""
    shape = tuple(source.ConsumeIntInRange(0, 1 << 12) for _ in range(source.ConsumeIntInRange(1, 4)))
    type_id = source.PickValueInList([*GGML_TYPES, 99])
    known = GGML_TYPES.get(type_id)
    elements = 1
    for length in shape:
        elements *= length
    size = -(-elements // known[1]) * known[2] if known else None
    return Tensor(_pick(source, NAMES), shape, type_id, source.ConsumeIntInRange(0, 1 << 40), size)


def _pick(source: atheris.FuzzedDataProvider, of: tuple[str, ...]) -> str:
    picked: str = source.PickValueInList(list(of))
    return picked


if __name__ == "__main__":
    fuzz(try_one, FOLDER, ["-max_len=4096", *sys.argv[1:]])
