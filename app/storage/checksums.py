"""What the files of the model folder must hash to, as the hub said when they were downloaded.

One JSON object beside the models, so that it goes along with them: a file's path from the model folder, with
"/" between its parts, to its size and its SHA-256.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from app.storage.json_file import read_json, write_json

MOST_BYTES = 32 * 1024 * 1024
"""Far more than a library of ten thousand files takes."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_writing = threading.Lock()
"""One for all: two downloads that end together shall both be remembered."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What one file must be. `sha256` in small hex digits, `size` in bytes."""

    sha256: str
    size: int


class Checksums:
    """The file at `path`. Any thread may call; what another process writes in the same moment may win."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, file: str, sha256: str, size: int) -> None:
        """Remember what `file`, a path from the model folder, must be.

        Raises ValueError for what is no SHA-256 or no size, and `DiskFull` or `StorageError` when it cannot
        be kept.
        """
        wanted = _checked({"sha256": sha256.lower(), "size": size})
        if wanted is None:
            raise ValueError(f"no checksum: {sha256!r}, {size!r}")
        with _writing:
            self._write({**self.all(), _key(file): wanted})

    def get(self, file: str) -> Checksum | None:
        """What `file` must be, None where nobody said."""
        return self.all().get(_key(file))

    def forget(self, files: Iterable[str]) -> None:
        """Forget files that are gone. Raises `DiskFull` or `StorageError`."""
        gone = {_key(file) for file in files}
        with _writing:
            known = self.all()
            left = {file: checksum for file, checksum in known.items() if file not in gone}
            if len(left) != len(known):
                self._write(left)

    def all(self) -> dict[str, Checksum]:
        """Everything known. Never fails: a damaged file knows nothing."""
        checked = ((file, _checked(value)) for file, value in read_json(self._path, MOST_BYTES).items())
        return {file: checksum for file, checksum in checked if checksum is not None}

    def _write(self, checksums: dict[str, Checksum]) -> None:
        write_json(self._path, {file: asdict(checksums[file]) for file in sorted(checksums)})


def _key(file: str) -> str:
    return file.replace("\\", "/")


def _checked(value: object) -> Checksum | None:
    if not isinstance(value, dict):
        return None
    sha256, size = value.get("sha256"), value.get("size")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        return None
    return Checksum(sha256, size)
