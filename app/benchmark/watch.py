"""Looks at the machine while an engine is measured: memory, energy, and what makes the figures doubtful."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from app.domain.speed_test import Watched
from app.hardware import reading
from app.hardware.activity import ActivitySpan
from app.hardware.energy import EnergySpan, Meter, find_meters
from app.hardware.nvidia_processes import gpu_memory_of
from app.hardware.nvml import OpenGpu, open_gpus
from app.hardware.process_tree import Tree
from app.hardware.throttling import ThrottlingSpan

PERIOD_S = 0.25
"""Between two looks at the machine, if they are cheap."""
SHARE = 0.01
"""Of one core, that looking may take from the engine: where a look is dear, there are fewer."""
DEADLINE_S = 5.0
"""For a first or last look. A driver that hangs would hold a test up forever."""
LEAST_GPU_MEMORY = 64 << 20
"""Bytes that the use of the GPUs has to have grown by, where nobody tells whose it is: a desktop's own goes
up and down by less, an engine's bare context takes more."""


def _this_process() -> Collection[int]:
    return (os.getpid(),)


@dataclass(frozen=True, slots=True)
class Idle:
    """The machine before any engine was started: `watts` by source, and bytes in use on all GPUs together."""

    watts: Mapping[str, float] = field(default_factory=dict)
    gpu_memory: int | None = None


class Watch:
    """Looks at the machine, and at the engine whose process is `pid` with all its descendants.

    `pid` is None where the engine is somebody else's: then memory and processor time are unknown, and nobody
    can tell other programs' load from the engine's. `own_pids` tells our own processes (the app, a load
    generator), which are neither the engine nor others; without their descendants, called several times a
    second on another thread. `idle` is what `measure_idle` found.

    GPU memory is what the driver says the engine's processes hold. Where it does not tell that (containers,
    Windows), it is what is in use on all GPUs less what was in use in `idle`: then other programs' changes
    since count as well. Whatever the system does not tell is None; nothing here raises because of it.

    One thread does all the looking, four times a second while something is measured.
    """

    def __init__(
        self,
        pid: int | None,
        *,
        idle: Idle | None = None,
        own_pids: Callable[[], Collection[int]] = _this_process,
        root: Path = reading.ROOT,
    ) -> None:
        self._pid = pid
        self._idle = idle if idle is not None else Idle()
        self._own_pids = own_pids
        self._root = root
        self._wanted: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._span: _Span | None = None
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin(self) -> None:
        """Something to be measured begins now. What was seen before is forgotten."""
        self._do(self._begin)

    def lap(self) -> Watched:
        """What was seen since `begin` or the last `lap`; the next span begins.

        Takes some milliseconds, `DEADLINE_S` at most: of a driver that hangs until then nothing was seen.
        """
        return self._do(self._lap) or Watched()

    def close(self) -> None:
        """End it. Calling it again does nothing."""
        self._wanted.put(None)
        self._thread.join(DEADLINE_S)

    def _do(self, action: Callable[[], Watched | None]) -> Watched | None:
        """Have the thread do something now, and wait for it; what it raises is raised here."""
        done: Future[Watched | None] = Future()

        def job() -> None:
            try:
                done.set_result(action())
            except BaseException as bug:
                done.set_exception(bug)

        self._wanted.put(job)
        try:
            return done.result(DEADLINE_S)
        except TimeoutError:
            return None

    def _begin(self) -> None:
        self._span = self._new_span()

    def _lap(self) -> Watched | None:
        watched = self._span.end() if self._span is not None else None
        self._span = self._new_span()
        return watched

    def _new_span(self) -> _Span:
        return _Span(self._tree, self._meters, self._gpus, self._idle, self._own_pids, self._root)

    def _run(self) -> None:
        self._gpus, close_driver = open_gpus()
        self._meters = find_meters(self._root, self._gpus)
        self._tree = Tree(self._pid) if self._pid is not None else None
        try:
            pause: float | None = None
            while True:
                try:
                    job = self._wanted.get(timeout=pause)
                except queue.Empty:
                    assert self._span is not None
                    began = time.thread_time()
                    self._span.sample()
                    pause = max(PERIOD_S, (time.thread_time() - began) / SHARE)
                    continue
                if job is None:
                    return
                job()
                pause = PERIOD_S if self._span is not None else None
        finally:
            close_driver()


def measure_idle(
    seconds: float, *, wait: Callable[[float], object] = time.sleep, root: Path = reading.ROOT
) -> Idle:
    """What the machine takes when no engine runs, over `seconds` of doing nothing.

    `wait` lets the time pass; what it raises, as when somebody cancels, is raised here. It is not called
    where nothing counts energy. Call this before the first engine is started, with the machine at rest.
    """
    found: Future[tuple[Meter, ...]] = Future()
    done: Future[Idle] = Future()
    stopped = threading.Event()

    def look() -> None:
        gpus, close_driver = open_gpus()
        try:
            meters = find_meters(root, gpus)
            span = EnergySpan(meters)
            found.set_result(meters)
            while meters and not stopped.wait(PERIOD_S):
                span.sample()
            done.set_result(Idle(span.watts(), gpu_memory_used(gpus)))
        finally:
            close_driver()

    threading.Thread(target=look, name="watch-idle", daemon=True).start()
    try:
        if found.result(DEADLINE_S):
            wait(seconds)
        stopped.set()
        return done.result(DEADLINE_S)
    except TimeoutError:  # a driver that hangs
        return Idle()
    finally:
        stopped.set()


def gpu_memory_used(gpus: Sequence[OpenGpu]) -> int | None:
    """Bytes in use on all `gpus` together, by whomever; None if one of them does not tell."""
    used = [gpu.memory_used() for gpu in gpus]
    known = [one for one in used if one is not None]
    return sum(known) if known and len(known) == len(used) else None


class _Span:
    """All that is seen from the making of this on."""

    def __init__(
        self,
        tree: Tree | None,
        meters: Sequence[Meter],
        gpus: Sequence[OpenGpu],
        idle: Idle,
        own_pids: Callable[[], Collection[int]],
        root: Path,
    ) -> None:
        self._tree = tree
        self._gpus = gpus
        self._idle = idle
        self._memory_peak: int | None = None
        self._held_peak: int | None = None
        self._grown_peak: int | None = None
        self._look(whole=True)
        self._cpu_began = tree.cpu_seconds if tree is not None else 0.0
        self._activity = ActivitySpan(tree, own_pids, root)
        self._throttling = ThrottlingSpan(root, gpus)
        self._energy = EnergySpan(meters)

    def sample(self) -> None:
        """Look at all that comes and goes."""
        self._look(whole=False)
        self._activity.sample()
        self._throttling.sample()
        self._energy.sample()

    def end(self) -> Watched:
        """All that was seen until now."""
        energy = self._energy.end(self._idle.watts)
        self._look(whole=True)
        return Watched(
            memory_peak=self._memory_peak,
            gpu_memory_peak=self._grown_peak if self._held_peak is None else self._held_peak,
            energy=energy,
            observations=(*self._throttling.end(), *self._activity.end()),
            cpu_seconds=self._cpu_seconds(),
        )

    def _cpu_seconds(self) -> float | None:
        if self._tree is None or self._memory_peak is None:
            return None
        return self._tree.cpu_seconds - self._cpu_began

    def _look(self, *, whole: bool) -> None:
        if self._tree is None:
            return
        self._tree.look(whole=whole)
        self._memory_peak = _larger(self._memory_peak, self._tree.resident)
        if self._gpus and self._tree.pids:
            self._held_peak = _larger(self._held_peak, gpu_memory_of(self._tree.pids))
            if self._held_peak is None:
                self._grown_peak = _larger(self._grown_peak, self._grown())

    def _grown(self) -> int | None:
        """Bytes that the use of all GPUs' memory has grown by."""
        before, used = self._idle.gpu_memory, gpu_memory_used(self._gpus)
        if before is None or used is None or used - before < LEAST_GPU_MEMORY:
            return None
        return used - before


def _larger(one: int | None, other: int | None) -> int | None:
    return max((it for it in (one, other) if it is not None), default=None)
