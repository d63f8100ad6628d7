"""Whole GGUF files of any size, small enough to make on the spot: healthy headers, random weights."""

from __future__ import annotations

import random

from tests.unit.models.gguf_writer import STRING, U32, GgufWriter

ROW = 1024


def small_gguf(size: int = 2_000_000, *, seed: int = 0, name: str = "Small") -> bytes:
    """A file of about `size` bytes with one tensor of 32-bit floats; other bytes for another `seed`."""
    rows = max(1, size // (4 * ROW))
    header = (
        GgufWriter()
        .add("general.architecture", STRING, "llama")
        .add("general.name", STRING, name)
        .add("llama.block_count", U32, 1)
        .tensor("token_embd.weight", (ROW, rows), 0, 0)
        .header()
    )
    padding = b"\0" * (-len(header) % 32)
    return header + padding + random.Random(seed).randbytes(rows * ROW * 4)
