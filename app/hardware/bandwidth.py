"""Main memory's bandwidth, measured: a token costs one pass over the active weights, so this is its speed.

Each thread, one for a core that may be used, has two buffers much larger than the caches together. For
a fixed time it copies one over the other with C's `memmove`, then reads one with C's `memchr`, looking for
a byte that is not there. ctypes lets go of the interpreter's lock for both, so the threads really run at
once. Counted is what the program asked for: a copy is a byte read and a byte written. Where the processor
fetches a line before it overwrites it, the memory moves half as much again; that is not counted. A round's
rate is all threads' bytes over the time from the first thread's begin to the last one's end. The best of
several rounds stands: another program can only make a round slower. Whether one did shows in the processor
time that the threads got of that round.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from app.domain.machine import Bandwidth
from app.hardware import reading

FILL_S = 0.3
"""Most time for making the buffers; what is not filled by then is not used."""
WHOLE_S = 0.85
"""No round begins that would end later. The rest of the second is for threads that wait for a processor."""
ROUND_S = 0.09
ROUNDS = 3
BLOCK = 8 << 20
"""Bytes of one call: long enough that Python between them is nothing, short enough to end in time."""
LEAST_BUFFERS, MOST_BUFFERS = 256 << 20, 1 << 30
"""Bytes of all buffers together, unless an eighth of the free memory is less."""
CACHES = 4
"""How many times the last caches' size the buffers take, so that little of them is found there again."""

UNDISTURBED = 0.9
"""Share of a round's time that its threads run, on average, where nobody else wants a processor."""

Work = Callable[[int, int, int], object]
"""Works on `size` bytes at two addresses: (to, from, size)."""


def measure_bandwidth(cpu_model: str, threads: int, available: int) -> Bandwidth | None:
    """Measure for at most a second; `available` is the free memory in bytes.

    None where there is too little of it, or too slow, for buffers that the caches cannot hold.
    """
    wanted = max(LEAST_BUFFERS, CACHES * last_level_cache(), 2 * BLOCK * threads)
    pairs = min(wanted, MOST_BUFFERS, available // 8) // (2 * BLOCK)
    threads = max(1, min(threads, pairs))
    blocks = pairs // threads
    if blocks < 1:
        return None
    try:
        workers = [_Worker(blocks) for _ in range(threads)]
    except (OSError, ValueError, OverflowError):  # mmap was refused
        return None
    begin = time.perf_counter()
    _together([partial(worker.fill, begin + FILL_S) for worker in workers])
    workers = [worker for worker in workers if worker.blocks]
    if sum(worker.blocks for worker in workers) * 2 * BLOCK < LEAST_BUFFERS // 4:  # the caches would hold it
        return None
    half = begin + (FILL_S + WHOLE_S) / 2
    copied = _best(workers, ctypes.memmove, half - ROUND_S)
    read = Round()
    if look_for := _memchr():
        end = begin + WHOLE_S
        read = _best(workers, lambda _, source, size: look_for(source, 0, size), end - ROUND_S)
    copy = 2 * copied.rate
    if copy <= 0:
        return None
    # A C library that looks at one byte at a time measures the processor, not the memory.
    counts = read.rate >= copy / 2
    return Bandwidth(
        copy=round(copy),
        read=round(read.rate) if counts else None,
        threads=len(workers),
        cpu_model=cpu_model,
        measured_on=date.today().isoformat(),
        disturbed=(read if counts else copied).share < UNDISTURBED,
    )


def last_level_cache(root: Path = reading.ROOT) -> int:
    """Bytes of the largest caches together; 0 where the system does not tell (only Linux does here)."""
    if sys.platform != "linux":
        return 0
    caches: dict[tuple[int, str], int] = {}
    processors = root / "sys/devices/system/cpu"
    for processor in reading.processors(reading.text(processors / "online")):
        for index in range(5):
            cache = processors / f"cpu{processor}/cache/index{index}"
            level = reading.whole_number(reading.text(cache / "level"), 9)
            kib = reading.whole_number(reading.text(cache / "size").removesuffix("K"), 1 << 22)
            if level and kib:
                caches[level, reading.text(cache / "shared_cpu_list")] = kib << 10
    last = max((level for level, _ in caches), default=0)
    return sum(size for (level, _), size in caches.items() if level == last)


@dataclass(frozen=True, slots=True)
class Round:
    """All threads at work for a moment: bytes per second, and the share of the time that they ran."""

    rate: float = 0.0
    share: float = 1.0


class _Worker:
    """One thread's two buffers, and how many of their blocks are filled."""

    def __init__(self, blocks: int) -> None:
        self._wanted = blocks
        self.blocks = 0
        # Held for as long as the addresses are used; they go back to the system with this object.
        self._memory = [mmap.mmap(-1, blocks * BLOCK) for _ in range(2)]
        self._target, self._source = (
            ctypes.addressof(ctypes.c_char.from_buffer(memory)) for memory in self._memory
        )

    def fill(self, deadline: float) -> None:
        """Write to each page: until then all of them are one page of zeros, which the cache holds."""
        while self.blocks < self._wanted and time.perf_counter() < deadline:
            for buffer in (self._target, self._source):
                ctypes.memset(buffer + self.blocks * BLOCK, 1, BLOCK)
            self.blocks += 1

    def repeat(
        self, work: Work, start: threading.Barrier, done: list[tuple[int, float, float, float]]
    ) -> None:
        """Work for `ROUND_S`; `done` gets the bytes, when that began and ended, and the time it ran."""
        start.wait()
        ran = time.thread_time()
        begin = now = time.perf_counter()
        count = 0
        while now - begin < ROUND_S:
            offset = count % self.blocks * BLOCK
            work(self._target + offset, self._source + offset, BLOCK)
            count += 1
            now = time.perf_counter()
        done.append((count * BLOCK, begin, now, time.thread_time() - ran))


def _best(workers: list[_Worker], work: Work, deadline: float) -> Round:
    """The best round. No round but the first begins after `deadline`."""
    best = Round()
    for number in range(ROUNDS):
        if number and time.perf_counter() > deadline:
            break
        start = threading.Barrier(len(workers))
        done: list[tuple[int, float, float, float]] = []
        _together([partial(worker.repeat, work, start, done) for worker in workers])
        seconds = max(end for _, _, end, _ in done) - min(begin for _, begin, _, _ in done)
        rate = sum(size for size, _, _, _ in done) / seconds
        share = sum(ran for _, _, _, ran in done) / (seconds * len(workers))
        best = max(best, Round(rate, share), key=lambda one: one.rate)
    return best


def _together(tasks: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=task, name="bandwidth", daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _memchr() -> Callable[[int, int, int], object] | None:
    """C's memchr, or None where the C library is not found."""
    try:
        library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
        function = library.memchr
    except (OSError, AttributeError, TypeError):
        return None
    function.restype = ctypes.c_void_p
    function.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
    return function
