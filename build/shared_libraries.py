"""Which shared libraries a folder of programs needs from the system, and how new these must be (Linux).

Reads what `objdump -p` of GNU binutils says, which every machine with a compiler has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from build.commands import Runner

_FILE = re.compile(r"^(\S.*):\s+file format ", re.MULTILINE)
_NEEDED = re.compile(r"^\s+NEEDED\s+(\S+)$", re.MULTILINE)
_SONAME = re.compile(r"^\s+SONAME\s+(\S+)$", re.MULTILINE)
_VERSION = re.compile(r"^\s+0x\S+ 0x\S+ \d+ (GLIBC|GLIBCXX)_(\d+(?:\.\d+)+)$", re.MULTILINE)
_AT_A_TIME = 200
"""Files that one objdump reads: a command line has an end."""


@dataclass(frozen=True)
class LinkedFile:
    """What one file says: the libraries it needs, its own name as one, and the newest version of the symbols
    it uses, by the prefix GLIBC or GLIBCXX."""

    needed: frozenset[str]
    soname: str | None
    versions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Needs:
    """`libraries` that only the system has, and the newest `versions` of symbols asked of them."""

    libraries: frozenset[str]
    versions: Mapping[str, tuple[int, ...]]


def elf_files(folder: Path) -> list[Path]:
    """The programs and libraries under `folder`, sorted; links are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            if file.read(4) == b"\x7fELF":
                found.append(path)
    return found


def read(runner: Runner, files: Sequence[Path]) -> dict[Path, LinkedFile]:
    """What each of `files` is linked with. Raises SetupFailed where objdump is missing."""
    told: dict[Path, LinkedFile] = {}
    for start in range(0, len(files), _AT_A_TIME):
        said = runner.run(
            "Reading what the programs are linked with (objdump of the package binutils)",
            ["objdump", "-p", *files[start : start + _AT_A_TIME]],
        )
        told |= parse(said)
    return told


def parse(said: str) -> dict[Path, LinkedFile]:
    """What objdump said of several files."""
    parts = _FILE.split(said)[1:]
    told = {}
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        versions: dict[str, tuple[int, ...]] = {}
        for prefix, number in _VERSION.findall(text):
            value = tuple(int(part) for part in number.split("."))
            versions[prefix] = max(versions.get(prefix, ()), value)
        soname = _SONAME.search(text)
        told[Path(name)] = LinkedFile(
            needed=frozenset(_NEEDED.findall(text)),
            soname=soname[1] if soname else None,
            versions=versions,
        )
    return told


def needs(linked: Mapping[Path, LinkedFile], carried: Iterable[str]) -> Needs:
    """What all of `linked` need beside each other and the file names in `carried`."""
    there = {*carried, *(path.name for path in linked)}
    there |= {file.soname for file in linked.values() if file.soname}
    versions: dict[str, tuple[int, ...]] = {}
    for file in linked.values():
        for prefix, value in file.versions.items():
            versions[prefix] = max(versions.get(prefix, ()), value)
    asked = frozenset(name for file in linked.values() for name in file.needed)
    return Needs(libraries=asked - there, versions=versions)
