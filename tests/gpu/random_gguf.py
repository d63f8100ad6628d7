"""Writes a GGUF model of any Llama's shape with random weights in Q4_K: real work for a GPU, no download.

    python -m tests.gpu.random_gguf CONFIG.json TOKENIZER.gguf OUT.gguf

The tokenizer and the chat template are those of another GGUF file. What such a model says is noise; how fast
it says it depends on the shape and the quantization alone.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from app.models.gguf_header import GGML_TYPES
from tests.unit.models.gguf_writer import ARRAY, F32, STRING, U32, GgufWriter

MATRIX, VECTOR = "Q4_K", "F32"
TYPE_IDS = {name: type_id for type_id, (name, _, _) in GGML_TYPES.items()}
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
BLOCKS = 1 << 16
"""Random ones of which all matrices are made, over and over: 9 MB."""
SCALE, LEAST = 1e-4, 7.5e-4
"""A weight is scale * s * q - least * m with s and m of 6 bits, q of 4 (ggml-common.h, block_q4_K): these
give a mean of nought and a spread of some 0.02, as models begin their training with."""
ALIGNMENT = 32


def main(config_file: Path, tokenizer: Path, out: Path) -> None:
    """Write `out`."""
    shape = json.loads(config_file.read_text(encoding="utf-8"))
    tensors = list(_tensors(shape))
    writer = GgufWriter().add("general.architecture", STRING, "llama").add("general.name", STRING, out.stem)
    for key, value in {
        "context_length": shape["max_position_embeddings"],
        "embedding_length": shape["hidden_size"],
        "block_count": shape["num_hidden_layers"],
        "feed_forward_length": shape["intermediate_size"],
        "rope.dimension_count": shape["head_dim"],
        "attention.head_count": shape["num_attention_heads"],
        "attention.head_count_kv": shape["num_key_value_heads"],
        "vocab_size": shape["vocab_size"],
    }.items():
        writer.add(f"llama.{key}", U32, value)
    writer.add("llama.attention.layer_norm_rms_epsilon", F32, shape["rms_norm_eps"])
    with tokenizer.open("rb") as file:
        for name, entry in _entries(file):
            if name.startswith("tokenizer."):
                writer.add_raw(entry)
    offset = 0
    for name, dimensions, kind in tensors:
        writer.tensor(name, dimensions, TYPE_IDS[kind], offset)
        offset += _padded(_size(dimensions, kind))
    blocks = _random_blocks()
    with out.open("wb") as file:
        header = writer.header()
        file.write(header + bytes(_padded(len(header)) - len(header)))
        for _, dimensions, kind in tensors:
            size = _size(dimensions, kind)
            if kind == VECTOR:
                data = struct.pack("<f", 1.0) * (size // 4)
                file.write(data)
            else:
                for begin in range(0, size, len(blocks)):
                    file.write(blocks[: min(len(blocks), size - begin)])
            file.write(bytes(_padded(size) - size))
    print(f"{out.stat().st_size:,} bytes", flush=True)


def _tensors(shape: dict) -> Iterator[tuple[str, tuple[int, ...], str]]:
    width, inner = shape["hidden_size"], shape["intermediate_size"]
    keys = shape["num_key_value_heads"] * shape["head_dim"]
    queries = shape["num_attention_heads"] * shape["head_dim"]
    yield "token_embd.weight", (width, shape["vocab_size"]), MATRIX
    for layer in range(shape["num_hidden_layers"]):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", (width,), VECTOR
        yield f"{block}.attn_q.weight", (width, queries), MATRIX
        yield f"{block}.attn_k.weight", (width, keys), MATRIX
        yield f"{block}.attn_v.weight", (width, keys), MATRIX
        yield f"{block}.attn_output.weight", (queries, width), MATRIX
        yield f"{block}.ffn_norm.weight", (width,), VECTOR
        yield f"{block}.ffn_gate.weight", (width, inner), MATRIX
        yield f"{block}.ffn_up.weight", (width, inner), MATRIX
        yield f"{block}.ffn_down.weight", (inner, width), MATRIX
    yield "output_norm.weight", (width,), VECTOR
    yield "output.weight", (width, shape["vocab_size"]), MATRIX


def _random_blocks() -> bytes:
    _, _, size = GGML_TYPES[TYPE_IDS[MATRIX]]
    blocks = bytearray(os.urandom(BLOCKS * size))
    for place, byte in enumerate(struct.pack("<ee", SCALE, LEAST)):
        blocks[place::size] = bytes([byte]) * BLOCKS
    return bytes(blocks)


def _size(dimensions: tuple[int, ...], kind: str) -> int:
    _, block, size = GGML_TYPES[TYPE_IDS[kind]]
    elements = 1
    for length in dimensions:
        elements *= length
    return elements // block * size


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _entries(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Key and bytes of each value in the header of a healthy GGUF file of version 3."""
    magic, version, _, count = struct.unpack("<4sIQQ", file.read(24))
    assert (magic, version) == (b"GGUF", 3)
    for _ in range(count):
        begin = file.tell()
        key = file.read(_number(file, "<Q")).decode()
        _pass_value(file, _number(file, "<I"))
        end = file.tell()
        file.seek(begin)
        yield key, file.read(end - begin)


def _number(file: BinaryIO, code: str) -> int:
    return int(struct.unpack(code, file.read(struct.calcsize(code)))[0])


def _pass_value(file: BinaryIO, kind: int) -> None:
    if kind == STRING:
        file.seek(_number(file, "<Q"), os.SEEK_CUR)
    elif kind == ARRAY:
        item, length = _number(file, "<I"), _number(file, "<Q")
        for _ in range(length):
            _pass_value(file, item)
    else:
        file.seek(SIZES[kind], os.SEEK_CUR)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
