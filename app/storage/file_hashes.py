"""The SHA-256 of files as they were when they were last read whole: gigabytes are not read twice.

One JSON object beside the settings: a file's path (from the data folder on, where it lies in it) to its size,
the time it was changed and its SHA-256. A file with another size or time is one that nobody has read.
"""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from app.storage.home_paths import kept_as
from app.storage.json_file import read_json, write_json

MOST_BYTES = 16 * 1024 * 1024
MOST_ENTRIES = 10_000
"""The newest are kept."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_writing = threading.Lock()
"""One for all, so that of two that end together none is lost."""


@dataclass(frozen=True, slots=True)
class FileHash:
    """What one file was: bytes, nanoseconds since the epoch, small hex digits."""

    size: int
    mtime_ns: int
    sha256: str


class FileHashes:
    """The file at `path`. Any thread may call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, file: Path) -> FileHash | None:
        """What was read of `file`, whatever it is by now. Never fails."""
        return self._all().get(self._key(file))

    def put(self, file: Path, known: FileHash) -> None:
        """Remember it. Raises `DiskFull` or `StorageError`; then it is read again the next time."""
        with _writing:
            entries = self._all()
            entries.pop(self._key(file), None)
            entries[self._key(file)] = known
            kept = list(entries.items())[-MOST_ENTRIES:]
            write_json(self._path, {path: asdict(entry) for path, entry in kept})

    def _key(self, file: Path) -> str:
        return kept_as(str(file), self._path.parent)

    def _all(self) -> dict[str, FileHash]:
        checked = ((file, _checked(value)) for file, value in read_json(self._path, MOST_BYTES).items())
        return {file: entry for file, entry in checked if entry is not None}


def _checked(value: object) -> FileHash | None:
    if not isinstance(value, dict):
        return None
    size, mtime_ns, sha256 = value.get("size"), value.get("mtime_ns"), value.get("sha256")
    if type(size) is not int or type(mtime_ns) is not int or not isinstance(sha256, str):
        return None
    return FileHash(size, mtime_ns, sha256) if _SHA256.fullmatch(sha256) else None
