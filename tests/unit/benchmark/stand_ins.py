"""Stand-ins for what the runner is given: contenders without an engine, instruments that measure nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from app.domain.errors import Cancelled, EngineTimeout
from app.domain.generation import ServerTimings
from app.domain.machine import Cpu, Disk, Machine, Memory
from app.domain.speed_test import (
    ColumnResult,
    Contender,
    EngineFacts,
    RequestSample,
    Round,
    Shape,
    SpeedTest,
    Watched,
    Workload,
)

SHAPE = Shape("chat", 128, 128)
OTHER = Shape("write", 32, 512)
SMALL = Workload((SHAPE,), (1, 4), warmups=1, repetitions=3, budget_s=None, cool_down_s=0.0, seed=7)
MACHINE = Machine(
    "Linux", Cpu("A processor", "x86_64", 2, 2, 2), Memory(8 << 30, 4 << 30), Disk("/", 1 << 40, 1 << 39)
)
DEADLINE_S = 10.0
"""For what waits for another thread."""


class Client:
    """Counts a token a word."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def count_prompt_tokens(self, messages):
        return self._running.count(messages)


class Running:
    """See `app.benchmark.entrant.RunningEntrant`."""

    address = dialect = None

    def __init__(self, entrant: StandIn) -> None:
        self.entrant = entrant
        self.pid: int | None = entrant.pid
        self.client = Client(self)
        self.facts = entrant.facts
        self.load_s = 0.25
        self.log: str | None = None
        self.replies: list[Any] = []
        self.stops: list[bool] = []
        self.stopped = threading.Event()
        self.count: Callable[[Any], int | None] = words

    def memory(self):
        return 1000

    def crashed(self):
        return self.log

    def replied(self, metrics):
        self.replies.append(metrics)

    def stop(self, *, at_once=False):
        self.stops.append(at_once)
        self.stopped.set()
        self.entrant.events.append(f"{self.entrant.contender.engine} stopped")


def words(messages) -> int:
    return sum(len(message.content.split()) for message in messages)


class StandIn:
    """See `app.benchmark.entrant.Entrant`. `answer(running, batch, output_tokens)` makes a round."""

    def __init__(self, engine="llama.cpp", *, events=None, failure=None, answer=None, pid: int | None = 1):
        self.contender = Contender(engine, engine, "SmolLM2", "SmolLM2", "Q4_1", 4.5)
        self.events: list[str] = events if events is not None else []
        self.failure = failure
        self.answer = answer or fine
        self.pid = pid
        self.facts = EngineFacts({engine: "1.0"}, context_length=8192, parallel=8)
        self.running: Running | None = None
        self.needs: Any = None
        self.rounds = 0

    def start(self, needs, cancellation, on_progress):
        self.needs = needs
        self.events.append(f"{self.contender.engine} started")
        on_progress("weights")
        if self.failure is not None:
            raise self.failure
        self.running = Running(self)
        return self.running


def fine(running, batch, output_tokens) -> Round:
    """A round in which every request got what it asked for."""
    timings = ServerTimings(128, 100.0, output_tokens, output_tokens * 10.0)
    sample = RequestSample(
        0.0, 0.1, 0.1 + output_tokens * 0.01, (0.01,) * (output_tokens - 1), None, output_tokens, timings
    )
    return Round((sample,) * batch, sample.duration_s)


def failing(running, batch, output_tokens) -> Round:
    """A round in which no request got anything."""
    return Round((RequestSample(0.0, None, 0.1, error="The engine refused."),) * batch, 0.1)


class Instruments:
    """See `app.benchmark.instruments.Instruments`."""

    def __init__(self) -> None:
        self.idled = 0
        self.prompts: dict[str, list[Any]] = {}
        self.open = 0
        self.began = 0

    def idle(self, wait):
        self.idled += 1

    def load(self):
        self.open += 1
        return Load(self)

    def watch(self, pid):
        self.open += 1
        return Watcher(self)


class Load:
    """Has the stand-in answer."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments

    def round(self, running, prompts, output_tokens, *, cancellation, timeout_s, on_pieces):
        assert timeout_s > 0
        entrant = running.entrant
        assert not running.stopped.is_set()
        self._instruments.prompts.setdefault(entrant.contender.engine, []).append(prompts)
        entrant.rounds += 1
        on_pieces(len(prompts))
        return entrant.answer(running, len(prompts), output_tokens)

    def close(self):
        self._instruments.open -= 1


class Watcher:
    """Sees the same always."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments

    def begin(self):
        self._instruments.began += 1

    def lap(self):
        return Watched(memory_peak=2000 + self._instruments.began, gpu_memory_peak=10)

    def close(self):
        self._instruments.open -= 1


def hanging(running, batch, output_tokens) -> Round:
    """A round that was cut off."""
    raise EngineTimeout("The engine did not answer a request within 1 s.")


def until_cancelled(cancellation):
    """A round that lasts until somebody cancels."""

    def answer(running, batch, output_tokens):
        assert running.stopped.wait(DEADLINE_S)
        raise Cancelled("It was cancelled.")

    return answer


def a_test(entrants, workload=SMALL, order=None) -> SpeedTest:
    """A test that has not begun."""
    return SpeedTest(
        0, 1.0, workload, MACHINE, "0.1.0", "Linux 6",
        tuple(ColumnResult(it.contender) for it in entrants),
        order=tuple(range(len(entrants))) if order is None else order,
    )  # fmt: skip
