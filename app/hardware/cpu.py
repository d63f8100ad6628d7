"""The processor: its name, its cores, and how many of them this process may keep busy."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Collection
from pathlib import Path

from app.domain.machine import Cpu
from app.hardware import cgroup, reading, sysctl
from app.hardware.cores import cores_of, probe_core_kinds
from app.hardware.instructions import probe_instruction_sets

SPARE_FROM = 4
"""Cores from which on one is left to other programs."""
NAME_KEYS = ("model name", "Model", "Hardware", "cpu model")
"""What different architectures call the processor in /proc/cpuinfo, the most telling first."""
ARM_CORES = {
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD05): "Cortex-A55",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse N1",
    (0x41, 0xD40): "Neoverse V1",
    (0x41, 0xD41): "Cortex-A78",
    (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD47): "Cortex-A710",
    (0x41, 0xD48): "Cortex-X2",
    (0x41, 0xD49): "Neoverse N2",
    (0x41, 0xD4B): "Cortex-A78C",
    (0x41, 0xD4C): "Cortex-X1C",
    (0x41, 0xD4D): "Cortex-A715",
    (0x41, 0xD4E): "Cortex-X3",
    (0x41, 0xD4F): "Neoverse V2",
    (0x41, 0xD80): "Cortex-A520",
    (0x41, 0xD81): "Cortex-A720",
    (0x41, 0xD82): "Cortex-X4",
    (0x41, 0xD84): "Neoverse V3",
    (0x41, 0xD85): "Cortex-X925",
    (0x51, 0x001): "Qualcomm Oryon",
    (0xC0, 0xAC3): "Ampere-1",
    (0xC0, 0xAC4): "Ampere-1a",
}
"""Implementer and part of ARM cores (util-linux, sys-utils/lscpu-arm.c): ARM's processors tell no name."""


def probe_cpu() -> Cpu:
    """This computer's processor."""
    logical = os.cpu_count() or 1
    physical = min(physical_cores(), logical)
    kinds = probe_core_kinds()
    if kinds is not None and kinds.performance + kinds.efficiency != physical:
        kinds = None  # a container or a virtual machine that shows the host's files
    return Cpu(
        model=_name(),
        architecture=platform.machine(),
        physical_cores=physical,
        logical_cores=logical,
        usable_cores=usable_physical_cores(),
        performance_cores=kinds.performance if kinds else None,
        efficiency_cores=kinds.efficiency if kinds else None,
        instruction_sets=probe_instruction_sets(),
    )


def physical_cores() -> int:
    """Physical cores of the whole computer; the logical ones where the system does not tell."""
    import psutil  # a tenth of the start-up: only who asks pays

    return psutil.cpu_count(logical=False) or os.cpu_count() or 1


def usable_physical_cores(root: Path = reading.ROOT) -> int:
    """Physical cores this process may use: its affinity and its control group's quota count. At least 1."""
    allowed = _affinity()
    if allowed is None:
        cores = physical_cores()
    else:
        cores = cores_of(allowed, root) or min(len(allowed), physical_cores())
    quota = cgroup.cpu_quota(root) if sys.platform == "linux" else None
    return within_quota(cores, quota)


def computing_threads(root: Path = reading.ROOT) -> int:
    """Threads to compute with: the usable cores, less one where they would fill the machine.

    llama.cpp's threads wait for each other some hundred times per token; where each processor has one and any
    other program wants one, too, all wait for the one that was put aside. On 16 cores with one other busy
    thread 16 threads gave 8 tokens a second, 8 threads 67 (docs/measurements.md). Where a core runs two,
    others find room beside ours. Of fewer than `SPARE_FROM` cores one would be too much to give.
    """
    cores = usable_physical_cores(root)
    logical = len(_affinity() or ()) or os.cpu_count() or 1
    return cores - 1 if SPARE_FROM <= cores >= logical else cores


def within_quota(cores: int, quota: float | None) -> int:
    """`cores`, cut to the whole processors that `quota` pays for. More threads would only be throttled."""
    return max(1, cores if quota is None else min(cores, int(quota)))


def name_from_cpuinfo(text: str) -> str | None:
    """The processor's name in what /proc/cpuinfo holds, or the board's and its cores' where it has none."""
    found: dict[str, str] = {}
    cores: dict[str, None] = {}
    implementer = 0
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if not colon or not value:
            continue
        found.setdefault(key, value)
        if key == "CPU implementer":
            implementer = _hexadecimal(value)
        elif key == "CPU part" and (core := ARM_CORES.get((implementer, _hexadecimal(value)))):
            cores[core] = None
    name = _one_line(next((found[key] for key in NAME_KEYS if key in found), ""))
    kinds = " + ".join(cores)
    if name and kinds and "model name" not in found:
        return f"{name} ({kinds})"
    return name or kinds or None


def _one_line(name: str) -> str:
    """A name that cannot break a line of text, and not a page long."""
    return "".join(c if c.isprintable() else " " for c in " ".join(name.split()))[:120].strip()


def _hexadecimal(digits: str) -> int:
    try:
        return int(digits[:16], 16)
    except ValueError:
        return 0


def _affinity() -> Collection[int] | None:
    """The logical processors this process may run on, or None where that is not told (macOS)."""
    if sys.platform == "linux":
        return os.sched_getaffinity(0)
    if sys.platform == "win32":
        import psutil

        return psutil.Process().cpu_affinity()
    return None


def _name() -> str:
    """The processor's name, or its architecture where no name is told."""
    name: str | None = None
    if sys.platform == "linux":
        name = name_from_cpuinfo(reading.text(Path("/proc/cpuinfo")))
    elif sys.platform == "darwin":
        name = sysctl.read_settings((sysctl.BRAND,)).get(sysctl.BRAND)
    elif sys.platform == "win32":
        import winreg

        key = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
                name = str(winreg.QueryValueEx(opened, "ProcessorNameString")[0])
        except OSError:
            name = None
    return _one_line(name or "") or platform.processor() or platform.machine() or "unknown"
