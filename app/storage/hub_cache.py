"""What a hub said, kept for when it cannot be asked: one small JSON file for each answer, in one folder.

It may be deleted at any time. What cannot be read, is too large or belongs to another question counts as
not there.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import StorageError
from app.storage.json_file import read_json, write_json

MOST_BYTES = 8 * 1024 * 1024
"""Of one answer. A header without its vocabulary has some 100 kB, a listing up to 3 MB."""
MOST_FILES = 500
"""Beyond that the answers that were fetched longest ago go."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer and its age in seconds."""

    value: Mapping[str, object]
    age_s: float


class HubCache:
    """The answers in `folder`, by key. Any thread may call. Nothing here raises: without a cache one asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def get(self, key: str) -> Kept | None:
        """What was kept under `key` last, None if nothing was. An age that cannot be true is infinite."""
        kept = read_json(self._path(key), MOST_BYTES)
        value, at = kept.get("value"), kept.get("at")
        if kept.get("key") != key or not isinstance(value, dict):
            return None
        age = time.time() - at if isinstance(at, float) else -1.0
        return Kept(value, age if age >= 0.0 else float("inf"))

    def put(self, key: str, value: Mapping[str, object]) -> None:
        """Keep `value`, unless it is too large or the disk does not take it."""
        path = self._path(key)
        with self._lock:
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_json(path, {"key": key, "at": time.time(), "value": value})
                if path.stat().st_size > MOST_BYTES:
                    path.unlink()
                self._forget_the_oldest()
            except (OSError, StorageError) as error:
                _log.warning("What the hub said is not kept: %s", error)

    def forget(self, key: str) -> None:
        """Keep nothing under `key`."""
        with self._lock, suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        # A hash: a key holds what the network said, and names of any length.
        return self._folder / f"{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:40]}.json"

    def _forget_the_oldest(self) -> None:
        files = list(self._folder.glob("*.json"))
        if len(files) <= MOST_FILES:
            return
        files.sort(key=lambda file: file.stat().st_mtime)
        for file in files[: len(files) - MOST_FILES]:
            file.unlink(missing_ok=True)
