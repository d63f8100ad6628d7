"""When Edgewise last looked for a newer version, and which one a person does not want to hear of again."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from app.storage.json_file import read_json, write_json

MOST_BYTES = 1 << 16
LONGEST_VERSION = 40
_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Looks:
    """`looked_at` in seconds since the epoch, 0 for never; `put_off` is a version, empty for none."""

    looked_at: float = 0.0
    put_off: str = ""


class UpdateRecord:
    """A small JSON file at `path`. Any thread may call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Looks:
        """What was written. Never fails: what cannot be read was never."""
        values = read_json(self._path, MOST_BYTES)
        at, version = values.get("looked_at"), values.get("put_off")
        good = isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at < 1e12
        return Looks(
            float(at) if good and at is not None else 0.0,
            version if isinstance(version, str) and len(version) <= LONGEST_VERSION else "",
        )

    def looked(self, at: float) -> None:
        """Somebody was asked, whatever came of it. Raises `DiskFull` or `StorageError`."""
        with _writing:
            write_json(self._path, asdict(replace(self.read(), looked_at=at)))

    def put_off(self, version: str) -> None:
        """Say nothing of `version` any more. Raises `DiskFull` or `StorageError`."""
        with _writing:
            write_json(self._path, asdict(replace(self.read(), put_off=version)))
