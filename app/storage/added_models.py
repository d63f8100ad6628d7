"""The models that a person added where they lie, in a small JSON file.

It says also which folder it lay in: when that has moved, with it moved what lies in it or beside it.
"""

from __future__ import annotations

import threading
from pathlib import Path

from app.storage.home_paths import moved
from app.storage.json_file import read_json, write_json

MOST_BYTES = 4 * 1024 * 1024
MOST_MODELS = 10_000
_writing = threading.Lock()


class AddedModels:
    """The list in the file at `path`, in the order in which they were added. Any thread may call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> list[Path]:
        """Their files (of safetensors the folders), also those that are gone. Never fails."""
        values = read_json(self._path, MOST_BYTES)
        paths, home = values.get("paths"), values.get("home")
        if not isinstance(paths, list):
            return []
        texts = [path for path in paths[:MOST_MODELS] if isinstance(path, str) and "\0" not in path]
        here = self._path.parent
        if isinstance(home, str) and home not in ("", str(here)) and "\0" not in home:
            return list(
                dict.fromkeys(path for text in texts if (path := moved(text, home, here)) is not None)
            )
        return list(dict.fromkeys(path for path in map(Path, texts) if path.is_absolute()))

    def add(self, path: Path) -> None:
        """Remember `path`, which is absolute. Raises `DiskFull` or `StorageError`."""
        with _writing:
            self._write([*(known for known in self.all() if known != path), path])

    def forget(self, path: Path) -> None:
        """Forget `path`. Raises `DiskFull` or `StorageError`."""
        with _writing:
            self._write([known for known in self.all() if known != path])

    def _write(self, paths: list[Path]) -> None:
        write_json(self._path, {"home": str(self._path.parent), "paths": [str(path) for path in paths]})
