"""Models that a person brings: what is one, and how it is copied into the model folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from app.domain.errors import Cancelled, DiskFull, ModelFileError, StorageError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import Place
from app.models.complete import check_headers
from app.models.details import why_no_model
from app.models.model_files import FoundModel, files_of, model_at
from app.models.verify import Progress
from app.storage.checksums import Checksums
from app.storage.failures import explain_os_error
from app.storage.paths import Paths

CHUNK = 4 * 1024 * 1024
"""Bytes copied at once."""
RESERVE = 256 * 1024 * 1024
"""Bytes left free on the disk: chats are written to it, too."""
STALE_S = 24 * 3600.0
"""After so long a copy that was not finished is what a crash left behind."""
_PREFIX = "import-"


def importable(path: Path) -> FoundModel:
    """The model at `path`, its headers read and its files complete. Else raises ModelFileError."""
    path = path.absolute()
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError):
        is_folder = is_file = False
    if not is_folder and not is_file:
        raise ModelFileError(f"There is no file {path.name}.", detail=str(path))
    found = model_at(path, Place.IN_PLACE)
    if found is None:
        raise ModelFileError(
            f"{path.name} is not a model that Edgewise knows. Choose a GGUF file (of several the first), or "
            "a folder with config.json and model.safetensors.",
            detail=str(path),
        )
    try:
        headers = check_headers(found.path, found.format)
    except ModelFileError as error:
        message = f"{found.names[0]} was not imported: {error.message}"
        raise ModelFileError(message, detail=error.detail) from error
    except OSError as error:
        message = f"{found.path.name} cannot be read ({error.strerror or error})."
        raise ModelFileError(message, detail=str(error)) from error
    if headers and (reason := why_no_model(headers[0])):
        raise ModelFileError(f"{path.name} was not imported. {reason}", detail=str(path))
    return found


def copy_in(found: FoundModel, paths: Paths, progress: Progress, cancellation: Cancellation) -> Path:
    """Copy the model into the model folder and return where it lies there.

    It appears there only when it is whole; nothing is overwritten. Raises what `ModelLibrary.import_model`
    does.
    """
    files = files_of(found.path, found.format)
    if found.projector is not None:
        files.append(found.projector)
    alone = found.format is Format.GGUF and len(files) == 1
    target = paths.models / (found.path.name if alone else found.names[0] or "model")
    _refuse_duplicate(found, target, files, alone=alone)
    sizes = [_size(file) for file in files]
    _check_space(paths.models, sum(sizes))
    staged = paths.incoming / f"{_PREFIX}{uuid.uuid4().hex}"
    hashes: dict[str, tuple[str, int]] = {}
    try:
        _clear_stale(paths.incoming)
        staged.mkdir(mode=0o700, parents=True)
        done = 0
        for file, size in zip(files, sizes, strict=True):
            report = _counted(progress, done, sum(sizes))
            hashes[file.name] = (_copy(file, staged / file.name, size, report, cancellation), size)
            done += size
        if target.exists():  # somebody was quicker
            raise _already(target)
        (staged / found.path.name if alone else staged).rename(target)
    except OSError as error:
        raise explain_os_error(error, target) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    checksums = Checksums(paths.checksums)
    folder = "" if alone else f"{target.name}/"
    for name, (sha256, size) in hashes.items():
        with suppress(StorageError):  # the model is there; only a later check knows less
            checksums.add(folder + name, sha256, size)
    return target if alone or found.format is Format.SAFETENSORS else target / found.path.name


def _refuse_duplicate(found: FoundModel, target: Path, files: list[Path], *, alone: bool) -> None:
    if not target.exists():
        return
    there = [target] if alone else [target / file.name for file in files]
    with suppress(OSError):
        if all(copy.stat().st_size == file.stat().st_size for copy, file in zip(there, files, strict=True)):
            raise ModelFileError(f"{found.names[0]} is already in the library.", detail=str(target))
    raise _already(target)


def _already(target: Path) -> ModelFileError:
    return ModelFileError(
        f"The model folder already holds something else called {target.name}. Rename one of the two, then "
        "import it again.",
        detail=str(target),
    )


def _check_space(folder: Path, needed: int) -> None:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise explain_os_error(error, folder) from error
    if free < needed + RESERVE:
        raise DiskFull(
            f"The copy takes {needed / 1e9:.1f} GB, and the disk of the model folder has {free / 1e9:.1f} GB "
            "free. Free some space, or use the file where it is.",
            detail=str(folder),
        )


def _counted(progress: Progress, before: int, total: int) -> Callable[[int], None]:
    return lambda done: progress(before + done, total)


def _copy(
    source: Path, target: Path, size: int, progress: Callable[[int], None], cancellation: Cancellation
) -> str:
    """Copy one file of `size` bytes; returns its SHA-256. OSError is about `target`."""
    digest = hashlib.sha256()
    done = 0
    with _opened(source) as reading, target.open("xb") as writing:
        while True:
            if cancellation.cancelled:
                raise Cancelled("The import was stopped. Nothing was kept.")
            try:
                chunk = reading.read(CHUNK)
            except OSError as error:
                raise _unreadable(source, error) from error
            if not chunk:
                break
            digest.update(chunk)
            writing.write(chunk)
            done += len(chunk)
            progress(min(done, size))
        if done != size:
            raise ModelFileError(f"{source.name} changed while it was copied. Import it again.")
        writing.flush()
        os.fsync(writing.fileno())
    return digest.hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ModelFileError:
    return ModelFileError(f"{path.name} cannot be read ({error.strerror or error}).", detail=str(error))


def _clear_stale(incoming: Path) -> None:
    """Delete what a copy left behind that was killed; another process may be copying right now."""
    for left in incoming.glob(f"{_PREFIX}*") if incoming.is_dir() else ():
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_S:
                shutil.rmtree(left, ignore_errors=True)
