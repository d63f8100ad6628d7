"""Apple's GPU: part of the chip, sharing main memory."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping

from app.domain.machine import Gpu
from app.hardware import reading, sysctl

WIRED_LIMIT = "iogpu.wired_limit_mb"
MEMORY = "hw.memsize"
LARGE_MEMORY = 36 << 30
MIB = 1 << 20


def probe_metal() -> tuple[Gpu, ...]:
    """The GPU of a Mac with Apple's own chip. On Intel Macs llama.cpp runs on the CPU: none."""
    if sys.platform != "darwin" or platform.machine() != "arm64":
        return ()
    return (from_sysctl(sysctl.read_settings((sysctl.BRAND, WIRED_LIMIT, MEMORY))),)


def from_sysctl(settings: Mapping[str, str]) -> Gpu:
    """The GPU with the working set that Metal lets it have: as it was set, else its usual share."""
    memory = reading.whole_number(settings.get(MEMORY), 1 << 50)
    wired = reading.whole_number(settings.get(WIRED_LIMIT), (memory or 1 << 50) // MIB)
    limit = wired * MIB if wired else None
    if limit is None and memory:
        limit = usual_working_set(memory)
    return Gpu(
        settings.get(sysctl.BRAND) or "Apple GPU",
        limit,
        None,
        unified_memory=True,
        memory_is_estimate=limit is not None and not wired,
    )


def usual_working_set(memory: int) -> int:
    """What Metal's recommendedMaxWorkingSetSize is, in bytes, while nobody set another.

    Only Metal itself tells it (`llama-server --list-devices` asks). In llama.cpp's published logs it is two
    thirds of memory on Macs below 36 GiB (16 GiB: 10922 MiB, 32 GiB: 21845 MiB) and three quarters on
    larger ones (64 GiB: 49152 MiB, 96 GiB: 73728 MiB). Newer systems grant small Macs up to 74 %: this
    is then too little, never too much.
    """
    return memory * 3 // 4 if memory >= LARGE_MEMORY else memory * 2 // 3
