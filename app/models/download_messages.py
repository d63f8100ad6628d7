"""What the app tells a download's worker, and what the worker tells the app: one JSON object a line.

The job goes to the worker's standard input, so that the token is neither among its arguments nor in its
environment, where other programs could read it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from app.domain import errors
from app.domain.errors import EdgewiseError, HubBusy, HubError
from app.domain.hub import Variant
from app.domain.variant_record import record_of, variant_of

_KINDS: dict[str, type[EdgewiseError]] = {
    kind.__name__: kind
    for kind in (
        errors.Offline, errors.HubUnreachable, errors.HubBusy, errors.TokenRefused, errors.AccessDenied,
        errors.NotOnHub, errors.DownloadDamaged, errors.HubError, errors.ModelFileError, errors.DiskFull,
        errors.StorageError,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DownloadJob:
    """One variant to bring into `library`; `staging` holds what has arrived so far.

    `reserve` is in bytes: what must stay free on the disk.
    """

    variant: Variant
    staging: Path
    library: Path
    token: str | None
    reserve: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes that are there, of all files together, of `size`; `verifying` while checksums are computed."""

    done: int
    size: int | None
    verifying: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is now in the library. `path` is relative to the model folder, with slashes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Finished:
    """All files are in the library."""

    files: tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """It ended with an expected failure."""

    error: EdgewiseError


Message = Progress | Finished | Failed


def write_job(job: DownloadJob) -> bytes:
    """`job` as one line."""
    return _line(
        {
            "variant": record_of(job.variant),
            "staging": str(job.staging),
            "library": str(job.library),
            "token": job.token,
            "reserve": job.reserve,
        }
    )


def read_job(line: bytes) -> DownloadJob:
    """The job that `write_job` wrote. Raises ValueError for anything else."""
    values = json.loads(line)
    variant = variant_of(values["variant"])
    if variant is None:
        raise ValueError("not a download's job")
    return DownloadJob(
        variant, Path(values["staging"]), Path(values["library"]), values["token"], values["reserve"]
    )


def write_message(message: Message) -> bytes:
    """`message` as one line."""
    if isinstance(message, Progress):
        return _line({"progress": asdict(message)})
    if isinstance(message, Finished):
        return _line({"finished": [asdict(file) for file in message.files]})
    error = message.error
    kind = next(name for name, known in _KINDS.items() if isinstance(error, known))
    values: dict[str, object] = {"kind": kind, "message": error.message, "detail": error.detail}
    if isinstance(error, HubBusy):
        values["retry_after_s"] = error.retry_after_s
    return _line({"failed": values})


def read_message(line: bytes) -> Message | None:
    """The message in `line`; None if it holds none, such as a line of a traceback."""
    if not line.startswith(b"{"):
        return None
    try:
        values = json.loads(line)
        if "progress" in values:
            return Progress(**values["progress"])
        if "finished" in values:
            return Finished(tuple(Stored(**file) for file in values["finished"]))
        return Failed(_error_of(values["failed"]))
    except (ValueError, TypeError, KeyError):
        return None


def _error_of(values: dict[str, object]) -> EdgewiseError:
    message, detail = str(values["message"]), str(values["detail"])
    kind = _KINDS.get(str(values["kind"]), HubError)
    if kind is HubBusy:
        wait = values.get("retry_after_s")
        seconds = float(wait) if isinstance(wait, int | float) else None
        return HubBusy(message, retry_after_s=seconds, detail=detail)
    return kind(message, detail=detail)


def _line(values: dict[str, object]) -> bytes:
    return json.dumps(values).encode() + b"\n"
