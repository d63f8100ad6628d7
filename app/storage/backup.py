"""Copies of the database: one before each migration, and the way back to it for an older Edgewise.

Copies lie beside the database, `edgewise-v4-2026-11-24.db` being one of version 4 of its schema.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from app.domain.errors import DiskFull, StorageError
from app.domain.size_words import size
from app.storage.failures import explain_os_error, explain_sqlite_error
from app.storage.migrations import MIGRATIONS, schema_version

KEPT = 3
"""Copies; the oldest ones go once a migration is through."""
SPARE_BYTES = 4 * 1024 * 1024
"""What has to be free beyond the copy and a migration that rewrites everything into the log."""
COMPANIONS = ("-wal", "-shm")
"""Endings of the files that SQLite keeps beside an open database."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy: the schema's `version`, the day it was made on, its length in bytes."""

    path: Path
    version: int
    day: date
    size: int


@dataclass(frozen=True, slots=True)
class Lost:
    """What a newer database has that a copy has not."""

    messages: int
    conversations: int


def back_up(path: Path, version: int) -> Path:
    """Copy the database at `path`, of schema `version`, and return where the copy lies.

    Once this returns the copy is whole, checked and on the disk. It holds what was committed; a connection
    that has begun a transaction and changed nothing yet may be open meanwhile. Raises `DiskFull` where there
    is no room for the copy and the migration after it (nothing was written then), or `StorageError`.
    """
    part: Path | None = None
    try:
        _leave_room(path)
        for unfinished in path.parent.glob(f"{path.stem}-v*{path.suffix}.part*"):
            unfinished.unlink()  # of a copy that was killed
        target = _free_name(path, version)
        part = target.with_name(target.name + ".part")
        part.touch(mode=0o600)
        _copy(path, part, version)
        _put(part, target)
    except OSError as error:
        raise explain_os_error(error, path) from error
    except sqlite3.Error as error:
        raise explain_sqlite_error(error, part or path) or error from error
    finally:
        if part is not None:
            _discard(part)
    return target


def prune(path: Path) -> None:
    """Remove all but the `KEPT` newest copies of the database at `path`. Never fails."""
    for backup in backups(path)[KEPT:]:
        with suppress(OSError):
            backup.path.unlink()


def backups(path: Path) -> list[Backup]:
    """The copies beside the database at `path`, the newest first. What their names say is not checked."""
    found = []
    with suppress(OSError):
        for file in path.parent.iterdir():
            match = _pattern(path).fullmatch(file.name)
            if match is None or not file.is_file():
                continue
            with suppress(ValueError, OSError):  # a day that is none; a file that went meanwhile
                facts = file.stat()
                backup = Backup(file, int(match[1]), date.fromisoformat(match[2]), facts.st_size)
                found.append((backup.day, facts.st_mtime_ns, file.name, backup))
    return [backup for *_, backup in sorted(found, reverse=True)]


def readable_backup(path: Path, known: int = len(MIGRATIONS)) -> Backup | None:
    """The newest copy whose schema is of version `known` or older and that is whole; None without one."""
    for backup in backups(path):
        with suppress(sqlite3.Error), closing(_open_to_read(backup.path)) as copy:
            # The file says what it is, not its name.
            if 0 < schema_version(copy) <= known and _is_whole(copy):
                return backup
    return None


def lost_since(path: Path, backup: Backup) -> Lost | None:
    """What the newer database at `path` has beyond `backup`; None where its schema is not understood."""
    try:
        with closing(_open_to_read(backup.path)) as old:
            last = old.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()[0]
        with closing(_open_to_read(path)) as new:
            messages, conversations = new.execute(
                "SELECT count(*), count(DISTINCT conversation_id) FROM messages WHERE id > ?", (last,)
            ).fetchone()
    except sqlite3.Error:
        return None
    return Lost(messages, conversations)


def put_aside(path: Path, backup: Backup | None) -> Path:
    """Put the newer database at `path` beside, unchanged, and `backup` (which stays, too) in its place.

    Returns where the newer one lies now. Without a backup nothing is put in its place. Killed at any moment
    it leaves the newer database whole under one of the two names. Raises `DiskFull` or `StorageError`.
    """
    aside = _aside_name(path)
    part = path.with_name(path.name + ".part")
    try:
        if backup is not None:
            if shutil.disk_usage(path.parent).free < backup.size + SPARE_BYTES:
                raise _no_room(path, backup.size + SPARE_BYTES)
            part.unlink(missing_ok=True)
            part.touch(mode=0o600)
            shutil.copyfile(backup.path, part)
            _sync(part)
        log = _beside(path, "-wal")
        if log.exists():
            # Copied, not moved: a database without its log, or with a stranger's, is a wrong one.
            shutil.copyfile(log, _beside(aside, "-wal"))
            _sync(_beside(aside, "-wal"))
        path.rename(aside)
        for ending in COMPANIONS:
            _beside(path, ending).unlink(missing_ok=True)
        if backup is not None:
            part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise explain_os_error(error, path) from error
    finally:
        _discard(part)
    return aside


def _leave_room(path: Path) -> None:
    """Raise `DiskFull` unless there is room for a copy, and for a migration that writes everything anew."""
    length = sum(
        _beside(path, ending).stat().st_size for ending in ("", "-wal") if _beside(path, ending).exists()
    )
    needed = 2 * length + SPARE_BYTES
    if shutil.disk_usage(path.parent).free < needed:
        raise _no_room(path, needed)


def _no_room(path: Path, needed: int) -> DiskFull:
    free = shutil.disk_usage(path.parent).free
    return DiskFull(
        f"Your chats have to be copied before this Edgewise can open them. That takes {size(needed)}, and "
        f"the disk that holds {path.parent} has {size(free)} left. Free some space, then start Edgewise "
        "again. Nothing was changed.",
        detail=f"{needed} bytes needed, {free} free",
    )


def _copy(path: Path, part: Path, version: int) -> None:
    """Fill `part` with what is committed in the database at `path`, by SQLite's own backup, and check it."""
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        with closing(_open_to_read(path)) as source:
            source.backup(copy)
        # A file of its own: with the log's mode in its header it could not be read from a write-protected
        # disk.
        copy.execute("PRAGMA journal_mode = DELETE")
        if schema_version(copy) != version or not _is_whole(copy):
            raise StorageError(
                "Your chats could not be copied whole, so this Edgewise does not change them. Check the disk "
                "that holds them, then start Edgewise again.",
                detail=f"{path}: version {version}, in the copy {schema_version(copy)}",
            )


def _is_whole(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")


def _open_to_read(path: Path) -> sqlite3.Connection:
    # immutable: without a log nobody shares the file, and nothing needs to be made beside it.
    mode = "mode=ro" if _beside(path, "-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)


def _put(part: Path, target: Path) -> None:
    _sync(part)
    part.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    """Have what was written to `path` on the disk. Of folders only where the system knows that."""
    if os.name == "nt":
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _discard(part: Path) -> None:
    for ending in ("", "-journal", *COMPANIONS):
        with suppress(OSError):
            _beside(part, ending).unlink(missing_ok=True)


def _free_name(path: Path, version: int) -> Path:
    stem = f"{path.stem}-v{version}-{date.today():%Y-%m-%d}"
    return next(file for file in _names(path, stem) if not file.exists())


def _aside_name(path: Path) -> Path:
    stem = f"{path.stem}-newer-{date.today():%Y-%m-%d}"
    return next(
        file
        for file in _names(path, stem)
        if not any(_beside(file, ending).exists() for ending in ("", *COMPANIONS))
    )


def _names(path: Path, stem: str) -> Iterator[Path]:
    return (path.with_name(f"{stem}{'' if n == 1 else f'-{n}'}{path.suffix}") for n in count(1))


def _pattern(path: Path) -> re.Pattern[str]:
    name, suffix = re.escape(path.stem), re.escape(path.suffix)
    return re.compile(rf"{name}-v(\d{{1,4}})-(\d{{4}}-\d\d-\d\d)(?:-\d{{1,4}})?{suffix}", re.ASCII)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
