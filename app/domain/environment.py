"""The environments of engines other than llama.cpp: where each stands, and how installing one goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EnvironmentState(StrEnum):
    """What is there of an engine's environment. A word for a person, too."""

    ABSENT = "not installed"
    PARTIAL = "not installed completely"
    """An installation was cut off, or the Python it was made with is gone. It is not used."""
    READY = "installed"
    OUTDATED = "installed, an update is there"
    """Works, but this Edgewise pins other versions."""
    STALE = "installed, needs an update"
    """Was made for another Edgewise, and cannot work with this one. It is not used."""


class InstallPhase(StrEnum):
    """What an installation is at."""

    WAITING = "waiting"
    PYTHON = "fetching Python"
    RESOLVING = "choosing versions"
    DOWNLOADING = "downloading"
    INSTALLING = "installing"
    CHECKING = "checking"


@dataclass(frozen=True, slots=True)
class InstallProgress:
    """How far an installation is.

    `done` and `total` are bytes on the disk: what has arrived, unpacked, and about what all of it will take.
    `words` say what happens now ("Downloading torch (190 MB)").
    """

    phase: InstallPhase
    words: str
    done: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """What installing an engine on this machine would do, told before it begins. Sizes in bytes.

    `variant` is the build, in words ("for the processor"); `download` and `on_disk` are `sizes_from` there.
    `python` says which Python it will run on; with `python_download` that one is fetched first.
    """

    engine: str
    variant: str
    version: str
    download: int
    on_disk: int
    sizes_from: str
    python: str
    python_download: bool
    requirements: tuple[str, ...]
    """In pip's notation: what a folder of wheels has to hold, with all that they need."""
    only_from_folder: str = ""
    """Why it cannot be fetched and what to do instead, in a sentence; empty where it can."""


class InstallTask(StrEnum):
    """What is being done to an environment."""

    INSTALL = "installing"
    VERIFY = "checking"
    REMOVE = "removing"


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """One engine's environment as the window shows it.

    `task` is None while nothing is done to it; `progress` goes with INSTALL and VERIFY. `error` is a sentence
    and `detail` what stands behind it, of the last task; `notice` a sentence about one that went well. `size`
    is in bytes, None when not known. `why_not` says, where Edgewise cannot install it, why and what to do
    instead. `log` is the path of the last installation's log, empty when there is none.
    """

    engine: str
    state: EnvironmentState
    version: str = ""
    size: int | None = None
    plan: InstallPlan | None = None
    why_not: str = ""
    task: InstallTask | None = None
    progress: InstallProgress | None = None
    error: str = ""
    detail: str = ""
    notice: str = ""
    log: str = ""
