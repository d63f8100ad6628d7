"""Writes small GGUF files, healthy and hostile."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from app.models.gguf_header import read_header

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_CODES = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?"} | {
    U64: "Q", I64: "q", F64: "d",
}  # fmt: skip


@dataclass(frozen=True)
class Array:
    """An array value whose items are of type `kind`; `length` may lie."""

    kind: int
    items: tuple
    length: int | None = None


class GgufWriter:
    """Collects a header and gives its bytes; `order` and `version` as the format has them."""

    def __init__(self, version: int = 3, order: str = "<") -> None:
        self.version = version
        self.order = order
        self._metadata: list[bytes] = []
        self._tensors: list[bytes] = []

    def pack(self, code: str, value: float) -> bytes:
        return struct.pack(self.order + code, value)

    def size(self, value: int) -> bytes:
        return self.pack("I" if self.version == 1 else "Q", value)

    def text(self, value: str | bytes) -> bytes:
        raw = value.encode() if isinstance(value, str) else value
        return self.size(len(raw)) + raw

    def value(self, kind: int, value) -> bytes:
        if kind == STRING:
            return self.text(value)
        if kind == ARRAY:
            items = b"".join(self.value(value.kind, item) for item in value.items)
            length = len(value.items) if value.length is None else value.length
            return self.pack("I", value.kind) + self.size(length) + items
        return self.pack(_CODES[kind], value)

    def add(self, key: str | bytes, kind: int, value) -> GgufWriter:
        self._metadata.append(self.text(key) + self.pack("I", kind) + self.value(kind, value))
        return self

    def add_raw(self, entry: bytes) -> GgufWriter:
        self._metadata.append(entry)
        return self

    def tensor(self, name: str, shape: tuple[int, ...], type_id: int, offset: int) -> GgufWriter:
        dimensions = b"".join(self.size(n) for n in shape)
        self._tensors.append(
            self.text(name)
            + self.pack("I", len(shape))
            + dimensions
            + self.pack("I", type_id)
            + self.pack("Q", offset)
        )
        return self

    def header(self, *, tensors: int | None = None, metadata: int | None = None) -> bytes:
        """The bytes up to the tensors' data; the counts may lie."""
        return (
            b"GGUF"
            + self.pack("I", self.version)
            + self.size(len(self._tensors) if tensors is None else tensors)
            + self.size(len(self._metadata) if metadata is None else metadata)
            + b"".join(self._metadata)
            + b"".join(self._tensors)
        )


def llama(writer: GgufWriter | None = None) -> GgufWriter:
    """A header like a small llama's, with one tensor of each of two types."""
    return (
        (writer or GgufWriter())
        .add("general.architecture", STRING, "llama")
        .add("general.name", STRING, "Zoë 家")
        .add("llama.block_count", U32, 4)
        .add("llama.context_length", U32, 8192)
        .add("llama.embedding_length", U32, 512)
        .add("llama.attention.head_count", U32, 8)
        .add("llama.attention.head_count_kv", U32, 2)
        .add("llama.rope.freq_base", F32, 10000.0)
        .add("llama.flag", BOOL, True)
        .add("tokenizer.ggml.tokens", ARRAY, Array(STRING, ("a", "bc", "家")))
        .add("tokenizer.ggml.scores", ARRAY, Array(F32, (0.0, 0.5, 1.0)))
        .tensor("token_embd.weight", (512, 3), 0, 0)
        .tensor("output.weight", (512, 3), 3, 6144)
    )


def write_model(path: Path, writer: GgufWriter | None = None) -> Path:
    """A whole file at `path`: the header (a small llama's), and as many bytes as its tensors take."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((writer or llama()).header())
    os.truncate(path, read_header(path).file_size)
    return path
