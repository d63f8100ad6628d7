"""Holds a finished bundle against what is promised of it, and tells what it weighs.

On Linux every library that a file of the bundle is linked with must be carried or belong to the system
(build.bundle_contents), and nothing may ask for a newer C library than `OLDEST_GLIBC`.
"""

from __future__ import annotations

import lzma
import platform
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from build.bootstrap import cores
from build.bundle_contents import is_of_the_system
from build.bundle_payload import Bundle
from build.commands import SetupFailed
from build.elf import Version, is_elf, read_elf

_ARM = platform.machine() == "aarch64"
OLDEST_GLIBC = (2, 39) if _ARM else (2, 36)
"""The C library of Debian 12 and of everything newer, Ubuntu 22.10 for one. On arm64 PySide6's own libraries
ask for that of Ubuntu 24.04, which Debian 13's is newer than."""
OLDEST_GLIBCXX = (3, 4, 33) if _ARM else (3, 4, 30)
"""libstdc++ of GCC 12, which came with Debian 12; of GCC 13.2 in Ubuntu 24.04."""
MOST_MB, MOST_WITH_MODEL_MB = 150, 240
"""What a person downloads at most, in MB of 10⁶ bytes."""


def files(folder: Path) -> Iterator[Path]:
    """The files in `folder`, sorted, without links."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def check(bundle: Bundle) -> None:
    """Raises SetupFailed for what would not run on another machine."""
    if sys.platform != "linux":
        return
    programs = [path for path in files(bundle.root) if is_elf(path)]
    carried = {path.name for path in programs}
    problems = []
    for path in programs:
        elf = read_elf(path)
        name = path.relative_to(bundle.root)
        missing = [
            library for library in elf.needed if library not in carried and not is_of_the_system(library)
        ]
        if missing:
            problems.append(
                f"{name} is linked with {', '.join(missing)}, which is neither carried nor the system’s."
            )
        if elf.strange_folders:
            problems.append(f"{name} looks for libraries in {', '.join(elf.strange_folders)}.")
        for family, oldest in (("GLIBC", OLDEST_GLIBC), ("GLIBCXX", OLDEST_GLIBCXX)):
            if elf.versions.get(family, ()) > oldest:
                asked = _dotted(elf.versions[family])
                problems.append(
                    f"{name} asks for {family} {asked}; {_dotted(oldest)} is promised to be enough."
                )
    if problems:
        raise SetupFailed("The bundle does not hold what is promised:\n  " + "\n  ".join(problems))


def system_libraries(bundle: Bundle) -> list[str]:
    """The names of the libraries that the bundle's files are linked with and that are the system's
    (Linux)."""
    programs = [path for path in files(bundle.root) if is_elf(path)]
    carried = {path.name for path in programs}
    return sorted({name for path in programs for name in read_elf(path).needed} - carried)


def highest_versions(bundle: Bundle) -> dict[str, Version]:
    """The highest symbol version that any file of the bundle asks for, by family (Linux)."""
    highest: dict[str, Version] = {}
    for path in files(bundle.root):
        if is_elf(path):
            for family, version in read_elf(path).versions.items():
                highest[family] = max(highest.get(family, version), version)
    return highest


def weigh(bundle: Bundle) -> dict[str, tuple[int, int]]:
    """Bytes of each folder of the bundle, as they lie there and packed by xz each for itself.

    Packages of it all come out smaller: this is what a download takes at most.
    """
    together: dict[str, list[Path]] = defaultdict(list)
    for path in files(bundle.root):
        parts = path.relative_to(bundle.inside).parts if path.is_relative_to(bundle.inside) else ("",)
        if parts[:1] == ("PySide6",) and len(parts) > 2:
            parts = ("/".join(parts[: 3 if parts[1] == "Qt" else 2]),)
        together[
            parts[0] if len(parts) > 1 or parts[0].startswith("PySide6/") else "programs, Python, others"
        ].append(path)
    with ThreadPoolExecutor(cores()) as pool:  # lzma lets other threads work meanwhile
        packed = pool.map(_packed, together.values())
        return {
            name: (sum(path.stat().st_size for path in paths), size)
            for (name, paths), size in zip(together.items(), packed, strict=True)
        }


def tell(bundle: Bundle, *, with_model: bool) -> None:
    """Print what the bundle weighs and asks for. Raises SetupFailed if a download would be larger than
    promised."""
    weights = weigh(bundle)
    total, packed = (sum(column) / 1e6 for column in zip(*weights.values(), strict=True))
    print(f"\n{'MB':>8}{'packed':>9}")
    for name, (size, small) in sorted(weights.items(), key=lambda item: -item[1][0]):
        print(f"{size / 1e6:8.1f}{small / 1e6:9.1f}  {name}")
    print(f"{total:8.1f}{packed:9.1f}  in all")
    if sys.platform == "linux":
        asked = ", ".join(
            f"{family} {_dotted(version)}" for family, version in sorted(highest_versions(bundle).items())
        )
        print(f"\nIt asks for {asked}, and of the system for {', '.join(system_libraries(bundle))}.")
    most = MOST_WITH_MODEL_MB if with_model else MOST_MB
    if packed > most:
        raise SetupFailed(f"A download would have {packed:.0f} MB; {most} MB are promised.")


def _packed(paths: list[Path]) -> int:
    # Faster than what packages are made with, which comes out smaller by a tenth.
    packer = lzma.LZMACompressor(preset=1)
    size = 0
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                size += len(packer.compress(block))
    return size + len(packer.flush())


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))
