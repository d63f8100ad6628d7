"""The environments that engines live in, one each: made by uv from pins, used only when they are whole.

On the disk an engine has a folder:

    current.json     names the folder beside it that is the environment; written last, all or nothing
    e64cd90d-1a2b/   an environment: its packages never change once `current.json` names it
    install.log      what uv said the last time

A new environment is made beside the old one under a new name. Until `current.json` is replaced it does not
exist for anybody, and whatever ends an installation, a `kill -9` or a power cut, leaves the old one in use.
What nobody names is cleared away by the next installation. Environments are never moved: their scripts hold
whole paths.

uv's cache lies on the same disk, so that an environment's files are hard links into it and take no space
twice. It lets a cut-off installation go on, and packages be shared between engines.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from app.domain.environment import EnvironmentState, InstallPhase, InstallPlan, InstallProgress
from app.domain.errors import DiskFull, EngineMissing, InstallFailed, StorageError
from app.domain.generation import Cancellation
from app.domain.machine import Machine
from app.domain.release import Wheel
from app.engines.file_lock import try_lock
from app.engines.installation import Installation, InstallFolders, try_backend, try_imports
from app.engines.installed_files import damaged_files, installed_versions, python_of, tree_size
from app.engines.pins import Pin, Variant, pins, profiles

POINTER, LOG, CHECK_LOG = "current.json", "install.log", "check.log"
RESERVE = 1_000_000_000
"""Bytes that an installation leaves free on the disk: systems with a full disk fail in strange ways."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What `current.json` says: where the environment is, and what was installed into it. `size` in bytes."""

    folder: Path
    variant: str
    fingerprint: str
    versions: dict[str, str]
    size: int
    check: tuple[str, ...]
    """Modules that imported when it was made."""


class Environments:
    """All of them, below one folder.

    `machine` tells what this computer has; it is asked where a build has to be chosen, and may block. `known`
    are the pins, as a rule those that come with Edgewise; `wheels` those of our own packages that this
    release published, by the package's name.
    """

    def __init__(
        self,
        root: Path,
        machine: Callable[[], Machine],
        known: Mapping[str, Pin] | None = None,
        wheels: Mapping[str, Wheel] = MappingProxyType({}),
    ) -> None:
        self._folders = InstallFolders(root)
        self._each = {
            id_: Environment(pin, profiles()[id_].name, self._folders, machine, wheels)
            for id_, pin in (pins() if known is None else known).items()
        }

    def of(self, engine_id: str) -> Environment:
        """The environment of an engine that has one. Any other id is a KeyError."""
        return self._each[engine_id]

    def all(self) -> tuple[Environment, ...]:
        """Every environment, in the order that engines are shown in."""
        return tuple(self._each.values())


class Environment:
    """One engine's environment. Any thread may call; all but `log` read the disk.

    `install`, `remove` and `verify` block, the first for minutes. Of those that change something only one
    runs at a time on a machine, over all engines; a second one fails at once.
    """

    def __init__(
        self,
        pin: Pin,
        name: str,
        folders: InstallFolders,
        machine: Callable[[], Machine],
        wheels: Mapping[str, Wheel] = MappingProxyType({}),
    ) -> None:
        self.engine = pin.engine
        self.name = name
        self._pin = pin
        self._folders = folders
        self._folder = folders.root / pin.engine
        self._machine = machine
        self._wheels = wheels

    @property
    def log(self) -> Path:
        """The log of the last installation; it need not exist."""
        return self._folder / LOG

    @property
    def state(self) -> EnvironmentState:
        """What is there now."""
        installed = self.installed()
        if installed is None:
            partial = (self._folder / POINTER).exists() or any(self._environments())
            return EnvironmentState.PARTIAL if partial else EnvironmentState.ABSENT
        variant = self._pin.variant(installed.variant)
        if variant is not None and variant.fingerprint == installed.fingerprint:
            return EnvironmentState.READY
        # What llama.cpp and the libraries of its backends say to each other changes with any version.
        bound = any(each.backend is not None for each in self._pin.variants)
        return EnvironmentState.STALE if bound else EnvironmentState.OUTDATED

    def usable(self) -> Installed | None:
        """The environment, if engines may be started from it."""
        return None if self.state is EnvironmentState.STALE else self.installed()

    def installed(self) -> Installed | None:
        """The environment that is there, whole; None when there is none."""
        try:
            said = json.loads((self._folder / POINTER).read_text(encoding="utf-8"))
            installed = Installed(
                folder=self._folder / Path(said["folder"]).name,
                variant=str(said["variant"]),
                fingerprint=str(said["fingerprint"]),
                versions={str(name): str(version) for name, version in said["versions"].items()},
                size=int(said["size"]),
                check=tuple(map(str, said["check"])),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        # The Python it was made with may have gone: the link then leads nowhere.
        return installed if python_of(installed.folder).exists() else None

    def python(self) -> Path:
        """The Python that has the engine. Raises EngineMissing."""
        installed = self.installed()
        state = self.state
        if state is EnvironmentState.STALE:
            raise EngineMissing(
                f"{self.name} was installed for another Edgewise, with another llama.cpp. Update it on the "
                "Engines page."
            )
        if installed is None:
            broken = " completely" if state is EnvironmentState.PARTIAL else ""
            raise EngineMissing(f"{self.name} is not installed{broken}. Install it on the Engines page.")
        return python_of(installed.folder)

    def size(self) -> int:
        """Bytes that removing it would free, packages that another engine shares counted in."""
        return tree_size(self._folder)

    def installed_versions(self) -> dict[str, str]:
        """The version of each of its packages; empty when it is not installed."""
        installed = self.installed()
        return installed.versions if installed else {}

    def version(self) -> str:
        """The engine's own version; empty when it is not installed."""
        return self._pin.version_of(self.installed_versions())

    def why_not(self) -> str:
        """Why Edgewise cannot install it on this machine, and what to do instead; empty where it can."""
        return self._pin.why_not(self._machine())

    def plan(self) -> InstallPlan | None:
        """What `install` would do; None where it cannot (`why_not`). Starts uv for a moment."""
        variant = self._pin.variant_for(self._machine())
        if variant is None:
            return None
        installation = Installation(self.name, variant, self._folders, None, self._wheels)
        python, download = installation.python_words()
        return InstallPlan(
            engine=self.engine,
            variant=variant.name,
            version=self._pin.version_of(variant.versions),
            download=variant.download,
            on_disk=variant.on_disk,
            sizes_from=variant.sizes_from,
            python=python,
            python_download=download,
            requirements=variant.requirements,
            only_from_folder=self._unpublished(variant),
        )

    def install(
        self,
        progress: Callable[[InstallProgress], None],
        cancellation: Cancellation,
        source: Path | None = None,
    ) -> None:
        """Install it, repair it or bring it up to date. The old one is in use until the new one has passed.

        With a `source`, a folder of wheels, nothing is fetched. Raises InstallFailed, DiskFull or
        StorageError, each with a whole sentence, or Cancelled; what was installed before then still works.
        """
        variant = self._pin.variant_for(self._machine())
        if variant is None:
            raise InstallFailed(self._pin.why_not(self._machine()))
        if source is None and (unpublished := self._unpublished(variant)):
            raise InstallFailed(unpublished)
        if source is not None and not source.is_dir():
            raise InstallFailed(f"There is no folder {source}. Name one that holds the engine’s wheels.")
        with self._locked():
            old = self.installed()
            self._tidy(old)
            if old is not None and old.fingerprint == variant.fingerprint:
                # It is wanted anew because something is wrong with it, and its files are the cache's.
                shutil.rmtree(self._folders.cache, ignore_errors=True)
            self._check_space(variant)
            new = self._folder / f"{variant.fingerprint[:8]}-{secrets.token_hex(2)}"
            with self._opened(LOG) as log:
                installation = Installation(self.name, variant, self._folders, log, self._wheels)
                try:
                    installation.make(new, progress, cancellation, source)
                    self._use(new, variant)
                except OSError as error:
                    raise self._cannot_write(error) from error
                finally:
                    self._tidy(self.installed())  # the new one, if it came to nothing; else the old one
                installation.prune()

    def verify(self, progress: Callable[[InstallProgress], None], cancellation: Cancellation) -> None:
        """Check every file of it by its SHA-256, then that it starts.

        Raises EngineMissing, InstallFailed when something is wrong, and Cancelled.
        """
        self.python()
        installed = self.installed()
        if installed is None:
            raise EngineMissing(f"{self.name} was just removed.")
        folder = installed.folder

        def told(done: int, total: int) -> None:
            progress(InstallProgress(InstallPhase.CHECKING, "Checking each file", done, total))

        wrong = damaged_files(folder, told, cancellation)
        missing = sorted(set(installed.versions) - set(installed_versions(folder)))
        wrong += [f"{name} is missing" for name in missing]
        if wrong:
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            raise InstallFailed(
                f"{self.name} is damaged: {wrong[0]}{more}. Install it again.", detail="\n".join(wrong[:200])
            )
        progress(InstallProgress(InstallPhase.CHECKING, f"Starting {self.name} once"))
        with self._opened(CHECK_LOG) as log:
            try_imports(self.name, folder, installed.check, log, cancellation)
            variant = self._pin.variant(installed.variant)
            if variant is not None and variant.backend is not None:
                try_backend(self.name, folder, variant.backend, log, cancellation)

    def remove(self) -> int:
        """Delete it; returns the bytes freed. Raises InstallFailed while it runs, and StorageError."""
        with self._locked():
            size = self.size()
            for folder in self._environments():
                if _runs_from(folder):
                    raise InstallFailed(f"{self.name} is running. Stop it, then remove it.")
            try:
                (self._folder / POINTER).unlink(missing_ok=True)  # from here on it is not installed
                shutil.rmtree(self._folder)
            except FileNotFoundError:
                pass
            except OSError as error:
                raise StorageError(
                    f"{self.name} could not be deleted completely: {error.strerror}. Close programs that use "
                    f"{self._folder}, then try again.",
                    detail=str(error),
                ) from error
            # The other environments keep their files; only what this one alone had is freed by it.
            shutil.rmtree(self._folders.cache, ignore_errors=True)
            if not any(self._folders.root.glob(f"*/{POINTER}")):
                shutil.rmtree(self._folders.pythons, ignore_errors=True)
            return size

    def _unpublished(self, variant: Variant) -> str:
        """Why a package of our own cannot be fetched, and what to do; empty where it can be."""
        if variant.backend is None or all(name in self._wheels for name in variant.versions):
            return ""
        return (
            f"Nobody published {self.name} for this copy of Edgewise. In its source, make gpu-package "
            f"GPU={variant.backend} builds it; then install it from the folder dist/wheels."
        )

    def _use(self, folder: Path, variant: Variant) -> None:
        """From now on `folder` is the environment."""
        said = {
            "folder": folder.name,
            "variant": variant.id,
            "fingerprint": variant.fingerprint,
            "versions": installed_versions(folder),
            "size": tree_size(folder),
            "check": variant.check,
        }
        if hasattr(os, "sync"):
            os.sync()  # a power cut must not leave a pointer to files that never reached the disk
        new = self._folder / f"{POINTER}.new"
        with new.open("w", encoding="utf-8", newline="\n") as file:
            json.dump(said, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._folder / POINTER)

    def _tidy(self, keep: Installed | None) -> None:
        """Delete environments that are not `keep` and that nothing runs from, and what uv was cut off at."""
        for folder in self._environments():
            if (keep is None or folder != keep.folder) and not _runs_from(folder):
                shutil.rmtree(folder, ignore_errors=True)
        for scrap in self._folders.cache.glob(".tmp*"):
            shutil.rmtree(scrap, ignore_errors=True)

    def _environments(self) -> Iterator[Path]:
        with suppress(OSError):
            yield from [folder for folder in self._folder.iterdir() if folder.is_dir()]

    @contextmanager
    def _opened(self, name: str) -> Iterator[BinaryIO]:
        """A log, begun anew. Raises StorageError when it cannot be written."""
        try:
            log = (self._folder / name).open("wb")
        except OSError as error:
            raise self._cannot_write(error) from error
        with log:
            yield log

    def _cannot_write(self, error: OSError) -> StorageError:
        return StorageError(
            f"Edgewise cannot write to {self._folder} ({error.strerror}). Free some space, check its "
            "permissions, or set EDGEWISE_HOME to a folder that you can write to.",
            detail=str(error),
        )

    def _check_space(self, variant: Variant) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < variant.on_disk + RESERVE:
            raise DiskFull(
                f"The disk is too full for {self.name}: it takes about {variant.on_disk / 1e9:.1f} GB, and "
                f"{RESERVE / 1e9:.0f} GB should stay free, but {free / 1e9:.1f} GB are free. Free some "
                "space, then try again.",
                detail=str(self._folder),
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else changes an environment meanwhile. Raises InstallFailed when somebody does."""
        try:
            self._folders.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            lock = (self._folders.root / ".lock").open("ab")
        except OSError as error:
            raise self._cannot_write(error) from error
        with lock:
            if not try_lock(lock.fileno()):
                raise InstallFailed(
                    "Another engine is being installed or removed, perhaps by another Edgewise. Wait until "
                    "that is done, then try again."
                )
            yield


def _runs_from(folder: Path) -> bool:
    """Whether a program runs whose Python is the one in `folder`."""
    import psutil  # a tenth of the start-up: only who asks pays

    inside = str(folder) + os.sep
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if any(word.startswith(inside) for word in process.cmdline()[:1]):
                return True
    return False
