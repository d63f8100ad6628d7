"""Where Edgewise keeps its files."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from app.domain.errors import StorageError
from app.storage.failures import explain_os_error

PORTABLE = "edgewise-data"
"""A folder of this name beside an installed Edgewise is its data folder."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders (`home`, `models`, `logs`) and files (`database`, `settings`) of this installation.

    `portable`: `home` travels with the installation and may lie elsewhere at the next start.
    """

    home: Path
    models: Path
    logs: Path
    database: Path
    settings: Path
    portable: bool = False

    @classmethod
    def find(cls) -> Paths:
        """One folder with everything where EDGEWISE_HOME names it or a portable one lies beside the
        installation, else the system's usual places."""
        own = os.environ.get("EDGEWISE_HOME")
        beside = None if own else portable_folder()
        if own:
            home = Path(own).expanduser().absolute()
            logs = home / "logs"
        elif beside is not None:
            home = beside
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
            portable=beside is not None,
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

    @property
    def updates(self) -> Path:
        """When Edgewise last looked for a newer version."""
        return self.home / "updates.json"

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
                if self.portable and error.errno in _READ_ONLY:
                    raise _cannot_travel(self.home, error) from error
                raise explain_os_error(error, folder) from error


def portable_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The data folder beside the installation; None where there is none, as always from source.

    Beside means: beside the executable, the .app that it is in (macOS), or the AppImage file.
    """
    if not getattr(sys, "frozen", False):
        return None
    executable = Path(sys.executable).resolve()
    beside = executable.parent
    image, mounted = environment.get("APPIMAGE"), environment.get("APPDIR")
    # Whatever an AppImage starts inherits its variables: they are ours only if we lie in what it mounted.
    if image and mounted and executable.is_relative_to(Path(mounted).resolve()):
        beside = Path(image).absolute().parent
    elif sys.platform == "darwin" and (bundle := _application(executable)) is not None:
        beside = bundle.parent
    folder = beside / PORTABLE
    return folder if folder.is_dir() else None


def _application(executable: Path) -> Path | None:
    """The .app that has the executable in its Contents/MacOS."""
    contents = executable.parent.parent
    inside = executable.parent.name == "MacOS" and contents.name == "Contents"
    return contents.parent if inside and contents.parent.suffix == ".app" else None


_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def _cannot_travel(home: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The portable data folder {home} cannot be written. Copy Edgewise together with it to a place that "
        f"you can write to, or rename “{PORTABLE}”: then Edgewise keeps its data in your account.",
        detail=str(error),
    )
