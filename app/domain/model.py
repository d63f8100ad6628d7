"""Models on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model in the model folder. `name` is what a person reads and types; it is unique in the library."""

    name: str
    path: Path
    size: int
    """Bytes on disk."""
