"""The session between the page and a test: order of its signals, the drain, cancel, the history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.benchmark.progress import ColumnStage, LiveRate, Stage, TestBegan, TestEnded
from app.benchmark.workload import QUICK
from app.domain.errors import EngineMissing, StorageError
from app.domain.speed_test import Case, SpeedTest, TestState
from app.services.background import Background
from app.services.speed_test_offer import Pick
from app.services.speed_test_session import SpeedTestSession
from app.storage.database import Database
from app.storage.speed_tests import SpeedTests
from tests.gui.speed_test import values
from tests.gui.speed_test.stand_in import Running, StandIn


@pytest.fixture
def tester() -> StandIn:
    return StandIn()


@pytest.fixture
def store(tmp_path):
    with Database.open(tmp_path / "db.sqlite") as database:
        yield SpeedTests(database)


@pytest.fixture
def session(qapp, tester, store):
    background = Background()
    made = SpeedTestSession(store, tester, background, undo_ms=50)
    yield made
    made.close()
    background.finish()


PICKS = tuple(Pick(engine, engine.forms[0]) for engine in values.SMOL.engines[:2])


def begin(session: SpeedTestSession, tester: StandIn, qtbot) -> Running:
    session.start(PICKS, QUICK)
    qtbot.waitUntil(lambda: tester.running is not None)
    assert tester.running is not None
    return tester.running


def test_what_can_be_tested_is_offered(session, tester, qtbot) -> None:
    with qtbot.waitSignal(session.offered) as told:
        session.look()
    assert told.args == [tester.made]


def test_a_library_that_cannot_be_read_is_told(session, tester, qtbot) -> None:
    tester.error = StorageError("The disk is gone.")
    with qtbot.waitSignal(session.not_offered) as told:
        session.look()
    assert told.args[0].message == "The disk is gone."
    tester.error = None
    with qtbot.waitSignal(session.offered):
        session.look()


def test_differences_come_with_what_they_are_about(session, qtbot) -> None:
    with qtbot.waitSignal(session.differences_told) as told:
        session.ask_differences(PICKS)
    assert told.args == [PICKS, ("2 differ.",)]


def test_a_test_is_seen_from_its_beginning_to_its_end(session, tester, qtbot) -> None:
    running_told: list[bool] = []
    session.running_changed.connect(running_told.append)
    running = begin(session, tester, qtbot)
    assert session.is_running
    with qtbot.waitSignal(session.live_changed) as live:
        running.tell(TestBegan(values.TEST))
        running.tell(ColumnStage(0, Stage.MEASURING, Case(QUICK.shapes[0], 1), 1))
    assert live.args[0].columns[0].stage is Stage.MEASURING
    with qtbot.waitSignals([session.ended, session.listed]):
        running.tell(TestEnded(values.TEST))
    assert not session.is_running
    assert session.live is None
    assert running_told == [True, False]


def test_a_thousand_rates_cost_a_few_signals(session, tester, qtbot) -> None:
    seen: list[object] = []
    session.live_changed.connect(seen.append)
    running = begin(session, tester, qtbot)
    running.tell(TestBegan(values.TEST))
    case = Case(QUICK.shapes[0], 1)
    for number in range(1000):
        running.tell(LiveRate(0, case, float(number)))
    qtbot.waitUntil(lambda: bool(seen) and seen[-1].columns[0].rate == 999.0)  # type: ignore[attr-defined]
    assert len(seen) <= 3
    running.tell(TestEnded(values.TEST))
    qtbot.waitUntil(lambda: not session.is_running)


def test_each_test_has_an_order_of_its_own(session, tester, qtbot) -> None:
    for _ in range(3):
        tester.running = None
        running = begin(session, tester, qtbot)
        running.tell(TestBegan(values.TEST))
        running.tell(TestEnded(values.TEST))
        qtbot.waitUntil(lambda: not session.is_running)
    assert len({workload.seed for workload in tester.workloads}) == 3
    assert {replace(workload, seed=0) for workload in tester.workloads} == {QUICK}


def test_a_second_test_waits_for_nobody(session, tester, qtbot) -> None:
    running = begin(session, tester, qtbot)
    session.start(PICKS, QUICK)
    assert tester.running is running


def test_who_cannot_take_part_is_told_and_nothing_runs(session, tester, qtbot) -> None:
    tester.error = EngineMissing("vLLM is not installed.")
    with qtbot.waitSignals([session.failed, session.not_begun]):
        session.start(PICKS, QUICK)
    assert not session.is_running
    assert tester.running is None


def test_stopped_while_it_is_got_ready(session, tester, qtbot) -> None:
    tester.hold.clear()
    session.start(PICKS, QUICK)
    session.stop()
    with qtbot.waitSignal(session.not_begun):
        tester.hold.set()
    assert tester.running is None
    assert not session.is_running


def test_stop_cancels_what_runs(session, tester, qtbot) -> None:
    running = begin(session, tester, qtbot)
    session.stop()
    assert running.cancelled.is_set()


def test_a_test_that_could_not_be_kept_says_so(session, tester, qtbot) -> None:
    running = begin(session, tester, qtbot)
    running.problem = StorageError("The disk is full.")
    with qtbot.waitSignals([session.ended, session.failed]):
        running.tell(TestBegan(values.TEST))
        running.tell(TestEnded(values.TEST))


def test_closing_cancels_and_waits(qapp, tester, store, qtbot) -> None:
    background = Background()
    session = SpeedTestSession(store, tester, background)
    running = begin(session, tester, qtbot)
    session.close()
    background.finish()
    assert running.cancelled.is_set()
    assert running.waited is not None


# The history


def keep(store: SpeedTests, *tests: SpeedTest) -> list[int]:
    ids = [store.begin(test).result() for test in tests]
    for number in ids:
        store.finish(number, TestState.DONE, (0, 1)).result()
    return ids


def listed(session: SpeedTestSession, qtbot) -> list[int]:
    with qtbot.waitSignal(session.listed) as told:
        session.read_history()
    return [summary.id for summary in told.args[0]]


def test_listed_opened_and_compared_in_order_of_time(session, store, qtbot) -> None:
    newer, older = keep(store, values.TEST, values.OLDER)
    assert listed(session, qtbot) == [older, newer]
    with qtbot.waitSignal(session.opened) as opened:
        session.open(newer)
    assert opened.args[0].columns == values.TEST.columns
    with qtbot.waitSignal(session.compared) as compared:
        session.compare(newer, older)
    assert [test.id for test in compared.args] == [older, newer]


def test_one_that_is_gone_is_said_to_be_gone(session, qtbot) -> None:
    with qtbot.waitSignal(session.failed) as told:
        session.open(99)
    assert "not there any more" in told.args[0].message


def test_deleted_and_brought_back(session, store, qtbot) -> None:
    (number,) = keep(store, values.TEST)
    listed(session, qtbot)
    with qtbot.waitSignals([session.removed, session.listed]):
        session.remove(number)
    with qtbot.waitSignal(session.listed) as again:
        session.restore(number)
    assert [summary.id for summary in again.args[0]] == [number]
    assert listed(session, qtbot) == [number]


def test_deleted_for_good_once_nobody_took_it_back(session, store, qtbot) -> None:
    first, second = keep(store, values.TEST, values.OLDER)
    listed(session, qtbot)
    session.remove(first)
    assert listed(session, qtbot) == [second]
    qtbot.waitUntil(lambda: store.get(first) is None)
    session.restore(first)
    assert listed(session, qtbot) == [second]


def test_what_was_deleted_is_deleted_when_the_app_is_closed(qapp, tester, store, qtbot) -> None:
    (number,) = keep(store, values.TEST)
    background = Background()
    session = SpeedTestSession(store, tester, background, undo_ms=60_000)
    listed(session, qtbot)
    session.remove(number)
    session.close()
    background.finish()
    qtbot.waitUntil(lambda: store.get(number) is None)


def test_over_time(session, store, qtbot) -> None:
    keep(store, values.OLDER, values.TEST)
    with qtbot.waitSignal(session.trend_known) as told:
        session.ask_trend("SmolLM2 135M Instruct")
    family, rates = told.args
    assert family == "SmolLM2 135M Instruct"
    of_llama = [round(rate.decode_rate) for rate in rates if rate.engine == "llama.cpp"]
    assert of_llama == [99, 118]


def test_a_file_is_written_or_its_failure_told(session, tmp_path: Path, qtbot) -> None:
    with qtbot.waitSignal(session.exported) as told:
        session.export(tmp_path / "a.md", lambda: b"x")
    assert told.args[0].read_bytes() == b"x"
    with qtbot.waitSignal(session.failed) as failed:
        session.export(tmp_path / "missing" / "a.md", lambda: b"x")
    assert failed.args[0].message == "a.md was not written: No such file or directory. Choose another folder."
