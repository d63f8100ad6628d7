"""Small JSON files, written all or nothing and read whatever is in them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.storage.failures import explain_os_error
from app.storage.well_formed import well_formed


def read_json(path: Path, most: int) -> dict[str, Any]:
    """The JSON object in a file of at most `most` bytes; an empty one for any other file. Never fails."""
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
        values = json.loads(raw) if len(raw) <= most else None
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def write_json(path: Path, values: Mapping[str, object]) -> None:
    """Write `values`. Raises `DiskFull` or `StorageError`; the old file then stays."""
    text = json.dumps(values, ensure_ascii=False, indent=2) + "\n"
    new = path.with_name(path.name + ".new")
    try:
        with new.open("w", encoding="utf-8", newline="\n") as file:
            file.write(well_formed(text))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise explain_os_error(error, path) from error
