"""Where the models came from that were made on this machine.

One JSON object beside the models, so that it goes along with them: a file's path from the model folder, with
"/" between its parts, to what it was made from.
"""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path

from app.domain.conversion import Origin
from app.storage.json_file import read_json, write_json

FILE = ".origins.json"
MOST_BYTES = 8 * 1024 * 1024
MOST_CHARACTERS = 300
"""Of one text; what is longer was not written by us."""
_writing = threading.Lock()
"""One for all, so that of two that end together none is lost."""


class Origins:
    """The file in the folder `models`. Any thread may call."""

    def __init__(self, models: Path) -> None:
        self._models = models
        self._path = models / FILE

    def get(self, file: Path) -> Origin | None:
        """What is known of a model of the folder; None for any other. Never fails."""
        if not file.is_relative_to(self._models):
            return None
        return _checked(read_json(self._path, MOST_BYTES).get(self._key(file)))

    def put(self, file: Path, origin: Origin) -> None:
        """Remember it. Files that are gone are forgotten. Raises `DiskFull` or `StorageError`."""
        with _writing:
            known = read_json(self._path, MOST_BYTES)
            kept = {key: value for key, value in known.items() if (self._models / key).is_file()}
            write_json(self._path, {**kept, self._key(file): asdict(origin)})

    def _key(self, file: Path) -> str:
        return file.relative_to(self._models).as_posix()


def _checked(value: object) -> Origin | None:
    if not isinstance(value, dict):
        return None
    at = value.get("at")
    texts = [value.get(key) for key in ("made_from", "made_with", "importance_matrix", "importance_text")]
    if not isinstance(at, (int, float)) or isinstance(at, bool):
        return None
    words = [text for text in texts if isinstance(text, str) and len(text) <= MOST_CHARACTERS]
    if len(words) != len(texts):
        return None
    made_from, made_with, matrix, matrix_text = words
    return Origin(made_from, made_with, float(at), matrix, matrix_text)
