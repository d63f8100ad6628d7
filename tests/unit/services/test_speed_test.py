"""A speed test on its thread, kept in a real database; engines and instruments are stand-ins."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace

import pytest

from app.benchmark.progress import ColumnChanged, Progress, TestBegan, TestEnded
from app.domain.errors import DiskFull, EngineGone
from app.domain.speed_test import TestState
from app.services.speed_test import begin
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.speed_tests import SpeedTests
from tests.unit.benchmark.stand_ins import DEADLINE_S, SMALL, Instruments, StandIn, fine


@pytest.fixture
def store(empty_home):
    paths = Paths.find()
    paths.create()
    with Database.open(paths.database) as database:
        yield SpeedTests(database)


@pytest.fixture
def bench(store):
    return Bench(store)


class Bench:
    """Begins tests and remembers what was told."""

    def __init__(self, store):
        self.store = store
        self.told: list[Progress] = []
        self.hear = self.told.append

    def begin(self, *entrants, workload=SMALL, **more):
        return begin(
            Paths.find(),
            more.pop("store", self.store),
            entrants,
            workload,
            lambda it: self.hear(it),
            instruments=Instruments(),
            **more,
        )


def test_a_test_is_kept_as_it_was_told(bench) -> None:
    test = bench.begin(StandIn(), StandIn("vLLM")).wait(DEADLINE_S)
    assert test is not None
    assert test.id > 0
    assert test.state is TestState.DONE
    assert sorted(test.order) == [0, 1]
    assert test.machine.cpu.logical_cores > 0
    assert all(len(column.cases) == 2 for column in test.columns)
    assert bench.store.get(test.id) == test
    assert bench.told[0] == TestBegan(
        replace(test, columns=bench.told[0].test.columns, state=TestState.RUNNING)
    )
    assert bench.told[-1] == TestEnded(test)


def test_a_case_is_in_the_database_before_anybody_hears_of_it(bench) -> None:
    """So that what a person has seen survives whatever ends the app then."""
    kept = []

    def hear(progress):
        if isinstance(progress, TestBegan):
            bench.told.append(progress)
        if isinstance(progress, ColumnChanged):
            test = bench.store.get(bench.told[0].test.id)
            kept.append(test.columns[0] == progress.column and test.state is TestState.RUNNING)

    bench.hear = hear
    assert bench.begin(StandIn()).wait(DEADLINE_S)
    assert len(kept) > 3
    assert all(kept)


def test_a_cancelled_test_is_kept(bench) -> None:
    reached = threading.Event()

    def answer(running, batch, output_tokens):
        if batch > 1:
            reached.set()
            assert running.stopped.wait(DEADLINE_S)
        return fine(running, batch, output_tokens)

    running = bench.begin(StandIn(answer=answer))
    assert reached.wait(DEADLINE_S)
    assert running.wait(0.0) is None
    running.cancel()
    test = running.wait(DEADLINE_S)
    assert test.state is TestState.CANCELLED
    assert len(test.columns[0].cases) == 1
    assert bench.store.get(test.id) == test


def test_room_is_made_before_the_first_engine_starts(bench) -> None:
    events: list[str] = []
    test = bench.begin(StandIn(events=events), make_room=lambda: events.append("room")).wait(DEADLINE_S)
    assert test is not None
    assert events == ["room", "llama.cpp started", "llama.cpp stopped"]


def test_without_room_nothing_is_started_and_every_engine_says_why(bench) -> None:
    def make_room():
        raise EngineGone("The chat’s engine does not end.", detail="why")

    entrant = StandIn()
    test = bench.begin(entrant, make_room=make_room).wait(DEADLINE_S)
    assert entrant.running is None
    assert [(it.failure, it.detail) for it in test.columns] == [("The chat’s engine does not end.", "why")]
    assert bench.store.get(test.id) == test
    assert bench.told[-1] == TestEnded(test)


class FullDisk:
    """Keeps nothing."""

    def begin(self, test):
        future: Future[int] = Future()
        future.set_exception(DiskFull("The disk is full."))
        return future


def test_a_full_disk_does_not_end_a_measurement(bench) -> None:
    running = bench.begin(StandIn(), store=FullDisk())
    test = running.wait(DEADLINE_S)
    assert running.problem.message == "The disk is full."
    assert test.id == 0
    assert len(test.columns[0].cases) == 2


def test_a_bug_is_seen_and_ends_the_test_for_who_waits(bench, monkeypatch) -> None:
    def answer(running, batch, output_tokens):
        if batch > 1:
            raise ZeroDivisionError
        return fine(running, batch, output_tokens)

    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda bug: seen.append(bug.exc_type))
    test = bench.begin(StandIn(answer=answer)).wait(DEADLINE_S)
    assert seen == [ZeroDivisionError]
    assert test.state is TestState.INTERRUPTED
    assert len(test.columns[0].cases) == 1
    assert bench.store.get(test.id) == test
    assert isinstance(bench.told[-1], TestEnded)
