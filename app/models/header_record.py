"""A model's header as JSON can hold it, without the vocabulary: small enough to keep."""

from __future__ import annotations

import math
from typing import Any

from app.models.gguf_header import (
    GGML_TYPES,
    KEPT_ARRAY,
    MAX_METADATA,
    MAX_TENSORS,
    GgufHeader,
    Scalar,
    SkippedArray,
    Tensor,
    Value,
)

_SKIPPED = "skipped"


def header_to_record(header: GgufHeader) -> dict[str, object]:
    """What `header_from_record` makes the same header of."""
    return {
        "version": header.version,
        "data_offset": header.data_offset,
        "metadata": {key: _plain(value) for key, value in header.metadata.items()},
        "tensors": [[t.name, list(t.shape), t.type_id, t.offset] for t in header.tensors],
    }


def header_from_record(record: object) -> GgufHeader | None:
    """The header that was written; None for what is none. Nothing is believed that a file could not say."""
    try:
        return _header(record)
    except (KeyError, TypeError, ValueError):
        return None


def _plain(value: Value) -> object:
    if isinstance(value, SkippedArray):
        return {_SKIPPED: value.length}
    return list(value) if isinstance(value, tuple) else value


def _header(record: Any) -> GgufHeader:
    metadata, tensors = record["metadata"], record["tensors"]
    if not isinstance(metadata, dict) or not isinstance(tensors, list):
        raise TypeError(record)
    if len(metadata) > MAX_METADATA or len(tensors) > MAX_TENSORS:
        raise ValueError("too many")
    return GgufHeader(
        version=_whole(record["version"], 3),
        metadata={_text(key): _value(value) for key, value in metadata.items()},
        tensors=tuple(_tensor(*entry) for entry in tensors),
        data_offset=_whole(record["data_offset"], 1 << 56),
    )


def _tensor(name: object, shape: list[object], type_id: object, offset: object) -> Tensor:
    dimensions = tuple(_whole(n, 1 << 48) for n in shape)
    kind = _whole(type_id, (1 << 32) - 1)
    elements = math.prod(dimensions)
    if not 1 <= len(dimensions) <= 8 or elements > 1 << 48:
        raise ValueError(shape)
    known = GGML_TYPES.get(kind)
    size = -(-elements // known[1]) * known[2] if known else None
    return Tensor(_text(name), dimensions, kind, _whole(offset, 1 << 56), size)


def _value(value: object) -> Value:
    if isinstance(value, dict):
        return SkippedArray(_whole(value[_SKIPPED], 1 << 63))
    if isinstance(value, list):
        if len(value) > KEPT_ARRAY:
            raise ValueError("too long")
        return tuple(_scalar(item) for item in value)
    return _scalar(value)


def _scalar(value: object) -> Scalar:
    if not isinstance(value, int | float | str):
        raise TypeError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _whole(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(value)
    return value
