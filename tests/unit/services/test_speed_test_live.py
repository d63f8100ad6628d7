"""Where a running test stands, by what its runner told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.benchmark.progress import ColumnChanged, ColumnStage, LiveRate, Stage, TestBegan, TestEnded
from app.benchmark.workload import CHAT
from app.domain.machine import Cpu, Disk, Machine, Memory
from app.domain.speed_test import (
    Case,
    CaseResult,
    ColumnResult,
    Contender,
    LeftOut,
    SpeedTest,
    TestState,
    Workload,
)
from app.services.speed_test_live import SpeedTestLive

ALONE, FOUR = Case(CHAT, 1), Case(CHAT, 4)
WORKLOAD = Workload((CHAT,), (1, 4), warmups=1, repetitions=3, budget_s=100.0)
COLUMNS = tuple(ColumnResult(Contender(id_, id_, "m", "m", "Q4_1")) for id_ in ("llama_cpp", "vllm"))
MACHINE = Machine("Linux", Cpu("c", "x", 2, 2, 2), Memory(1, 1), Disk("/", None, None))
TEST = SpeedTest(1, 0.0, WORKLOAD, MACHINE, "0", "Linux", COLUMNS, (0, 1))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(clock) -> SpeedTestLive:
    made = SpeedTestLive(clock)
    made.hear(TestBegan(TEST))
    return made


def share(live: SpeedTestLive) -> float:
    snapshot = live.snapshot()
    assert snapshot is not None
    return snapshot.share


def test_before_it_began_there_is_nothing_to_see() -> None:
    assert SpeedTestLive().snapshot() is None


def test_each_column_is_at_its_own_stage(live) -> None:
    live.hear(ColumnStage(1, Stage.MEASURING, ALONE, 2, "x"))
    live.hear(LiveRate(1, ALONE, 88.0))
    snapshot = live.snapshot()
    assert [column.stage for column in snapshot.columns] == [Stage.WAITING, Stage.MEASURING]
    assert [column.rate for column in snapshot.columns] == [None, 88.0]
    assert [column.is_running for column in snapshot.columns] == [False, True]
    assert snapshot.columns[1].repetition == 2


def test_a_rate_ends_with_its_case(live) -> None:
    live.hear(ColumnStage(0, Stage.MEASURING, ALONE, 3))
    live.hear(LiveRate(0, ALONE, 88.0))
    live.hear(ColumnStage(0, Stage.ENDING))
    assert live.snapshot().columns[0].rate is None


def test_the_share_grows_to_the_whole(live) -> None:
    seen = [share(live)]
    for position in (0, 1):
        cases: tuple[CaseResult, ...] = ()
        live.hear(ColumnStage(position, Stage.LOADING))
        for case in (ALONE, FOUR):
            live.hear(ColumnStage(position, Stage.WARMING, case))
            seen.append(share(live))
            for repetition in (1, 2, 3):
                live.hear(ColumnStage(position, Stage.MEASURING, case, repetition))
                seen.append(share(live))
            cases += (CaseResult(case, 3),)
            live.hear(ColumnChanged(position, replace(COLUMNS[position], cases=cases)))
            seen.append(share(live))
        live.hear(ColumnStage(position, Stage.DONE))
        seen.append(share(live))
    assert seen == sorted(seen)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0


def test_what_was_left_out_counts_as_done(live) -> None:
    live.hear(ColumnStage(0, Stage.MEASURING, ALONE, 1))
    before = share(live)
    live.hear(ColumnChanged(0, replace(COLUMNS[0], left_out=(LeftOut(FOUR, "no time"),))))
    after = share(live)
    assert after > before
    both = replace(COLUMNS[0], cases=(CaseResult(FOUR, 1),), left_out=(LeftOut(FOUR, "1 of 3 was done"),))
    live.hear(ColumnChanged(0, both))
    assert share(live) == after


def test_time_left_is_told_once_it_can_be_and_never_exceeds_the_budget(live, clock) -> None:
    live.hear(ColumnStage(0, Stage.MEASURING, ALONE, 1))
    clock.now = 2.0
    assert live.snapshot().left_s is None
    live.hear(ColumnStage(0, Stage.DONE))  # a half
    clock.now = 30.0
    assert live.snapshot().left_s == pytest.approx(30.0)
    clock.now = 90.0
    assert live.snapshot().left_s == pytest.approx(10.0)


def test_the_end_has_the_results_and_no_rates(live) -> None:
    live.hear(LiveRate(0, ALONE, 88.0))
    before = live.changes
    ended = replace(
        TEST, columns=(replace(COLUMNS[0], failure="It crashed."), COLUMNS[1]), state=TestState.DONE
    )
    live.hear(TestEnded(ended))
    snapshot = live.snapshot()
    assert snapshot.has_ended
    assert snapshot.share == 1.0
    assert snapshot.left_s is None
    assert snapshot.columns[0].result.failure == "It crashed."
    assert snapshot.columns[0].rate is None
    assert live.changes > before
