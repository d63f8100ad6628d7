"""Writes small safetensors files, healthy and hostile."""

from __future__ import annotations

import json


def write_weights(path, tensors, *, data=None, header=None):
    """A file with `tensors` (name: type, shape, bytes); `header` and `data` may lie."""
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, (kind, shape, size) in tensors.items():
        entries[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    raw = json.dumps(entries).encode() if header is None else header
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(end if data is None else data))
    return path
