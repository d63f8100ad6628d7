"""A newer version of Edgewise: what is known of it, and where looking for one stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum, auto

SYSTEMS = ("linux", "windows", "macos")
ARCHITECTURES = ("x86_64", "aarch64")
KINDS = ("deb", "tar.gz", "appimage", "exe", "dmg")
"""The most usual first: which file fits where it is not known what this copy was installed from."""


class Stage(Enum):
    """Where looking for a newer version stands."""

    NOT_PUBLISHED = auto()
    """This copy was published by nobody, as one from source."""
    OFFLINE = auto()
    """The offline switch is on, so nobody is asked."""
    NOT_LOOKED = auto()
    LOOKING = auto()
    NEWEST = auto()
    """This copy is the newest."""
    NEWER = auto()
    """There is a newer version."""
    FAILED = auto()
    """It could not be found out."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What this copy was made for: one of `SYSTEMS`, of `ARCHITECTURES`, and of `KINDS`.

    Each is None where it is not known.
    """

    system: str | None
    architecture: str | None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file to install from. `size` in bytes, `sha256` in hexadecimal digits."""

    name: str
    system: str
    architecture: str
    kind: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """The newest version. `notes` are a few lines of plain text; `page` is where it is fetched from."""

    version: str
    day: date
    notes: str
    page: str
    files: tuple[ReleaseFile, ...]

    def file_for(self, installed: Installed) -> ReleaseFile | None:
        """The file for this computer: of the kind it was installed from, else of the most usual one.

        Of several the smallest, which comes without a model: whoever updates has one.
        """
        fitting = [
            file
            for file in self.files
            if (file.system, file.architecture) == (installed.system, installed.architecture)
        ]
        return min(
            fitting,
            key=lambda file: (file.kind != installed.kind, KINDS.index(file.kind), file.size),
            default=None,
        )


def announcement_address(home: str) -> str:
    """Where the newest version is announced: GitHub's way of naming what lies beside the latest release."""
    return f"{home}/latest/download/release.json"
