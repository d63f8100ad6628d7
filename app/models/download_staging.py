"""The folder in which one download gathers its files until all of them are whole.

It lies on the library's own file system, so that what is whole enters the library by renaming. Files have
numbers for names there: what the hub calls them cannot lead anywhere, and no half file looks like a model.
A worker holds the folder's lock while it lives; the system lets go of it however the worker ends.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.domain.errors import StorageError

LOCK_PATIENCE_S = 5.0
"""A worker that was told to end needs some milliseconds."""
_POLL_S = 0.02
_LOCK = "lock"


class Staging:
    """The staging folder of one download. Files are known by their place among the variant's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def part(self, index: int) -> Path:
        """The file that is being fetched; what is in it is good as far as it goes, or so it is hoped."""
        return self.folder / f"{index:04}.part"

    def whole(self, index: int) -> Path:
        """The file once it is complete, verified and on the disk."""
        return self.folder / f"{index:04}.whole"

    def arrived(self, index: int) -> int:
        """Bytes of a file that are there, whole or in part."""
        return size_of(self.whole(index)) or size_of(self.part(index)) or 0

    def keep_whole(self, index: int) -> None:
        """Say that the part is complete and verified. It is on the disk when this returns.

        Raises OSError.
        """
        sync(self.part(index))
        self.part(index).replace(self.whole(index))

    @contextmanager
    def locked(self, patience_s: float = LOCK_PATIENCE_S) -> Iterator[None]:
        """Have the folder to oneself. Raises StorageError if another process has it for longer than that."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline, pause = time.monotonic() + patience_s, threading.Event()
            while not _try_lock(file):
                if time.monotonic() > deadline:
                    raise StorageError(
                        "Another Edgewise is downloading this model. Wait for it, or stop it there.",
                        detail=str(self.folder),
                    )
                pause.wait(_POLL_S)
            yield
        finally:
            os.close(file)

    @property
    def in_use(self) -> bool:
        """Whether some process holds the folder right now."""
        try:
            file = os.open(self.folder / _LOCK, os.O_RDWR)
        except OSError:
            return False
        try:
            return not _try_lock(file)
        finally:
            os.close(file)


def size_of(path: Path) -> int | None:
    """Bytes of the regular file at `path`, None if there is none; a link is none."""
    try:
        return None if path.is_symlink() or not path.is_file() else path.stat().st_size
    except OSError:
        return None


def sync(path: Path) -> None:
    """Have the system write a file, or on POSIX a folder's entries, to the disk."""
    if path.is_dir():
        if sys.platform == "win32":
            return
        flags = os.O_RDONLY
    else:
        flags = os.O_RDWR  # Windows flushes no file that is only read
    file = os.open(path, flags)
    try:
        os.fsync(file)
    finally:
        os.close(file)


if sys.platform == "win32":  # pragma: no cover - runs on Windows only
    import msvcrt

    def _try_lock(file: int) -> bool:
        with suppress(OSError):
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            return True
        return False

else:
    import fcntl

    def _try_lock(file: int) -> bool:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False
