"""Apple's GPU: part of the chip, sharing main memory."""

from __future__ import annotations

import platform
import sys

from app.domain.machine import Gpu
from app.hardware.cpu import sysctl


def probe_metal() -> tuple[Gpu, ...]:
    """The GPU of a Mac with Apple's own chip; Intel Macs are told without one, llama.cpp runs on their CPU.

    How much memory Metal may wire is told only where it was set (`iogpu.wired_limit_mb`, 0 otherwise),
    so it stays unknown then.
    """
    if sys.platform != "darwin" or platform.machine() != "arm64":
        return ()
    limit = sysctl("iogpu.wired_limit_mb")
    wired = int(limit) * 1024 * 1024 if limit and limit.isdecimal() and int(limit) > 0 else None
    return (Gpu(sysctl("machdep.cpu.brand_string") or "Apple GPU", wired, None, unified_memory=True),)
