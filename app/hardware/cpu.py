"""The processor: its name, its cores, and how many of them this process may keep busy."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from app.domain.machine import Cpu
from app.hardware import cgroup

NAME_KEYS = ("model name", "Model", "Hardware", "cpu model")
"""What different architectures call the processor in /proc/cpuinfo, the most telling first."""


def probe_cpu() -> Cpu:
    """This computer's processor."""
    logical = os.cpu_count() or 1
    physical = physical_cores()
    return Cpu(
        model=_name(),
        architecture=platform.machine(),
        physical_cores=physical,
        logical_cores=logical,
        usable_cores=usable_physical_cores(),
    )


def physical_cores() -> int:
    """Physical cores of the whole computer; the logical ones where the system does not tell."""
    import psutil  # a tenth of the start-up: only who asks pays

    return psutil.cpu_count(logical=False) or os.cpu_count() or 1


def usable_physical_cores(root: Path = cgroup.ROOT) -> int:
    """Physical cores this process may use: its affinity and its control group's quota count. At least 1."""
    allowed = _affinity()
    if allowed is None:
        cores = physical_cores()
    else:
        cores = cores_of(allowed, root) or min(len(allowed), physical_cores())
    quota = cgroup.cpu_quota(root) if sys.platform == "linux" else None
    return within_quota(cores, quota)


def within_quota(cores: int, quota: float | None) -> int:
    """`cores`, cut to the whole processors that `quota` pays for. More threads would only be throttled."""
    return max(1, cores if quota is None else min(cores, int(quota)))


def cores_of(processors: Collection[int], root: Path = cgroup.ROOT) -> int:
    """How many physical cores Linux's logical `processors` belong to; 0 when it does not tell."""
    cores = set()
    for processor in processors:
        topology = root / f"sys/devices/system/cpu/cpu{processor}/topology"
        try:
            cores.add((topology / "thread_siblings_list").read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            return 0
    return len(cores)


def name_from_cpuinfo(text: str) -> str | None:
    """The processor's name in what /proc/cpuinfo holds."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and value.strip():
            found.setdefault(key.strip(), value.strip())
    name = next((found[key] for key in NAME_KEYS if key in found), None)
    return " ".join(name.split()) if name else None


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
        try:
            name = name_from_cpuinfo(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
        except OSError:
            name = None
    elif sys.platform == "darwin":
        name = sysctl("machdep.cpu.brand_string")
    elif sys.platform == "win32":
        import winreg

        key = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
                name = str(winreg.QueryValueEx(opened, "ProcessorNameString")[0])
        except OSError:
            name = None
    return re.sub(r"\s+", " ", name or platform.processor() or platform.machine() or "unknown").strip()


def sysctl(name: str) -> str | None:
    """One of macOS's settings, or None."""
    try:
        done = subprocess.run(
            ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
