"""Main memory: what there is, and what this process can have now."""

from __future__ import annotations

import sys
from pathlib import Path

from app.domain.machine import Memory
from app.hardware import cgroup


def probe_memory(root: Path = cgroup.ROOT) -> Memory:
    """Memory of this computer, cut to what a container leaves of it."""
    import psutil  # a tenth of the start-up: only who asks pays

    memory = psutil.virtual_memory()
    limit = cgroup.memory_limit(root) if sys.platform == "linux" else None
    return within_limit(memory.total, memory.available, limit)


def available_memory() -> int:
    """Bytes that can be taken now without swapping: other processes and a container's limit counted."""
    return probe_memory().available


def within_limit(total: int, available: int, limit: cgroup.MemoryLimit | None) -> Memory:
    """A limit above what the computer has is none."""
    if limit is None or limit.limit >= total:
        return Memory(total, min(available, limit.left) if limit else available)
    return Memory(limit.limit, min(available, limit.left), limit.limit)
