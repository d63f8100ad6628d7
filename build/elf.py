"""What Linux's programs and libraries ask of a system: other libraries, and versions of the C and C++
library.

Read with binutils' objdump, which PyInstaller needs as well.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_MAGIC = b"\x7fELF"
_NEEDED = re.compile(r"^\s+NEEDED\s+(\S+)", re.MULTILINE)
_RUN_PATH = re.compile(r"^\s+R(?:UN)?PATH\s+(\S+)", re.MULTILINE)
_VERSION = re.compile(r"\b(GLIBC|GLIBCXX)_(\d+(?:\.\d+)+)\b")

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Elf:
    """`needed` are the names of the libraries that it is linked with, `versions` the highest symbol version
    that it asks for, by family: GLIBC of the C library, GLIBCXX of libstdc++. `run_path` are the folders that
    its libraries are looked for in before the system's."""

    needed: tuple[str, ...] = ()
    versions: Mapping[str, Version] = field(default_factory=dict)
    run_path: tuple[str, ...] = ()

    @property
    def strange_folders(self) -> tuple[str, ...]:
        """Folders of the run path that are not given from the file's own."""
        return tuple(folder for folder in self.run_path if not folder.startswith("$ORIGIN"))


def is_elf(path: Path) -> bool:
    """Whether `path` is a program or library of Linux. Raises OSError."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == _MAGIC


def read_elf(path: Path) -> Elf:
    """What `path` asks for. Raises OSError, or subprocess.CalledProcessError where objdump cannot read it."""
    said = subprocess.run(["objdump", "-p", path], capture_output=True, check=True, text=True).stdout
    # The versions that a file defines itself (libstdc++ does) stand before those that it asks of others.
    asked = said.partition("Version References:")[2]
    versions: dict[str, Version] = {}
    for family, digits in _VERSION.findall(asked):
        version = tuple(map(int, digits.split(".")))
        versions[family] = max(versions.get(family, version), version)
    run_path = _RUN_PATH.search(said)
    return Elf(
        tuple(_NEEDED.findall(said)), versions, tuple(run_path[1].split(":")) if run_path is not None else ()
    )


def keep_own_folders(path: Path) -> None:
    """Take `strange_folders` out of the run path of the file at `path`.

    They are of the machine that it was built on, or of macOS ("@loader_path", which Linux takes for a folder
    of that name wherever the program is started): a stranger's libraries could lie there. Raises OSError,
    ValueError for a file whose run path is not found.
    """
    elf = read_elf(path)
    if not elf.strange_folders:
        return
    old = ":".join(elf.run_path).encode() + b"\0"
    kept = ":".join(folder for folder in elf.run_path if folder not in elf.strange_folders)
    content = path.read_bytes()
    if content.count(old) != 1:
        raise ValueError(f"{path.name} names its run path {content.count(old)} times")
    path.write_bytes(content.replace(old, (kept or "$ORIGIN").encode().ljust(len(old), b"\0")))


def not_needed(libraries: Iterable[Path], others: Iterable[Path]) -> set[Path]:
    """Those of `libraries` that neither one of `others` nor a library that is kept is linked with."""
    by_name = {path.name: path for path in libraries}
    waiting = list(others)
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if is_elf(path.resolve()):
            waiting += (by_name[name] for name in read_elf(path).needed if name in by_name)
    return set(by_name.values()) - seen
