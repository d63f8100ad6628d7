"""What llama.cpp's compiler has to be told on this machine. Standard library only."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

FIRST_GOOD_GCC = (13, 3)
"""GCC before it tells the compiler of 8 of the 64 bytes that `_tile_loadconfig` reads (GCC bug 114098), and
llama.cpp built for a processor with AMX then ends with SIGILL at its first matrix product: tried with 12.2 on
a Xeon."""
WITHOUT_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


def with_flags(environment: Mapping[str, str], cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """`environment` for building llama.cpp for this machine: without AMX where the compiler errs."""
    told = dict(environment)
    if not _has_amx(cpuinfo):
        return told
    gcc = gcc_version(environment)
    if gcc is not None and gcc < FIRST_GOOD_GCC:
        told["CXXFLAGS"] = f"{environment.get('CXXFLAGS', '')} {WITHOUT_AMX}".strip()
    return told


def gcc_version(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """The version of the C++ compiler that CMake will take; None where it is no GCC, or there is none."""
    program = environment.get("CXX") or "c++"
    try:
        said = subprocess.run(
            [*program.split(), "--version"], env=dict(environment), capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\d+)\.(\d+)\.\d+$", said.splitlines()[0] if said else "")
    return (int(match[1]), int(match[2])) if match and "Free Software Foundation" in said else None


def _has_amx(cpuinfo: Path) -> bool:
    if platform.machine() != "x86_64":
        return False
    try:
        return " amx_tile" in cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
