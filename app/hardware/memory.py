"""Main memory: what there is, and what this process can have now."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from app.domain.machine import Memory
from app.hardware import cgroup, reading


def probe_memory(root: Path = reading.ROOT) -> Memory:
    """Memory of this computer, cut to what a container leaves of it.

    Other processes count: `available` is Linux's MemAvailable, Windows' available physical memory, and
    macOS's free and inactive pages (psutil). A GPU that shares main memory takes from the same bytes.
    """
    import psutil  # a tenth of the start-up: only who asks pays

    memory = psutil.virtual_memory()
    limit = cgroup.memory_limit(root) if sys.platform == "linux" else None
    found = within_limit(memory.total, max(0, min(memory.available, memory.total)), limit)
    swap_total, swap_free = _swap(root)
    return Memory(found.total, found.available, found.limit, swap_total, swap_free)


def available_memory() -> int:
    """Bytes that can be taken now without swapping: other processes and a container's limit counted."""
    return probe_memory().available


def within_limit(total: int, available: int, limit: cgroup.MemoryLimit | None) -> Memory:
    """A limit above what the computer has is none."""
    if limit is None or limit.limit >= total:
        return Memory(total, min(available, limit.left) if limit else available)
    return Memory(limit.limit, min(available, limit.left), limit.limit)


def _swap(root: Path) -> tuple[int | None, int | None]:
    """Swap space, all of it and what is free to this process; None where the system does not tell."""
    import psutil

    try:
        with warnings.catch_warnings():
            # psutil warns where /proc/vmstat is hidden: that is about swap in and out, not asked for.
            warnings.simplefilter("ignore", RuntimeWarning)
            swap = psutil.swap_memory()
    except (OSError, RuntimeError, ValueError, psutil.Error):
        return None, None
    if not 0 <= swap.free <= swap.total:
        return None, None
    left = cgroup.swap_left(root) if sys.platform == "linux" else None
    return swap.total, swap.free if left is None else min(swap.free, left)
