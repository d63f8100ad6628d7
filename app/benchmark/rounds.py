"""Rounds of requests to one engine that runs: told while they are under way, and ended with it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from app.benchmark.entrant import RunningEntrant
from app.benchmark.instruments import Load, Prompt
from app.benchmark.interruption import Interruption
from app.domain.errors import EngineGone, EngineTimeout
from app.domain.speed_test import Case, RequestSample, Round

LIVE_S = 1.0
"""The span that a live rate is of."""
CRASH_WAIT_S = 1.0
"""A connection breaks some moments before its process is seen to have ended."""
_POLL_S = 0.02


class Rounds:
    """Sends rounds through `load`, one after another."""

    def __init__(self, running: RunningEntrant, load: Load, interruption: Interruption, engine: str) -> None:
        """`engine` is its name, for sentences."""
        self._running = running
        self._load = load
        self._interruption = interruption
        self._engine = engine
        self.was_late = False
        """Whether the last round was cut off."""

    def send(
        self,
        case: Case,
        prompts: Sequence[Prompt],
        *,
        timeout_s: float,
        on_rate: Callable[[float], None] = lambda _: None,
    ) -> Round:
        """One round of `case`. `on_rate` hears pieces a second, as they come.

        One that took longer than `timeout_s` was cut off: then its span is that, and every request failed.
        Raises EngineGone with the log if the engine ended meanwhile, and Cancelled.
        """
        live = LiveMeter(on_rate)
        self.was_late = False
        try:
            with self._interruption.part() as cancellation:
                done = self._load.round(
                    self._running,
                    prompts,
                    case.shape.output_tokens,
                    cancellation=cancellation,
                    timeout_s=timeout_s,
                    on_pieces=live.count,
                )
        except EngineTimeout as error:
            self.was_late = True
            late = RequestSample(0.0, None, timeout_s, error=error.message)
            done = Round((late,) * len(prompts), timeout_s)
        self._interruption.check()
        if any(sample.error for sample in done.samples):
            self.refuse_crashed()
        return done

    def refuse_crashed(self) -> None:
        """Raise EngineGone with the log if the engine's process has ended, as far as it is ours."""
        if self._running.pid is None:
            return
        deadline = time.monotonic() + CRASH_WAIT_S
        while (log := self._running.crashed()) is None:
            if time.monotonic() > deadline:
                return
            self._interruption.wait(_POLL_S)
        raise EngineGone(f"{self._engine} ended by itself in the middle of the test.", detail=log)

    @contextmanager
    def limited(self, seconds: float, doing: str) -> Iterator[None]:
        """End the engine if what is asked of it here takes longer: counting tokens has no other end.

        Raises EngineTimeout then, EngineGone if it crashed meanwhile.
        """
        late = threading.Event()

        def end() -> None:
            late.set()
            self._running.stop(at_once=True)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except EngineGone:
            self._interruption.check()
            if late.is_set():
                raise EngineTimeout(
                    f"{self._engine} hung: it did not finish {doing} within {seconds:.0f} s."
                ) from None
            self.refuse_crashed()
            raise
        finally:
            timer.cancel()


class LiveMeter:
    """Makes rates of counts, over the last `LIVE_S`."""

    def __init__(self, on_rate: Callable[[float], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._on_rate = on_rate
        self._clock = clock
        self._counts = deque([(clock(), 0)])

    def count(self, pieces: int) -> None:
        """So many pieces came so far."""
        now = self._clock()
        self._counts.append((now, pieces))
        while len(self._counts) > 2 and self._counts[1][0] <= now - LIVE_S:
            self._counts.popleft()
        since, before = self._counts[0]
        if now > since:
            self._on_rate((pieces - before) / (now - since))
