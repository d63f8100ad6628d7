"""What lies in an environment: its packages, their versions and sizes, and whether each file is whole.

A package's RECORD (packaging.python.org, "Recording installed projects") names its files with their SHA-256.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from app.domain.errors import Cancelled
from app.domain.generation import Cancellation

_CHUNK = 1 << 20
_TOLD_EVERY = 64 << 20
"""Bytes between two reports of progress."""


def python_of(environment: Path) -> Path:
    """Where an environment's Python lies."""
    if sys.platform == "win32":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def site_packages(environment: Path) -> Path:
    """Where its packages lie."""
    if sys.platform == "win32":
        return environment / "Lib" / "site-packages"
    return next(environment.glob("lib/python3*/site-packages"), environment / "lib" / "site-packages")


def installed_versions(environment: Path) -> dict[str, str]:
    """The version of each package that is there, by its name in small letters with dashes."""
    found = {}
    for information in _informations(environment):
        name, _, version = information.name.removesuffix(".dist-info").rpartition("-")
        found[re.sub(r"[-_.]+", "-", name).lower()] = version
    return found


def tree_size(folder: Path) -> int:
    """Bytes of the files in `folder`, as far as they can be seen; links count nothing."""
    total = 0
    folders = [os.fspath(folder)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with suppress(OSError):  # it went away meanwhile
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def damaged_files(
    environment: Path, progress: Callable[[int, int], None], cancellation: Cancellation
) -> list[str]:
    """What is wrong with the files of its packages, in words, one each; empty when all are whole.

    Reads every byte. `progress` gets the bytes read so far and those in all. Raises Cancelled.
    """
    packages = site_packages(environment)
    recorded: dict[Path, set[tuple[str, str]]] = {}
    wrong = []
    for information in _informations(environment):
        try:
            for name, digest, size in _records(information / "RECORD"):
                # Packages that share a file overwrite each other's: any of theirs will do.
                recorded.setdefault(Path(os.path.normpath(packages / name)), set()).add((digest, size))
        except (OSError, ValueError, csv.Error):
            wrong.append(f"{information.name}: its list of files cannot be read")
    total = sum(max(int(size or 0) for _, size in all_) for all_ in recorded.values())
    done = told = 0
    for path, expected in recorded.items():
        name = os.path.relpath(path, packages)
        try:
            with path.open("rb", buffering=0) as file:
                sha256 = hashlib.sha256()
                while chunk := file.read(_CHUNK):
                    if cancellation.cancelled:
                        raise Cancelled("It was cancelled.")
                    sha256.update(chunk)
                    done += len(chunk)
        except FileNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        except OSError as error:
            wrong.append(f"{name} cannot be read ({error.strerror})")
            continue
        found = base64.urlsafe_b64encode(sha256.digest()).rstrip(b"=").decode()
        if found not in {digest for digest, _ in expected}:
            wrong.append(f"{name} was changed")
        if done - told >= _TOLD_EVERY:
            told = done
            progress(min(done, total), total)
    progress(total, total)
    return wrong


def _informations(environment: Path) -> list[Path]:
    return sorted(site_packages(environment).glob("*.dist-info"))


def _records(file: Path) -> Iterator[tuple[str, str, str]]:
    """Path, SHA-256 and size of each file in a RECORD that has a hash; itself and compiled code have none."""
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.reader(lines):
            if len(row) == 3 and row[1].startswith("sha256="):
                if row[2] and not row[2].isdigit():
                    raise ValueError(row)
                yield row[0], row[1].removeprefix("sha256="), row[2]
