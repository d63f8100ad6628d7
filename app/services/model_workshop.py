"""Where models are made: on the model folder's disk, and from there into the library. No Qt here."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.domain.conversion import Origin, WorkProgress
from app.domain.errors import ConversionFailed, DiskFull, ModelFileError, StorageError
from app.domain.generation import Cancellation
from app.domain.model import LibraryEntry
from app.domain.size_words import size
from app.models.details import why_no_model
from app.models.gguf_header import check_complete, read_header
from app.models.verify import sha256_of
from app.services.model_import import RESERVE, STALE_S
from app.services.model_library import ModelLibrary
from app.storage.checksums import Checksums
from app.storage.failures import explain_os_error
from app.storage.origins import Origins
from app.storage.paths import Paths

Progress = Callable[[WorkProgress], None]
"""Called on the thread that works, up to hundreds of times a second."""

_PREFIX = "made-"


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder of one's own, with the log of what is run there. Both go when the work is over."""

    folder: Path
    log: BinaryIO


@contextmanager
def bench(paths: Paths, needed: int, what: str) -> Iterator[Bench]:
    """A place to work that has `needed` bytes free; `what` says in a sentence's beginning what takes them.

    Raises DiskFull and StorageError.
    """
    folder = paths.incoming / f"{_PREFIX}{uuid.uuid4().hex}"
    try:
        _clear_stale(paths.incoming)
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    try:
        check_space(folder, needed, what)
        with (folder / "log").open("wb") as log:
            yield Bench(folder, log)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_space(folder: Path, needed: int, what: str) -> None:
    """Raise DiskFull unless the disk has `needed` bytes, and some for everything else."""
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE:
        raise DiskFull(
            f"{what} takes {size(needed)}, and the disk of the model folder has {size(free)} free. Free some "
            "space, then try again.",
            detail=str(folder),
        )


def free_target(target: Path) -> Path:
    """`target`, where nothing lies yet. Raises ModelFileError."""
    if target.exists():
        raise ModelFileError(
            f"{target.name} is in the model folder already. Remove it first if it is to be made anew.",
            detail=str(target),
        )
    return target


def shelve(
    made: Path, target: Path, origin: Origin, paths: Paths, progress: Progress, cancellation: Cancellation
) -> LibraryEntry:
    """Look at the model that was made, and move it into the library where it then is whole or not at all.

    Raises ConversionFailed, ModelFileError, StorageError and Cancelled.
    """
    try:
        header = read_header(made)
        check_complete(made, header)
    except ModelFileError as error:
        raise ConversionFailed(
            f"{target.name} was not made: what the program wrote is no whole model.", detail=error.message
        ) from error
    if reason := why_no_model(header):
        raise ConversionFailed(f"{target.name} was not made. {reason}")
    length = made.stat().st_size
    said = WorkProgress(f"Checking {target.name}", 0, length, "bytes")
    sha256 = sha256_of(
        made, lambda done: progress(WorkProgress(said.words, done, length, said.of)), cancellation
    )
    free_target(target)  # somebody may have been quicker
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made.rename(target)
    except OSError as error:
        raise explain_os_error(error, target) from error
    with suppress(StorageError):  # the model is there; only a later look knows less
        Checksums(paths.checksums).add(target.relative_to(paths.models).as_posix(), sha256, length)
        Origins(paths.models).put(target, origin)
    return _listed(target, paths)


def _listed(target: Path, paths: Paths) -> LibraryEntry:
    library = ModelLibrary(paths)
    for entry in library.entries():
        if entry.model.path == target:
            found: list[LibraryEntry] = []
            library.read_details([entry], found.append)
            return found[0] if found else entry
    raise ModelFileError(f"{target.name} was made but is gone again.", detail=str(target))


def _clear_stale(incoming: Path) -> None:
    """Delete what was left behind by work that was killed; another process may be working right now."""
    for left in incoming.glob(f"{_PREFIX}*") if incoming.is_dir() else ():
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_S:
                shutil.rmtree(left, ignore_errors=True)
