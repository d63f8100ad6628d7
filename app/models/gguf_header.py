"""Reads what a GGUF file says of itself, without loading it.

The format is described in ggml's docs/gguf.md. Files come from strangers: every length is checked
against what is left of the file before anything is read, nothing nested deeper than the format allows is
followed, and memory stays bounded whatever the header claims. Versions 1 to 3, both byte orders.
"""

from __future__ import annotations

import io
import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from app.domain.errors import ModelFileError

MAGIC = b"GGUF"
MAX_METADATA = 65_536
MAX_TENSORS = 262_144
MAX_STRING = 16 * 1024 * 1024
"""A chat template or a licence is a few 100 kB at most."""
MAX_KEPT = 64 * 1024 * 1024
"""Bytes of texts and arrays kept from one header, all together."""
MAX_COUNTED = 8_000_000
"""Texts in arrays of one header, all together: some seconds to walk past. An array in an array counts as
`ARRAY_COST` texts."""
ARRAY_COST = 64
MAX_NAME = 1024
MAX_ARRAY_DEPTH = 4
KEPT_ARRAY = 8192
"""Longer arrays (vocabularies) are skipped and only counted; per-layer arrays are far shorter."""
KEPT_TEXTS = frozenset({"general.languages", "general.tags"})
"""Arrays of texts that are kept; all others are vocabularies and the like."""
MAX_TEXTS = 256
"""Of a kept array."""

SOURCE_CHUNK = 1 << 20
"""Bytes asked of a `ByteSource` at once. Most headers are a few MB, nearly all of it vocabulary."""

Scalar = int | float | bool | str


@dataclass(frozen=True, slots=True)
class SkippedArray:
    """An array that was too long, or of strings, and was only counted."""

    length: int


Value = Scalar | tuple[Scalar, ...] | SkippedArray

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_KEPT_NUMBER = 8
"""Bytes that a number in a tuple takes at least."""

GGML_TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8),
    28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
    42: ("Q2_0", 64, 18),
}  # fmt: skip
"""ggml type id: its name, elements in a block, bytes of a block (ggml/src/ggml.c, type_traits)."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor's entry. `size` is in bytes, None for a type this Edgewise does not know."""

    name: str
    shape: tuple[int, ...]
    type_id: int
    offset: int
    size: int | None


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """All of a file's header. `data_offset` is where the tensors begin, in bytes."""

    version: int
    metadata: dict[str, Value]
    tensors: tuple[Tensor, ...]
    data_offset: int

    @property
    def architecture(self) -> str:
        """Such as "llama"; empty if the file does not say."""
        value = self.metadata.get("general.architecture", "")
        return value if isinstance(value, str) else ""

    def integer(self, key: str) -> int | None:
        """The integer at `key` of this architecture (such as "block_count"), None if there is none."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def integers(self, key: str, count: int) -> tuple[int, ...] | None:
        """The integers at `key`, one for each of `count` layers; a single one stands for all."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        if isinstance(value, int) and not isinstance(value, bool):
            return (value,) * count
        if isinstance(value, tuple) and len(value) >= count and all(isinstance(v, int) for v in value):
            return tuple(int(v) for v in value[:count])
        return None

    @property
    def tensor_bytes(self) -> int:
        """Bytes of all tensors together."""
        return sum(tensor.size or 0 for tensor in self.tensors)

    @property
    def file_size(self) -> int:
        """Bytes the whole file must have at least."""
        ends = [tensor.offset + tensor.size for tensor in self.tensors if tensor.size is not None]
        return self.data_offset + max(ends, default=0)


def read_header(path: Path) -> GgufHeader:
    """Read the header of the file at `path`.

    Raises ModelFileError when the file is not there, is not a GGUF file, or its header is damaged. That
    the tensors are all there is `check_complete`'s business.
    """
    try:
        with path.open("rb") as file:
            return _Reader(file, os.fstat(file.fileno()).st_size, path.name).header()
    except FileNotFoundError as error:
        raise ModelFileError(
            f"the file {path.name} is not there. It may have been moved or deleted.", detail=str(path)
        ) from error
    except IsADirectoryError as error:
        raise ModelFileError(f"{path.name} is a folder, not a model file.", detail=str(path)) from error
    except OSError as error:
        raise ModelFileError(
            f"the file {path.name} cannot be read ({error.strerror}).", detail=str(error)
        ) from error


class ByteSource(Protocol):
    """Bytes that can be read at any place, such as a remote file that answers to ranges."""

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer, but not none, are no error. OSError when it cannot."""
        ...


def read_header_from(source: ByteSource, name: str, *, chunk: int = SOURCE_CHUNK) -> GgufHeader:
    """Read the header from `source` in pieces of `chunk` bytes, front to back; long arrays are not read.

    `name` is what a person knows the file by. Raises ModelFileError like `read_header`, also when the source
    raises OSError; any other error of the source passes through.
    """
    size = source.size
    try:
        with io.BufferedReader(_SourceFile(source, size), chunk) as file:
            return _Reader(file, size, name).header()
    except OSError as error:
        raise ModelFileError(
            f"the file {name} cannot be read ({error.strerror or error}).", detail=str(error)
        ) from error


def check_complete(path: Path, header: GgufHeader) -> None:
    """Raise ModelFileError if the file ends before its last tensor does."""
    size = path.stat().st_size
    if size < header.file_size:
        raise ModelFileError(
            f"the file ends early ({size / 1e6:.0f} of {header.file_size / 1e6:.0f} MB). Download it again.",
            detail=f"{path}: {size} of at least {header.file_size} bytes",
        )


class _SourceFile(io.RawIOBase):
    """A `ByteSource` as a file, for `io.BufferedReader`."""

    def __init__(self, source: ByteSource, size: int) -> None:
        super().__init__()
        self._source = source
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer).cast("B")
        wanted = min(len(room), self._size - self._at)
        if wanted <= 0:
            return 0
        data = self._source.read(self._at, wanted)[:wanted]  # one that gives more must not overrun us
        room[: len(data)] = data
        self._at += len(data)
        return len(data)


class _Reader:
    """Walks one header front to back, never past `size`."""

    def __init__(self, file: BinaryIO, size: int, name: str) -> None:
        self._file = file
        self._size = size
        self._name = name
        self._at = 0
        self._kept = 0
        self._counted = 0
        self._order = "<"
        self._wide = "Q"
        """How versions 2 and 3 (and, as I, version 1) write lengths."""

    def header(self) -> GgufHeader:
        if self._size < len(MAGIC) or self._file.read(len(MAGIC)) != MAGIC:
            raise ModelFileError(
                f"{self._name} is not a GGUF model file.", detail="It does not begin with the letters GGUF."
            )
        self._at = len(MAGIC)
        version = self._integer("I")
        if version & 0xFFFF == 0:  # no version is that high: it was written in the other byte order
            self._order = ">"
            version = int.from_bytes(version.to_bytes(4, "little"), "big")
        if not 1 <= version <= 3:
            raise self._damaged(f"version {version} is not known")
        self._wide = "I" if version == 1 else "Q"
        tensor_count = self._count(MAX_TENSORS, 8, "tensors")
        metadata_count = self._count(MAX_METADATA, 8, "metadata entries")
        metadata: dict[str, Value] = {}
        for _ in range(metadata_count):
            key = self._text(MAX_STRING if version == 1 else 65_535)
            metadata[key] = self._value(self._integer("I"), 0, keep_texts=key in KEPT_TEXTS)
        tensors = tuple(self._tensor() for _ in range(tensor_count))
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20 or alignment & (alignment - 1):
            raise self._damaged("its alignment is not a power of two")
        return GgufHeader(version, metadata, tensors, -(-self._at // alignment) * alignment)

    def _damaged(self, why: str) -> ModelFileError:
        return ModelFileError(
            f"the file {self._name} is damaged: {why}. Download it again.", detail=f"at byte {self._at}"
        )

    def _bytes(self, count: int) -> bytes:
        if count > self._size - self._at:
            raise self._damaged("it ends in the middle of its header")
        data = self._file.read(count)
        if len(data) != count:
            raise self._damaged("it ends in the middle of its header")
        self._at += count
        return data

    def _skip(self, count: int) -> None:
        if count > self._size - self._at:
            raise self._damaged("it ends in the middle of its header")
        self._file.seek(count, os.SEEK_CUR)
        self._at += count

    def _integer(self, code: str) -> int:
        value: int = struct.unpack(self._order + code, self._bytes(struct.calcsize(self._order + code)))[0]
        return value

    def _count(self, most: int, least_bytes_each: int, of: str) -> int:
        count = self._integer(self._wide)
        if count > most or count * least_bytes_each > self._size:
            raise self._damaged(f"it claims {count} {of}")
        return count

    def _text(self, longest: int) -> str:
        length = self._integer(self._wide)
        if length > longest:
            raise self._damaged(f"it claims a text of {length} bytes")
        self._keep(length)
        return self._bytes(length).decode("utf-8", errors="replace")

    def _keep(self, size: int) -> None:
        self._kept += size
        if self._kept > MAX_KEPT:
            raise self._damaged("it holds too much text or too many numbers")

    def _walk_past(self, count: int, of: str, cost: int = 1) -> None:
        self._counted += count * cost
        if self._counted > MAX_COUNTED:
            raise self._damaged(f"it claims an array of {count} {of}")

    def _value(self, kind: int, depth: int, *, keep_texts: bool) -> Value:
        if kind == _STRING:
            return self._text(MAX_STRING)
        if kind == _ARRAY:
            return self._array(depth + 1, keep_texts=keep_texts)
        code = _SCALARS.get(kind)
        if code is None:
            raise self._damaged(f"value type {kind} is not known")
        scalar: Scalar = struct.unpack(self._order + code, self._bytes(struct.calcsize(code)))[0]
        return scalar

    def _array(self, depth: int, *, keep_texts: bool = False) -> Value:
        if depth > MAX_ARRAY_DEPTH:
            raise self._damaged("its arrays are nested too deep")
        kind = self._integer("I")
        length = self._integer(self._wide)
        if kind == _STRING:
            if keep_texts and length <= MAX_TEXTS:
                return tuple(self._text(MAX_STRING) for _ in range(length))
            return self._skip_texts(length)
        if kind == _ARRAY:
            self._walk_past(length, "arrays", ARRAY_COST)
            for _ in range(length):
                self._array(depth + 1)
            return SkippedArray(length)
        code = _SCALARS.get(kind)
        if code is None:
            raise self._damaged(f"value type {kind} is not known")
        size = struct.calcsize("=" + code)
        if length > KEPT_ARRAY:
            self._skip(length * size)
            return SkippedArray(length)
        self._keep(length * _KEPT_NUMBER)
        return struct.unpack(f"{self._order}{length}{code}", self._bytes(length * size))

    def _skip_texts(self, length: int) -> SkippedArray:
        self._walk_past(length, "texts")
        width = struct.calcsize("=" + self._wide)
        if length * width > self._size - self._at:
            raise self._damaged(f"it claims an array of {length} texts")
        # A vocabulary has 50,000 to 300,000 texts; this loop is most of the time that reading takes.
        read, unpack, left = (
            self._file.read,
            struct.Struct(self._order + self._wide).unpack,
            self._size - self._at,
        )
        for _ in range(length):
            raw = read(width)
            if len(raw) != width:
                raise self._damaged("it ends in the middle of its header")
            size = unpack(raw)[0]
            left -= width + size
            if left < 0:
                raise self._damaged("it ends in the middle of its header")
            if len(read(size)) != size:
                raise self._damaged("it ends in the middle of its header")
        self._at = self._size - left
        return SkippedArray(length)

    def _tensor(self) -> Tensor:
        name = self._text(MAX_NAME)
        dimensions = self._integer("I")
        if not 1 <= dimensions <= 8:
            raise self._damaged(f"a tensor claims {dimensions} dimensions")
        shape = tuple(self._integer(self._wide) for _ in range(dimensions))
        type_id = self._integer("I")
        offset = self._integer("Q")
        elements = math.prod(shape)
        if max(shape) > 1 << 48 or elements > 1 << 48 or offset > 1 << 56:
            raise self._damaged(f"the tensor {name[:60]!r} claims an impossible size")
        known = GGML_TYPES.get(type_id)
        size = -(-elements // known[1]) * known[2] if known else None
        return Tensor(name, shape, type_id, offset, size)
