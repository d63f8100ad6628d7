"""The downloads that are not done, so that they survive whatever ends the app.

Each is a folder: a JSON file that says what it is, and beside it what has arrived
(`app.models.download_staging`). So the two cannot disagree. No token and no signed link is ever in it. A
folder without a readable entry is nobody's, and can be swept away.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.domain.hub import Variant
from app.domain.variant_record import record_of, variant_of
from app.storage.failures import explain_os_error
from app.storage.json_file import read_json, write_json

ENTRY = "download.json"
MOST_BYTES = 4 * 1024 * 1024
LONGEST_TEXT = 2000
_KEY = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One download. `key` names its folder, `added` is in seconds since the epoch."""

    key: str
    name: str
    variant: Variant
    added: float
    paused: bool = False
    """By a person; any other goes on by itself."""
    error: str = ""
    """Why it failed, if it did: it then waits for a person, too."""
    needs_token: bool = False


class DownloadJournal:
    """The entries under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder_of(self, key: str) -> Path:
        """Where the download `key` gathers its files."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a download's key: {key!r}")
        return self._folder / key

    def entries(self) -> list[JournalEntry]:
        """All readable entries, the first added first. Never fails."""
        found = [self._read(folder) for folder in self._folders()]
        return sorted((entry for entry in found if entry is not None), key=lambda entry: entry.added)

    def strays(self) -> list[str]:
        """Keys of folders that no readable entry owns."""
        return [folder.name for folder in self._folders() if self._read(folder) is None]

    def write(self, entry: JournalEntry) -> None:
        """Remember `entry`. Raises `DiskFull` or `StorageError`."""
        folder = self.folder_of(entry.key)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise explain_os_error(error, folder) from error
        values = {
            "name": entry.name,
            "variant": record_of(entry.variant),
            "added": entry.added,
            "paused": entry.paused,
            "error": entry.error,
            "needs_token": entry.needs_token,
        }
        write_json(folder / ENTRY, values)

    def forget(self, key: str) -> None:
        """Delete the entry and all that was gathered. Never fails: what cannot be deleted becomes a stray."""
        folder = self.folder_of(key)
        with suppress(OSError):
            (folder / ENTRY).unlink()
        if not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        try:
            found = [path for path in self._folder.iterdir() if _KEY.fullmatch(path.name)]
        except OSError:
            return []
        return sorted(path for path in found if path.is_dir() and not path.is_symlink())

    def _read(self, folder: Path) -> JournalEntry | None:
        return _entry_of(folder.name, read_json(folder / ENTRY, MOST_BYTES))


def _entry_of(key: str, values: Mapping[str, object]) -> JournalEntry | None:
    variant = variant_of(values.get("variant"))
    name, added, error = values.get("name"), values.get("added"), values.get("error", "")
    paused, needs_token = values.get("paused", False), values.get("needs_token", False)
    if (
        variant is None
        or not isinstance(name, str)
        or isinstance(added, bool)
        or not isinstance(added, int | float)
        or not isinstance(error, str)
        or not isinstance(paused, bool)
        or not isinstance(needs_token, bool)
    ):
        return None
    return JournalEntry(
        key, name[:LONGEST_TEXT], variant, float(added), paused, error[:LONGEST_TEXT], needs_token
    )
