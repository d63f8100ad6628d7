"""How much main memory an engine's processes take."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resident:
    """Bytes in main memory of a process and all it started; pages that two of them share count twice.

    `of_files` are those that lie in mapped files (weights, libraries), which the system can take back; None
    where it does not tell them apart (only Linux does).
    """

    total: int
    of_files: int | None


def resident_memory(pid: int) -> Resident | None:
    """The memory of process `pid` and its descendants now; None when there is none to see.

    Takes about a millisecond. The resident set, not what was asked for: a buffer counts once it was written
    to, and weights that are mapped count as far as they were read.
    """
    import psutil  # a tenth of the start-up: only who asks pays

    total = 0
    of_files: int | None = 0
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        return None
    for process in processes:
        with suppress(psutil.Error):  # it ended meanwhile
            info = process.memory_info()
            total += info.rss
            shared = getattr(info, "shared", None)
            of_files = None if shared is None or of_files is None else of_files + shared
    return Resident(total, of_files) if total else None


def process_tree(pid: int) -> frozenset[int]:
    """The numbers of process `pid` and its descendants now; empty when there is no such process."""
    import psutil

    try:
        root = psutil.Process(pid)
        return frozenset(process.pid for process in (root, *root.children(recursive=True)))
    except psutil.Error:
        return frozenset()
