"""What every package of Edgewise for Linux holds: the bundle's files, with the starter model or without."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from build.commands import SetupFailed

MODELS = PurePosixPath("_internal/models")
"""Where the app looks for the model that it was installed with."""

_NEVER = ("edgewise-data",)
"""Somebody tried the bundle as a portable copy: these are a person's data."""


@dataclass(frozen=True)
class Payload:
    """`files` by their path in the installed folder, with where each lies now; links are among them as links.

    `name` is what the packages' file names begin with.
    """

    name: str
    files: Mapping[PurePosixPath, Path]

    @property
    def size(self) -> int:
        """Bytes of the files, unpacked."""
        return sum(path.stat().st_size for path in self.files.values() if not path.is_symlink())


def payload(bundle: Path, model: Path | None = None) -> Payload:
    """The files of `bundle`, and `model` where the app finds it; without one no model at all.

    Raises SetupFailed where the bundle is missing or not whole.
    """
    if not (bundle / "edgewise").is_file() or not (bundle / "_internal").is_dir():
        raise SetupFailed(f"{bundle} is missing or not whole. Run `make bundle` first.")
    files: dict[PurePosixPath, Path] = {}
    for folder, names, plain in os.walk(bundle):
        here = PurePosixPath(Path(folder).relative_to(bundle).as_posix())
        names[:] = sorted(name for name in names if here != PurePosixPath() or name not in _NEVER)
        links = [name for name in names if (Path(folder) / name).is_symlink()]
        for name in sorted((*plain, *links)):
            if not (here / name).is_relative_to(MODELS):
                files[here / name] = Path(folder) / name
    if model is not None:
        if not model.is_file():
            raise SetupFailed(f"The starter model {model} is missing. Run `make setup` first.")
        files[MODELS / model.name] = model
    return Payload("edgewise" if model is None else "edgewise-with-model", files)


def mode_of(path: Path) -> int:
    """The permissions that the file gets: everybody reads, and runs the programs that the builder may run.
    Linkers mark libraries like programs; nobody runs one."""
    return 0o755 if path.stat().st_mode & 0o100 and not re.search(r"\.so(\.|$)", path.name) else 0o644


def put(files: Mapping[PurePosixPath, Path | bytes], folder: Path, epoch: int) -> None:
    """Lay `files` below `folder`, all of the time `epoch` (seconds since 1970), so that packages made of the
    same files are the same. A link stays one."""
    for name, source in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, bytes):
            target.write_bytes(source)
            target.chmod(0o644)
        elif source.is_symlink():
            target.symlink_to(source.readlink())
        else:
            shutil.copyfile(source, target)
            target.chmod(mode_of(source))
    for path in (*folder.rglob("*"), folder):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
