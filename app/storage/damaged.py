"""Keeps a file that cannot be read, under another name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from pathlib import Path

from app.storage.failures import explain_os_error


def set_aside(path: Path, companions: Sequence[str] = ()) -> Path:
    """Rename `path` to `path.damaged-YYYYMMDD-HHMMSS` (local time) and return the new path.

    `companions` are endings of files that belong to it (`-wal`) and move with it where they exist.
    Nothing is overwritten: a name that is taken gets a number. Raises `StorageError`.
    """
    stem = f"{path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S}"
    names = (stem if n == 1 else f"{stem}-{n}" for n in count(1))
    target = next(
        candidate
        for candidate in map(path.with_name, names)
        if not any(_beside(candidate, ending).exists() for ending in ("", *companions))
    )
    try:
        # The file itself goes last: a new database must never find the old one's log beside it.
        for ending in (*companions, ""):
            if _beside(path, ending).exists():
                _beside(path, ending).rename(_beside(target, ending))
    except OSError as error:
        raise explain_os_error(error, path) from error
    return target


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
