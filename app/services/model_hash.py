"""The SHA-256 of a model's weights: what was told of them, what was read before, or read now. No Qt here."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from app.domain.errors import ModelFileError, StorageError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.models.found_elsewhere import known_sha256
from app.models.model_files import parts_of
from app.models.safetensors_folder import weight_files
from app.models.verify import sha256_of
from app.storage.checksums import Checksums
from app.storage.file_hashes import FileHash, FileHashes
from app.storage.paths import Paths


class ModelHash:
    """Hashes of this installation's models. Any thread may call."""

    def __init__(self, paths: Paths) -> None:
        self._models = paths.models
        self._told = Checksums(paths.checksums)
        self._read = FileHashes(paths.file_hashes)

    def of(self, model: LocalModel, cancellation: Cancellation) -> str:
        """The SHA-256 of the model's file in hex; of several files that of their SHA-256, a line each.

        Blocks while files are read that nobody has read as they are. Raises ModelFileError, and Cancelled.
        """
        files = parts_of(model.path) if model.format is Format.GGUF else weight_files(model.path)
        try:
            found = [self._of_file(file, cancellation) for file in files]
        except OSError as error:
            raise ModelFileError(
                f"{model.name} cannot be read ({error.strerror or error}).", detail=str(error)
            ) from error
        if len(found) == 1:
            return found[0]
        return hashlib.sha256("".join(f"{one}\n" for one in found).encode()).hexdigest()

    def _of_file(self, file: Path, cancellation: Cancellation) -> str:
        status = file.stat()
        before = self._read.get(file)
        if before is not None and (before.size, before.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return before.sha256
        # What was told is of the file as it arrived: only where it was not seen to change since.
        told = self._told_of(file, status.st_size) if before is None else None
        sha256 = told or sha256_of(file, lambda _: None, cancellation)
        with suppress(StorageError):  # it is read again, then
            self._read.put(file, FileHash(status.st_size, status.st_mtime_ns, sha256))
        return sha256

    def _told_of(self, file: Path, size: int) -> str | None:
        if not file.is_relative_to(self._models):
            return known_sha256(file)
        told = self._told.get(file.relative_to(self._models).as_posix())
        return told.sha256 if told is not None and told.size == size else None
