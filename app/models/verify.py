"""Whether a model's files are whole: by their headers, and by their SHA-256 where somebody told it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from app.domain.errors import Cancelled, ModelFileError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LocalModel, Soundness, Verification
from app.models.complete import check_headers
from app.models.model_files import parts_of
from app.models.safetensors_folder import weight_files

CHUNK = 4 * 1024 * 1024
"""Bytes read at once."""

Progress = Callable[[int, int], None]
"""Called with the bytes done and those to do, on the thread that works."""


def verify(
    model: LocalModel,
    files: Sequence[tuple[Path, str | None]],
    progress: Progress,
    cancellation: Cancellation,
) -> Verification:
    """Check `model`, whose `files` come with the SHA-256 each must have (None: nobody knows).

    Reads all of the files that have one. Raises Cancelled.
    """
    try:
        check_headers(model.path, model.format)
        known = [(path, sha256, path.stat().st_size) for path, sha256 in files if sha256 is not None]
        total, done = sum(size for *_, size in known), 0
        for path, sha256, size in known:
            found = sha256_of(path, _further(progress, done, total), cancellation)
            if found != sha256:
                return Verification(
                    model,
                    Soundness.DAMAGED,
                    f"{model.name} is damaged: {path.name} is not what it was. Delete the model and get it "
                    "again.",
                    detail=f"{path}: SHA-256 {found}, expected {sha256}",
                )
            done += size
    except ModelFileError as error:
        return Verification(model, Soundness.DAMAGED, f"{model.name}: {error.message}", error.detail)
    except OSError as error:
        message = f"{model.name} cannot be read ({error.strerror or error})."
        return Verification(model, Soundness.DAMAGED, message, str(error))
    weights = set(_weights(model.path, model.format))
    if weights <= {path for path, *_ in known}:
        return Verification(model, Soundness.WHOLE, f"{model.name} is whole: its SHA-256 is right.")
    return Verification(
        model,
        Soundness.COMPLETE,
        f"{model.name} is complete by its header. Nobody has told its SHA-256.",
    )


def sha256_of(path: Path, progress: Callable[[int], None], cancellation: Cancellation) -> str:
    """The file's SHA-256 in hex. Raises OSError, and Cancelled when the switch is thrown."""
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if cancellation.cancelled:
                raise Cancelled("Stopped.")
            digest.update(chunk)
            done += len(chunk)
            progress(done)
    return digest.hexdigest()


def _further(progress: Progress, before: int, total: int) -> Callable[[int], None]:
    return lambda done: progress(before + done, total)


def _weights(path: Path, format_: Format) -> list[Path]:
    return parts_of(path) if format_ is Format.GGUF else weight_files(path)
