"""Reads resources/release.json: what the build of this copy left about where it comes from."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from app import __version__
from app.domain.release import Release, Wheel

# In a frozen app, too: PyInstaller keeps a module's path relative to its folder of data.
RELEASE = Path(__file__).resolve().parents[2] / "resources" / "release.json"
"""The file. In the source it says that nobody published this copy; a release's build writes its own."""


@cache
def this_release() -> Release:
    """This copy's release. Read once; a file that cannot be read is a broken installation and let fly."""
    return read_release(RELEASE)


def read_release(path: Path) -> Release:
    """What the file at `path` says. Raises OSError, ValueError, KeyError or TypeError."""
    said = json.loads(path.read_text(encoding="utf-8"))
    return Release(
        version=__version__,
        home=str(said["home"]).rstrip("/"),
        wheels={
            name: Wheel(str(it["url"]), str(it["sha256"]), int(it["size"]))
            for name, it in said["wheels"].items()
        },
    )
