"""Speed tests in the database: kept case by case, read whole and in a few words."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.domain.errors import StorageError
from app.domain.speed_test import (
    Case,
    ColumnResult,
    Disturbance,
    Energy,
    LeftOut,
    Observation,
    TestState,
    Watched,
)
from app.storage import speed_tests as module
from app.storage.database import Database
from app.storage.speed_tests import SpeedTests
from tests.made_speed_tests import CHAT, LLAMA_CPP, TRANSFORMERS, WRITE, column, result, speed_test

WATCHED = Watched(
    memory_peak=5,
    energy=Energy(10.0, 2.0, ("processor",), 1.5),
    observations=(Observation(Disturbance.OTHER_LOAD, "0.8 cores"),),
)
RUNNING = speed_test(ColumnResult(LLAMA_CPP), ColumnResult(TRANSFORMERS), state=TestState.RUNNING)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "a.db") as database:
        yield database


@pytest.fixture
def tests(database: Database) -> SpeedTests:
    return SpeedTests(database)


def test_a_test_comes_back_as_it_was_with_all_its_parts(tests: SpeedTests) -> None:
    test = speed_test(
        column(
            cases=[result(1, 100, watched=WATCHED), result(4, 200, short_rounds=1, problem="One fell short.")]
        ),
        replace(
            column(TRANSFORMERS, {1: 20.0}, failure="It ended by itself.", gpu_memory=3),
            left_out=(LeftOut(Case(WRITE, 128), "They would have taken about 4 min."),),
            detail="the log",
        ),
    )
    test_id = tests.begin(test).result()
    assert tests.get(test_id) == replace(test, id=test_id)


def test_a_column_is_kept_with_each_case_it_gains(tests: SpeedTests) -> None:
    test_id = tests.begin(RUNNING).result()
    for rates in ({1: 100.0}, {1: 100.0, 4: 250.0}):
        tests.save_column(test_id, 1, column(TRANSFORMERS, rates)).result()
    kept = tests.get(test_id)
    assert kept == replace(
        RUNNING, id=test_id, columns=(RUNNING.columns[0], column(TRANSFORMERS, {1: 100.0, 4: 250.0}))
    )
    tests.finish(test_id, TestState.CANCELLED, (1, 0)).result()
    assert tests.get(test_id) == replace(kept, state=TestState.CANCELLED, order=(1, 0))


def test_a_test_that_was_deleted_is_gone_and_late_saves_of_it_are_no_error(
    tests: SpeedTests, database: Database
) -> None:
    test_id = tests.begin(RUNNING).result()
    tests.save_column(test_id, 0, column(rates={1: 100.0})).result()
    tests.delete(test_id).result()
    tests.save_column(test_id, 0, column(rates={1: 100.0})).result()
    tests.finish(test_id, TestState.DONE, ()).result()
    tests.delete(test_id).result()
    assert tests.get(test_id) is None
    assert tests.summaries() == []
    left = database.read(
        lambda connection: [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("speed_tests", "speed_test_columns", "speed_test_cases")
        ]
    )
    assert left == [0, 0, 0]


def test_the_oldest_are_forgotten(tests: SpeedTests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    ids = [tests.begin(speed_test(column(rates={1: 10.0}))).result() for _ in range(5)]
    assert [it.id for it in tests.summaries()] == ids[:1:-1]
    assert [it.test_id for it in tests.over_time("SmolLM2 135M")] == ids[2:]


def test_only_tests_whose_process_is_gone_were_interrupted(tests: SpeedTests, database: Database) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        began = psutil.Process(other.pid).create_time()
        ours, theirs, done = (tests.begin(RUNNING).result() for _ in range(3))
        tests.finish(done, TestState.DONE, (0, 1)).result()
        database.write(
            lambda connection: connection.execute(
                "UPDATE speed_tests SET process = ?, process_began = ? WHERE id IN (?, ?)",
                (other.pid, began, theirs, done),
            )
        ).result()
        assert tests.mark_interrupted().result() == 0
        other.kill()
    assert tests.mark_interrupted().result() == 1
    states = {it.id: it.state for it in tests.summaries()}
    assert states == {ours: TestState.RUNNING, theirs: TestState.INTERRUPTED, done: TestState.DONE}
    interrupted = tests.get(theirs)
    assert interrupted is not None
    assert interrupted.state is TestState.INTERRUPTED


def test_a_kill_loses_the_case_under_way_alone(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from app.storage.database import Database\n"
        "from app.storage.speed_tests import SpeedTests\n"
        "from tests.made_speed_tests import column\n"
        "from tests.unit.storage.test_speed_tests import RUNNING\n"
        "tests = SpeedTests(Database.open(Path(sys.argv[1])))\n"
        "test_id = tests.begin(RUNNING).result()\n"
        "tests.save_column(test_id, 0, column(rates={1: 100.0})).result()\n"
        "print(test_id, flush=True)\n"
        "input()\n"
    )
    path = tmp_path / "a.db"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        test_id = int(child.stdout.readline())
        with Database.open(path) as database:  # a terminal beside the window
            assert SpeedTests(database).mark_interrupted().result() == 0
        child.kill()
    with Database.open(path) as database:
        tests = SpeedTests(database)
        assert tests.mark_interrupted().result() == 1
        kept = tests.get(test_id)
    assert kept is not None
    assert kept.state is TestState.INTERRUPTED
    assert kept.columns[0] == column(rates={1: 100.0})


def test_the_history_says_of_each_test_who_took_part_and_how_fast_they_were(tests: SpeedTests) -> None:
    first = tests.begin(speed_test(column(rates={1: 100.0, 8: 300.0, 32: 250.0}))).result()
    second = tests.begin(
        speed_test(column(TRANSFORMERS, cold_ttft_s=None, failure="It broke."), column(rates={1: 90.0}))
    ).result()
    newest, oldest = tests.summaries()
    assert (newest.id, oldest.id) == (second, first)
    assert newest.engines == ("Transformers", "llama.cpp")
    assert newest.families == ("SmolLM2 135M",)
    (fast,) = oldest.columns
    assert fast.single_rate == pytest.approx(100.0)
    assert (fast.best_rate, fast.best_batch, fast.cold_ttft_s, fast.failed) == (300.0, 8, 0.3, False)
    broken = newest.columns[0]
    assert (broken.single_rate, broken.best_rate, broken.best_batch, broken.failed) == (
        None,
        None,
        None,
        True,
    )
    assert [it.id for it in tests.summaries(1)] == [second]


def test_the_newest_rates_are_told_for_each_case_of_each_form(tests: SpeedTests) -> None:
    quarter = replace(LLAMA_CPP, precision="Q4_K_M", bits=4.9)
    old = tests.begin(speed_test(column(rates={1: 100.0, 8: 300.0}), at=5.0)).result()
    new = tests.begin(
        speed_test(
            column(cases=[result(1, 110, watched=WATCHED)]),
            column(quarter, {1: 200.0}),
            column(TRANSFORMERS, {1: 20.0}),
            at=4.0,
        )
    ).result()  # the clock was set back: what was measured later counts
    rates = tests.rates()
    assert [(it.test_id, it.engine, it.precision, it.batch, it.output_rate) for it in rates] == [
        (new, "Transformers", "bf16", 1, 20.0),
        (new, "llama.cpp", "Q4_K_M", 1, 200.0),
        (new, "llama.cpp", "bf16", 1, 110.0),
        (old, "llama.cpp", "bf16", 8, 300.0),
    ]
    assert [it.disturbed for it in rates] == [False, False, True, False]
    assert [it.engine_id for it in tests.rates("transformers")] == ["transformers"]
    assert (rates[0].shape, rates[0].prompt_tokens, rates[0].depth, rates[0].remote) == (
        "chat",
        128,
        0,
        False,
    )


def test_rates_over_time_are_of_one_case_the_oldest_first(tests: SpeedTests) -> None:
    for at, rate in ((2.0, 110.0), (1.0, 100.0), (3.0, 120.0)):
        tests.begin(speed_test(column(rates={1: rate, 8: 300.0}), at=at)).result()
    tests.begin(speed_test(column(cases=[result(1, 50, shape=WRITE)]), at=4.0)).result()
    points = tests.over_time("SmolLM2 135M")
    assert [(it.at, it.output_rate) for it in points] == [(1.0, 100.0), (2.0, 110.0), (3.0, 120.0)]
    assert (points[0].output_low, points[0].output_high) == (98.0, 102.0)
    assert points[0].decode_rate == pytest.approx(100.0)
    assert len(tests.over_time("SmolLM2 135M", batch=8)) == 3
    assert len(tests.over_time("SmolLM2 135M", shape="write")) == 1
    assert tests.over_time("SmolLM2 135M", engine_id="vllm") == []
    assert tests.over_time("another") == []


def test_no_key_is_kept(tests: SpeedTests, database: Database) -> None:
    key = "Zx9_key-of-43-characters"
    told = column(failure="It broke.")
    told = replace(
        told,
        facts=replace(told.facts, flags=("--api-key", key)),
        detail="x" * 100_000 + f"\nLLAMA_API_KEY={key}\nthe end",
    )
    test_id = tests.begin(speed_test(told)).result()
    kept = tests.get(test_id)
    assert kept is not None
    assert kept.columns[0].facts.flags == ("--api-key", "…")
    assert len(kept.columns[0].detail) == module.MOST_DETAIL
    assert kept.columns[0].detail.endswith("the end")
    database.close()
    assert key.encode() not in database.path.read_bytes()


def test_what_sqlite_cannot_hold_is_kept_as_near_as_it_can(tests: SpeedTests) -> None:
    test_id = tests.begin(speed_test(column(replace(LLAMA_CPP, model="a\ud83d"), {1: 10.0}))).result()
    kept = tests.get(test_id)
    assert kept is not None
    assert kept.columns[0].contender.model == "a\ufffd"


def test_a_damaged_record_is_told_and_the_others_stay_readable(tests: SpeedTests, database: Database) -> None:
    bad, good = (tests.begin(speed_test(column(rates={1: 10.0}))).result() for _ in range(2))
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("UPDATE speed_tests SET test = '{', state = 'odd' WHERE id = ?", (bad,))
    with pytest.raises(StorageError, match="Delete it and measure again"):
        tests.get(bad)
    assert tests.get(good) is not None
    assert [it.state for it in tests.summaries()] == [TestState.DONE, TestState.INTERRUPTED]


def test_rows_of_the_first_version_stay_readable(tests: SpeedTests, database: Database) -> None:
    """As they were written by the first Edgewise that kept speed tests: never change them."""
    test = (
        '{"id":0,"at":1.5,"workload":{"shapes":[{"name":"chat","prompt_tokens":128,"output_tokens":128,'
        '"depth":0}],"batches":[1],"warmups":1,"repetitions":5,"budget_s":600.0,"cool_down_s":3.0,"seed":0},'
        '"machine":{"system":"Linux","cpu":{"model":"A","architecture":"x86_64","physical_cores":2,'
        '"logical_cores":2,"usable_cores":2,"performance_cores":null,"efficiency_cores":null,'
        '"instruction_sets":["AVX2"]},"memory":{"total":8,"available":4,"limit":null,"swap_total":null,'
        '"swap_free":null},"disk":{"folder":"/","total":9,"free":8},"gpus":[],"power":null,"bandwidth":null},'
        '"app_version":"0.1.0","system":"Debian","columns":[],"order":[0],"state":"done",'
        '"python_version":"3.11"}'
    )
    contender = (
        '{"engine_id":"llama_cpp","engine":"llama.cpp","model":"m","family":"f","precision":"Q4_K_M",'
        '"bits":null,"remote":false}'
    )
    case = (
        '{"case":{"shape":{"name":"chat","prompt_tokens":128,"output_tokens":128,"depth":0},"batch":1},'
        '"rounds":5,"short_rounds":0,"ttft":{"median":0.1,"p5":0.1,"p95":0.2,"n":5}}'
    )

    def write(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO speed_tests VALUES (1, 1.5, 'done', 1, 1.0, ?)", (test,))
        connection.execute(
            "INSERT INTO speed_test_columns VALUES"
            " (1, 1, 0, 'llama_cpp', 'llama.cpp', 'm', 'f', 'Q4_K_M', 0, '', '', NULL, 0, ?)",
            (f'{{"contender":{contender}}}',),
        )
        connection.execute(
            "INSERT INTO speed_test_cases VALUES"
            " (1, 0, 'chat', 128, 128, 0, 1, NULL, NULL, NULL, NULL, 0.1, 0, ?)",
            (case,),
        )

    database.write(write).result()
    kept = tests.get(1)
    assert kept is not None
    assert (kept.at, kept.machine.cpu.model, kept.workload.batches) == (1.5, "A", (1,))
    measured = kept.columns[0].of(Case(CHAT, 1))
    assert measured is not None
    assert measured.ttft is not None
    assert measured.ttft.p95 == 0.2
