"""Compile one of ggml's backends from the very source that llama-server is compiled from.

Only the backend's library is kept. ggml itself is compiled beside it, for the linker alone: at run time the
library takes the one that llama-server has loaded already. Two of them in one process would each have a list
of devices of their own; `check` sees to it that there is none.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from build.commands import Runner, SetupFailed
from build.elf import read_elf

PACKAGE = "llama-cpp-python"
GGML = Path("vendor/llama.cpp/ggml")
LICENCE = Path("vendor/llama.cpp/LICENSE")

COMMON = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=ON",
    "-DGGML_BACKEND_DL=ON",
    # It must run on processors that this machine's is not.
    "-DGGML_NATIVE=OFF",
    "-DGGML_CPU=OFF",
    "-DGGML_OPENMP=OFF",
    "-DGGML_CCACHE=OFF",
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
)
STRIP = "-DCMAKE_MODULE_LINKER_FLAGS=-s"

PROJECT = """\
cmake_minimum_required(VERSION 3.21)
project(backend C CXX)
add_subdirectory("{ggml}" ggml)
"""
"""ggml as the top project would ask for its tests and a template, which llama.cpp's copy has not."""

SYSTEM_LIBRARIES = re.compile(r"lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s)\.so\.\d+|ld-linux-.*\.so\.\d+")
BASE = "libggml-base.so."


@dataclass(frozen=True)
class Pin:
    """The source package that requirements/app.txt names."""

    version: str
    sha256: str

    @classmethod
    def read(cls, lock: Path) -> Pin:
        """Read the lock. Raises SetupFailed."""
        found = re.search(
            rf"^{PACKAGE}==(\S+) \\\n    --hash=sha256:([0-9a-f]{{64}})$",
            lock.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        if found is None:
            raise SetupFailed(f"{lock} does not pin {PACKAGE} with one hash.")
        return cls(found[1], found[2])

    @property
    def requirement(self) -> str:
        """A line of a requirements file."""
        return f"{PACKAGE}=={self.version} --hash=sha256:{self.sha256}\n"


def unpack(archive: Path, pin: Pin, target: Path) -> Path:
    """ggml and llama.cpp's licence out of the source package, which must be the pinned one.

    Returns `target`, laid out as the package is. Raises SetupFailed.
    """
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != pin.sha256:
        raise SetupFailed(
            f"{archive} is not the pinned source: its SHA-256 is {digest}, {pin.sha256} is expected."
        )
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            _, _, rest = member.name.partition("/")
            wanted = rest == LICENCE.as_posix() or rest.startswith(f"{GGML.as_posix()}/")
            if wanted and (content := tar.extractfile(member) if member.isfile() else None):
                (target / rest).parent.mkdir(parents=True, exist_ok=True)
                (target / rest).write_bytes(content.read())
                # The package's own time: what was compiled of this version before is not out of date.
                os.utime(target / rest, (member.mtime, member.mtime))
    return target


def library_name(backend: str) -> str:
    """The file's, as ggml names it on this system."""
    return f"ggml-{backend}.dll" if sys.platform == "win32" else f"libggml-{backend}.so"


def compile_backend(
    runner: Runner, source: Path, backend: str, options: Sequence[str], folder: Path, jobs: int
) -> Path:
    """The library of `backend`, compiled in `folder` from the unpacked `source`.

    CMake and Ninja come from the PATH. What was compiled there before is kept. Raises SetupFailed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "CMakeLists.txt").write_text(PROJECT.format(ggml=(source / GGML).as_posix()), encoding="utf-8")
    build = folder / "build"
    strip = [] if sys.platform == "win32" else [STRIP]
    runner.run(
        "Configuring ggml",
        ["cmake", "-S", folder, "-B", build, "-G", "Ninja", *COMMON, *strip, *options],
    )
    runner.run(
        f"Compiling ggml-{backend}",
        ["cmake", "--build", build, "--target", f"ggml-{backend}", "--parallel", str(jobs)],
        Progress(),
    )
    name = library_name(backend)
    found = next((file for file in build.rglob(name) if file.is_file()), None)
    if found is None:
        raise SetupFailed(f"The compiler left no {name} in {build}.")
    return found.resolve()


class Progress:
    """Prints every tenth of Ninja's steps, apart from those of programs that the build makes for itself."""

    STEP = re.compile(r"^\[(\d+)/(\d+)\]")
    FEWEST = 20

    def __init__(self) -> None:
        self._tenth = 0

    def __call__(self, line: str) -> None:
        """Read one of its lines."""
        step = self.STEP.match(line)
        if step is None or int(step[2]) < self.FEWEST:
            return
        tenth = int(step[1]) * 10 // int(step[2])
        if tenth > self._tenth:
            self._tenth = tenth
            print(f"  {step[1]} of {step[2]} steps", flush=True)


def check(library: Path, others: Sequence[str]) -> int:
    """Look at what a `library` for Linux asks for; the minor version of the oldest glibc 2.x that has it all.

    `others` are the libraries that it may need beside ggml's base and the system's. Raises SetupFailed.
    """
    found = read_elf(library)
    check_needed(found.needed, others)
    # manylinux2014 has 2.17: no older one is meant by any tag.
    return max(17, found.versions.get("GLIBC", (2, 0))[1])


def check_needed(needed: Sequence[str], others: Sequence[str]) -> None:
    """Of the libraries that one is linked with. Raises SetupFailed."""
    if not any(name.startswith(BASE) for name in needed):
        raise SetupFailed("The library does not ask for ggml’s base: it carries one of its own.")
    strange = {
        name
        for name in set(needed) - set(others)
        if not name.startswith(BASE) and not SYSTEM_LIBRARIES.fullmatch(name)
    }
    if strange:
        raise SetupFailed(f"The library asks for what need not be there: {', '.join(sorted(strange))}.")
