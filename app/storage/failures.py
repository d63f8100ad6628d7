"""Turns what SQLite and the operating system report into failures that a person can act on."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

from app.domain.errors import DiskFull, EdgewiseError, StorageError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NOT_A_FOLDER = {errno.EEXIST, errno.ENOTDIR}

_BARELY_FREE = 256 * 1024
"""Bytes. With less than this, an unexplained write error is a full disk (SQLite's -shm takes 32 KiB)."""


def explain_os_error(error: OSError, path: Path) -> StorageError:
    """The failure to raise when creating or writing `path` ended with `error`."""
    detail = str(error)
    if error.errno in _NO_SPACE:
        return _disk_full(path, detail)
    if error.errno in _NOT_ALLOWED:
        return _not_allowed(path, detail)
    if error.errno in _NOT_A_FOLDER:
        return StorageError(
            f"Edgewise needs a folder at {path}, but a file is in the way. Move that file, or set "
            "EDGEWISE_HOME to another folder.",
            detail=detail,
        )
    reason = error.strerror or type(error).__name__
    return StorageError(
        f"Edgewise cannot use {path}: {reason}. Check that the disk is connected and healthy, or set "
        "EDGEWISE_HOME to another folder.",
        detail=detail,
    )


def is_damage(error: sqlite3.Error) -> bool:
    """Whether `error` says that the database file itself is broken."""
    return _primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def explain_sqlite_error(error: sqlite3.Error, path: Path) -> EdgewiseError | None:
    """The failure to raise for `error` on the database at `path`, None when it is a bug of ours."""
    code = _primary_code(error)
    detail = f"{getattr(error, 'sqlite_errorname', type(error).__name__)}: {error}"
    if is_damage(error):
        return StorageError(
            "The file with your chats is damaged. Restart Edgewise: it will check the file, keep it under "
            "another name if it cannot be used, and begin a new one.",
            detail=detail,
        )
    # SQLite says "I/O error" or "cannot open" when it has no room for its shared-memory file.
    if code == sqlite3.SQLITE_FULL or (
        code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _nothing_free(path)
    ):
        return _disk_full(path, detail)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return _not_allowed(path, detail)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageError(
            f"Another program is using {path}. Close it, then try again.",
            detail=detail,
        )
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return StorageError(
            f"Edgewise cannot read or write {path}. Check that the disk is connected and healthy, then "
            "start Edgewise again.",
            detail=detail,
        )
    return None


def _primary_code(error: sqlite3.Error) -> int | None:
    # Errors that Python's module raises on its own carry no code. Extended codes keep the primary one
    # in their low byte.
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _nothing_free(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _BARELY_FREE
    except OSError:
        return False


def _disk_full(path: Path, detail: str) -> DiskFull:
    return DiskFull(
        f"The disk that holds {path.parent} is full. Free some space, then try again.", detail=detail
    )


def _not_allowed(path: Path, detail: str) -> StorageError:
    return StorageError(
        f"Edgewise is not allowed to write to {path}. Change its permissions, or set EDGEWISE_HOME to a "
        "folder that you can write to.",
        detail=detail,
    )
