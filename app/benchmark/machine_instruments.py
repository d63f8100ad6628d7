"""The instruments for this machine: a load process, and a watch that knows what the idle machine took."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from app.benchmark.entrant import RunningEntrant
from app.benchmark.instruments import Prompt
from app.benchmark.load_messages import LoadJob
from app.benchmark.load_process import LoadProcess
from app.benchmark.watch import Idle, Watch, measure_idle
from app.domain.generation import Cancellation
from app.domain.speed_test import Round

IDLE_S = 3.0
"""For what the idle machine uses, where that can be read."""


class MachineInstruments:
    """See `app.benchmark.instruments.Instruments`; for one test."""

    def __init__(self) -> None:
        self._idle = Idle()
        self._process: LoadProcess | None = None

    def idle(self, wait: Callable[[float], None]) -> None:
        """See `Instruments.idle`."""
        self._idle = measure_idle(IDLE_S, wait=wait)

    def load(self) -> ProcessLoad:
        """See `Instruments.load`. Raises LoadWorkerGone."""
        self._process = LoadProcess.start()
        return ProcessLoad(self._process)

    def watch(self, pid: int | None) -> Watch:
        """See `Instruments.watch`."""
        return Watch(pid, idle=self._idle, own_pids=self._own_pids)

    def _own_pids(self) -> list[int]:
        load = self._process.pid if self._process is not None else None
        return [os.getpid()] if load is None else [os.getpid(), load]


class ProcessLoad:
    """See `app.benchmark.instruments.Load`."""

    def __init__(self, process: LoadProcess) -> None:
        self._process = process

    def round(
        self,
        running: RunningEntrant,
        prompts: Sequence[Prompt],
        output_tokens: int,
        *,
        cancellation: Cancellation,
        timeout_s: float,
        on_pieces: Callable[[int], None],
    ) -> Round:
        """See `Load.round`."""
        job = LoadJob(running.address, running.dialect, tuple(prompts), output_tokens)
        return self._process.round(job, cancellation, timeout_s, on_pieces)

    def close(self) -> None:
        """See `Load.close`."""
        self._process.close()
