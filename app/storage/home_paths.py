"""Paths that are kept in the data folder, so that they still lead somewhere when the folder has moved.

It moves with a portable Edgewise: to another drive letter, another mount point, another system even. What
lies in the folder is kept from there on. What lies beside it on the same stick has moved likewise.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath


def kept_as(path: str, home: Path) -> str:
    """What to keep of an absolute `path`: from `home` on, with “/” between its parts, if it lies in it."""
    inside = f"{home}{os.sep}"
    return path[len(inside) :].replace(os.sep, "/") if path.startswith(inside) else path


def found_at(kept: str, home: Path) -> Path:
    """The path of which that was kept."""
    return home / kept  # an absolute one stays as it is


def moved(path: str, old_home: str, home: Path) -> Path | None:
    """Where `path` is now that was kept whole when the data folder was `old_home`; None if it was no path.

    One in the folder has moved with it. One outside stays, unless it is gone from there and lies where it
    must if it has moved with the folder.
    """
    old = _pure(old_home)
    pure = type(old)(path)
    if not pure.is_absolute():
        return None
    if pure.is_relative_to(old) and old.name:  # nobody keeps data in the root itself
        return home.joinpath(*pure.relative_to(old).parts)
    here = Path(path)
    if here.is_absolute() and os.path.lexists(here):
        return here
    old_root, root = old, PurePath(home)
    while (
        old_root.name and old_root.name == root.name
    ):  # “Stick/Edgewise/edgewise-data” is what both end with
        old_root, root = old_root.parent, root.parent
    if old_root != old and pure.is_relative_to(old_root):
        candidate = Path(root).joinpath(*pure.relative_to(old_root).parts)
        if os.path.lexists(candidate):
            return candidate
    return here if here.is_absolute() else None


def _pure(path: str) -> PurePath:
    """A path of the system that it was written on, whichever this is."""
    windows = PureWindowsPath(path)
    return windows if windows.is_absolute() else PurePosixPath(path)
