"""What the headers of models said when they were last read: a list of a thousand opens without reading one.

One JSON object beside the settings: a model's path (from the data folder on, where it lies in it) to its
size, the time its file was changed, and what was found. A file with another size or time is read anew; a
damaged cache is one that knows nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from app.domain.model import ModelDetails
from app.storage.home_paths import kept_as
from app.storage.json_file import read_json, write_json

VERSION = 1
"""Raised when headers are read differently: then all are read anew."""
MOST_BYTES = 64 * 1024 * 1024
MOST_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class CachedHeader:
    """What was found: `details`, or None and a `problem` why they cannot be had; or both."""

    size: int
    mtime_ns: int
    details: ModelDetails | None
    problem: str = ""


class HeaderCache:
    """The cache in the file at `path`. Any thread may call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: dict[str, CachedHeader] | None = None
        self._changed = False

    def get(self, path: str, size: int, mtime_ns: int) -> CachedHeader | None:
        """What is known of the model at `path`, if it is still the same."""
        with self._lock:
            entry = self._known().get(kept_as(path, self._path.parent))
        return entry if entry is not None and (entry.size, entry.mtime_ns) == (size, mtime_ns) else None

    def put(self, path: str, header: CachedHeader) -> None:
        """Remember what was found; `save` writes it."""
        with self._lock:
            self._known()[kept_as(path, self._path.parent)] = header
            self._changed = True

    def save(self, present: Collection[str]) -> None:
        """Write what is known of the models at `present`, if anything changed.

        Raises `DiskFull` or `StorageError`; then headers are read again the next time, and nothing is lost.
        """
        with self._lock:
            known = self._known()
            keys = [kept_as(path, self._path.parent) for path in present]
            kept = {key: known[key] for key in keys if key in known}
            if not self._changed and len(kept) == len(known):
                return
            kept = dict(list(kept.items())[:MOST_ENTRIES])
            values = {path: asdict(entry) for path, entry in kept.items()}
            write_json(self._path, {"version": VERSION, "models": values})
            self._entries, self._changed = kept, False

    def _known(self) -> dict[str, CachedHeader]:
        if self._entries is None:
            self._entries = _read(self._path)
        return self._entries


def _read(path: Path) -> dict[str, CachedHeader]:
    values = read_json(path, MOST_BYTES)
    models = values.get("models")
    if values.get("version") != VERSION or not isinstance(models, dict):
        return {}
    entries = ((path, _entry(value)) for path, value in list(models.items())[:MOST_ENTRIES])
    return {path: entry for path, entry in entries if entry is not None}


def _entry(value: object) -> CachedHeader | None:
    if not isinstance(value, dict):
        return None
    size, mtime_ns, problem = value.get("size"), value.get("mtime_ns"), value.get("problem")
    if type(size) is not int or type(mtime_ns) is not int or not isinstance(problem, str):
        return None
    if value.get("details") is None:
        return CachedHeader(size, mtime_ns, None, problem)
    details = _details(value["details"])
    return None if details is None else CachedHeader(size, mtime_ns, details, problem)


_TYPES: dict[str, tuple[type, ...]] = {
    "title": (str,),
    "architecture": (str,),
    "parameters": (int, type(None)),
    "quantization": (str,),
    "context_length": (int, type(None)),
    "licence": (str,),
    "has_template": (bool,),
    "layers": (int, type(None)),
    "languages": (list,),
    "is_projector": (bool,),
}
assert list(_TYPES) == [field.name for field in fields(ModelDetails)]


def _details(value: object) -> ModelDetails | None:
    if not isinstance(value, dict) or value.keys() != _TYPES.keys():
        return None
    if any(type(value[name]) not in types for name, types in _TYPES.items()):
        return None
    languages = value["languages"]
    if not all(isinstance(language, str) for language in languages):
        return None
    return ModelDetails(**{**value, "languages": tuple(languages)})
