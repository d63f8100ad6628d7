"""Where Edgewise keeps its files."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from app.storage.failures import explain_os_error


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders (`home`, `models`, `logs`) and files (`database`, `settings`) of this installation."""

    home: Path
    models: Path
    logs: Path
    database: Path
    settings: Path

    @classmethod
    def find(cls) -> Paths:
        """The system's usual places, or one folder with everything where EDGEWISE_HOME names it."""
        own = os.environ.get("EDGEWISE_HOME")
        if own:
            home = Path(own).expanduser().absolute()
            logs = home / "logs"
        else:
            home = platformdirs.user_data_path("Edgewise", appauthor=False)
            logs = platformdirs.user_log_path("Edgewise", appauthor=False)
        return cls(
            home=home,
            models=home / "models",
            logs=logs,
            database=home / "edgewise.db",
            settings=home / "settings.json",
        )

    @property
    def bandwidth(self) -> Path:
        """The memory bandwidth measured last."""
        return self.home / "bandwidth.json"

    @property
    def checksums(self) -> Path:
        """What the files of the model folder must hash to; it lies among them."""
        return self.models / ".checksums.json"

    @property
    def header_cache(self) -> Path:
        """What the models' headers said."""
        return self.home / "headers.json"

    @property
    def file_hashes(self) -> Path:
        """The SHA-256 of model files that were read whole."""
        return self.home / "hashes.json"

    @property
    def added_models(self) -> Path:
        """The models that a person added where they lie."""
        return self.home / "added_models.json"

    @property
    def incoming(self) -> Path:
        """What is on its way into the model folder, on the same disk; hidden from the library."""
        return self.models / ".incoming"

    @property
    def hub_cache(self) -> Path:
        """A folder with what the hub said of repositories and of files that lie there."""
        return self.home / "hub"

    @property
    def engines(self) -> Path:
        """The environments of the engines that were installed; made by the first one."""
        return self.home / "engines"

    @property
    def attached_servers(self) -> Path:
        """The servers that a person attached, without their keys."""
        return self.home / "servers.json"

    def create(self) -> None:
        """Make the folders that are missing, for this user's eyes only, and try to write in them.

        Raises `StorageError` (`DiskFull` among them) with what to do about it.
        """
        for folder in (self.home, self.models, self.logs):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Permission bits do not tell about read-only mounts, quotas or Windows: trying does.
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                raise explain_os_error(error, folder) from error
