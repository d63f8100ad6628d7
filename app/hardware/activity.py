"""What else the machine did while an engine was measured: other programs, its host, swap, power supply."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.machine import Power
from app.domain.size_words import size
from app.domain.speed_test import Disturbance, Observation
from app.hardware import reading
from app.hardware.power import probe_power
from app.hardware.process_tree import ProcessTimes, Tree, process_of

if TYPE_CHECKING:
    import psutil

LEAST_SPAN_S = 0.5
"""Systems count processor time in steps of 10 ms and give each to whoever runs at its end; in a shorter span
that says little about shares."""
OTHER_SHARE = 0.10
OTHER_CORES = 0.25
"""Other programs are told of when they use more than this share of the processors, on small machines this
many cores: a desktop that nobody touches stays below."""
STOLEN_SHARE = 0.05
"""Of the time that the processors were wanted or used."""
SWAPPED = 16 << 20
"""Bytes to and from swap in a span. Linux moves pages that nobody uses out in small numbers at any time."""
ENGINE_SWAPPED = 1 << 20
"""Bytes of the engine's own memory that were moved to swap."""
MOST_TICKS = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class ProcessorTimes:
    """Seconds of all processors together since the system was started: given to programs (`busy`), and kept
    by a virtual machine's host for others (`stolen`). `count` processors were counted."""

    busy: float
    stolen: float
    count: int


def processor_times(root: Path = reading.ROOT) -> ProcessorTimes | None:
    """Of the processors that this process, and so whatever it starts, may run on."""
    if sys.platform == "linux":
        return from_proc_stat(root, frozenset(os.sched_getaffinity(0)))
    import psutil

    try:
        times = psutil.cpu_times()
        busy = times.user + times.system + getattr(times, "nice", 0.0)
        return ProcessorTimes(busy, 0.0, psutil.cpu_count() or 1)
    except (OSError, RuntimeError, psutil.Error):
        return None


def from_proc_stat(root: Path, usable: Collection[int]) -> ProcessorTimes | None:
    """What /proc/stat tells of the processors `usable`, or of all if it knows none of these (proc(5)).

    "user" has a guest's time in it. Interrupts are left out, as they are nobody's. In a container these are
    the host's processors: who else is at work on them disturbs all the same.
    """
    rows: dict[int, tuple[int, int]] = {}
    for line in reading.text(root / "proc/stat").splitlines():
        name, *figures = line.split()
        number = reading.whole_number(name.removeprefix("cpu"), reading.MOST_PROCESSORS)
        ticks = [reading.whole_number(figure, MOST_TICKS) for figure in figures[:8]]
        if not name.startswith("cpu") or number is None or len(ticks) < 3 or None in ticks:
            continue
        known = [tick or 0 for tick in ticks]
        rows[number] = sum(known[:3]), known[7] if len(known) > 7 else 0
    wanted = [rows[number] for number in usable if number in rows] or list(rows.values())
    if not wanted:
        return None
    hertz = 100
    if sys.platform != "win32":
        hertz = os.sysconf("SC_CLK_TCK")
    return ProcessorTimes(
        sum(busy for busy, _ in wanted) / hertz, sum(stolen for _, stolen in wanted) / hertz, len(wanted)
    )


class ActivitySpan:
    """What the machine did beside the engine from the making of this on.

    `tree` is the engine's, which whoever watches has just looked at, `own_pids` tells our own processes as
    they are now, without their descendants. Without a tree (a server that somebody else started) nobody can
    say which load is its: then none is told of.
    """

    def __init__(
        self,
        tree: Tree | None,
        own_pids: Callable[[], Collection[int]],
        root: Path = reading.ROOT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._tree = tree
        self._own_pids = own_pids
        self._root = root
        self._ours: dict[int, psutil.Process] = {}
        self._our_times = ProcessTimes(are_family=False)
        self.sample()
        self._began = clock()
        self._processors = processor_times(root)
        self._tree_began = tree.cpu_seconds if tree is not None else 0.0
        self._tree_swapped = tree.swapped(root) if tree is not None else None
        self._swapped = swapped(root)
        self._power = probe_power(root)

    def sample(self) -> None:
        """Look at our own processes, which come and go."""
        pids = self._own_pids()
        for pid in pids:
            process = self._ours.get(pid)
            if (process is None or not process.is_running()) and (process := process_of(pid)) is not None:
                self._ours[pid] = process
        self._our_times.look([self._ours[pid] for pid in pids if pid in self._ours])

    def end(self) -> tuple[Observation, ...]:
        """All that was seen until now. Look at the tree before."""
        self.sample()
        return (*self._of_processors(), *self._of_swap(), *self._of_power())

    def _of_processors(self) -> list[Observation]:
        seconds = self._clock() - self._began
        before, now = self._processors, processor_times(self._root)
        if before is None or now is None or before.count != now.count or seconds < LEAST_SPAN_S:
            return []
        found = []
        busy = now.busy - before.busy
        if self._tree is not None and self._tree.pids:  # of one that ended, the last moments are unknown
            engine = self._tree.cpu_seconds - self._tree_began
            others = (busy - engine - self._our_times.seconds) / seconds
            if others > max(OTHER_CORES, OTHER_SHARE * now.count):
                of = f"{now.count} core{'' if now.count == 1 else 's'}"
                found.append(Observation(Disturbance.OTHER_LOAD, f"other programs used {others:.1f} of {of}"))
        stolen = now.stolen - before.stolen
        if stolen > STOLEN_SHARE * (busy + stolen):
            share = f"{stolen / (busy + stolen):.0%}".replace("%", " %")
            found.append(
                Observation(Disturbance.STOLEN, f"the host gave {share} of the processor time to others")
            )
        return found

    def _of_swap(self) -> list[Observation]:
        details = []
        before, now = self._swapped, swapped(self._root)
        if before is not None and now is not None and now - before > SWAPPED:
            details.append(f"{size(now - before)} were moved to or from swap")
        tree_before = self._tree_swapped
        tree_now = self._tree.swapped(self._root) if self._tree is not None else None
        if tree_before is not None and tree_now is not None and tree_now - tree_before > ENGINE_SWAPPED:
            details.append(f"{size(tree_now - tree_before)} of the engine’s memory were moved to swap")
        return [Observation(Disturbance.SWAPPING, ", ".join(details))] if details else []

    def _of_power(self) -> list[Observation]:
        before, now = _on_battery(self._power), _on_battery(probe_power(self._root))
        if before is not None and now is not None and before != now:
            detail = (
                "the computer went from mains to battery"
                if now
                else "the computer went from battery to mains"
            )
            return [Observation(Disturbance.POWER_CHANGED, detail)]
        if now:
            return [Observation(Disturbance.BATTERY, "the computer ran on its battery")]
        return []


def swapped(root: Path = reading.ROOT) -> int | None:
    """Bytes that all programs together moved to and from swap since the system was started; None where the
    system does not tell (Windows does not)."""
    if sys.platform == "linux":
        pages = [
            reading.whole_number(line.partition(" ")[2], MOST_TICKS)
            for line in reading.text(root / "proc/vmstat").splitlines()
            if line.startswith(("pswpin ", "pswpout "))
        ]
        known = [count for count in pages if count is not None]
        return sum(known) * os.sysconf("SC_PAGE_SIZE") if known else None
    if sys.platform == "win32":
        return None
    import psutil

    try:
        memory = psutil.swap_memory()
    except (OSError, RuntimeError, psutil.Error):
        return None
    return int(memory.sin) + int(memory.sout)


def _on_battery(power: Power | None) -> bool | None:
    return power.on_battery if power is not None else None
