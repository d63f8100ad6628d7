"""What a process and all that it started take of the machine, looked at again and again at little cost."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.hardware import reading

if TYPE_CHECKING:
    import psutil

SHARE_OF_WALKS = 0.005
"""Of one core. To find a process's descendants is to look at all processes of the computer, 3 ms for a
hundred of them; it is done no more often than this share lets it."""
MOST_KIB = 1 << 34


class ProcessTimes:
    """Processor seconds that a changing set of processes used since they were first looked at.

    `are_family`: they are one process and its descendants. Then a new one has spent all its time within the
    set, and what a process that ended had used comes back as its parent's children's time: so processes count
    that were born and gone between two looks. Otherwise children's time is left out (it may be that of
    processes which are counted elsewhere), and a new one counts from when it was first seen.
    """

    def __init__(self, *, are_family: bool) -> None:
        self.seconds = 0.0
        self._are_family = are_family
        self._last: dict[psutil.Process, tuple[float, float]] | None = None
        self._owed = 0.0

    def look(self, processes: Iterable[psutil.Process]) -> None:
        """Count what they used since the last look; of a family, parents come first."""
        import psutil

        now: dict[psutil.Process, tuple[float, float]] = {}
        for process in processes:
            with suppress(psutil.Error):
                times = process.cpu_times()
                # What psutil calls children are those that ended and were waited for; 0 but on Linux.
                ended = times.children_user + times.children_system
                now[process] = times.user + times.system, ended
        if self._last is not None:
            of_ended = 0.0
            for process, (own, ended) in now.items():
                nothing_yet = (0.0, 0.0) if self._are_family else (own, ended)
                own_before, ended_before = self._last.get(process, nothing_yet)
                self.seconds += max(0.0, own - own_before)
                of_ended += ended - ended_before
            if self._are_family:
                gone = sum(own + ended for process, (own, ended) in self._last.items() if process not in now)
                # Owed: time already counted of a process whose parent has not waited for it yet.
                self._owed += of_ended - gone
                self.seconds += max(0.0, self._owed)
                self._owed = min(0.0, self._owed)
        self._last = now


class Tree:
    """The process `pid` and its descendants.

    After each `look`: `resident`, bytes in main memory (as `app.engines.memory.resident_memory` counts them)
    or None once nothing is left of it; `cpu_seconds` since the first look; `pids`.
    """

    def __init__(self, pid: int) -> None:
        self.resident: int | None = None
        self.pids: frozenset[int] = frozenset()
        self._times = ProcessTimes(are_family=True)
        self._root = process_of(pid)
        self._processes: list[psutil.Process] = []
        self._next_walk = 0.0

    @property
    def cpu_seconds(self) -> float:
        """Processor time that it used since it was first looked at."""
        return self._times.seconds

    def look(self, *, whole: bool = False) -> None:
        """Read memory and times of its processes. New descendants are looked for now and then, with `whole`
        in any case."""
        import psutil

        if self._root is None:
            return
        if whole or time.monotonic() >= self._next_walk:
            self._walk()
        resident = 0
        alive = []
        for process in self._processes:
            with suppress(psutil.Error):
                resident += process.memory_info().rss
                alive.append(process.pid)
        self.resident = resident or None
        self.pids = frozenset(alive)
        self._times.look(self._processes)

    def swapped(self, root: Path = reading.ROOT) -> int | None:
        """Bytes of its memory that were moved to swap; None where the system does not tell (only Linux does,
        proc(5), VmSwap)."""
        told = []
        for pid in self.pids:
            for line in reading.text(root / f"proc/{pid}/status").splitlines():
                name, _, value = line.partition(":")
                if name == "VmSwap":
                    kib = reading.whole_number(value.removesuffix("kB"), MOST_KIB)
                    told.append((kib or 0) << 10)
        return sum(told) if told else None

    def _walk(self) -> None:
        import psutil

        assert self._root is not None
        began = time.thread_time()
        try:
            self._processes = [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            self._processes = []
        self._next_walk = time.monotonic() + (time.thread_time() - began) / SHARE_OF_WALKS


def process_of(pid: int) -> psutil.Process | None:
    """The process, or None when there is none."""
    import psutil

    try:
        return psutil.Process(pid)
    except (psutil.Error, ValueError):  # ValueError: no number of a process
        return None
