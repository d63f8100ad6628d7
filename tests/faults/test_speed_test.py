"""What ends a speed test from outside: a killed app, a crashed engine, a killed load process."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest

from app.benchmark.progress import ColumnStage, LiveRate, Stage
from app.domain.engine import LoadWishes
from app.domain.model import LocalModel
from app.domain.speed_test import Case, Shape, TestState, Workload
from app.hardware.probe import probe
from app.services.engine_parts import EngineParts
from app.services.entrants import Around, entrants_for
from app.services.speed_test import begin
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.settings import Settings, save_settings
from app.storage.speed_tests import SpeedTests
from tests.faults.waiting import until
from tests.processes import is_alive

DEADLINE_S = 100.0
SHAPE = Shape("chat", 32, 48)
SMALL = Workload((SHAPE,), (1, 2), warmups=0, repetitions=2, budget_s=None, cool_down_s=0.0)
ONE, TWO = Case(SHAPE, 1), Case(SHAPE, 2)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


@pytest.fixture
def bench(edgewise_home, starter_model):
    """Begins tests of as many columns with the real llama-server as are wanted."""
    paths = Paths.find()
    paths.create()
    path = paths.models / starter_model.name
    model = LocalModel(path.stem, path, path.stat().st_size)
    around = Around(paths, EngineParts(paths), lambda: probe(paths.models))
    with Database.open(paths.database) as database:
        store = SpeedTests(database)

        def start(hear, columns=1, workload=SMALL):
            wanted = [("llama_cpp", model, LoadWishes(threads=1))] * columns
            return begin(paths, store, entrants_for(around, wanted), workload, hear)

        yield start
    assert [p for p in psutil.Process().children(recursive=True) if is_alive(p)] == []


def servers() -> list[psutil.Process]:
    """The engines' own processes, without their guards."""
    return [each for each in psutil.Process().children(recursive=True) if "llama-server" in each.name()]


def load_processes() -> list[psutil.Process]:
    """Those that put load on an engine."""
    family = psutil.Process().children(recursive=True)
    return [each for each in family if "app.benchmark.load_worker" in each.cmdline()]


def test_the_app_is_killed_after_the_first_case(edgewise_home) -> None:
    save_settings(Paths.find().settings, Settings(threads=1))
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "bench", "--batch", "1,8", "--repetitions", "1", "--warmups", "0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    with process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("llama.cpp: chat, alone: "):
                    break
            family = psutil.Process(process.pid).children(recursive=True)
            assert len(family) >= 3, "a guard, an engine and a load process"
        finally:
            process.kill()
    until(lambda: not any(map(is_alive, family)))
    with Database.open(Paths.find().database) as database:
        store = SpeedTests(database)
        test = store.get(1)
        assert test is not None
        assert test.state is TestState.RUNNING
        assert [it.case.batch for it in test.columns[0].cases] == [1]
        assert test.columns[0].cases[0].output_rate is not None
        assert test.columns[0].facts.model_hash
    listed = subprocess.run(
        [sys.executable, "-m", "app", "bench", "--list"], capture_output=True, encoding="utf-8", check=True
    )
    assert "interrupted" in listed.stdout
    with Database.open(Paths.find().database) as database:
        test = SpeedTests(database).get(1)
        assert test is not None
        assert test.state is TestState.INTERRUPTED


def test_an_engine_that_is_killed_says_so_and_the_next_goes_on(bench) -> None:
    killed: list[int] = []

    def hear(progress):
        if isinstance(progress, LiveRate) and progress.case == TWO and not killed:
            for each in servers():
                each.kill()
            killed.append(progress.position)

    test = bench(hear, columns=2).wait(DEADLINE_S)
    assert test is not None
    assert test.state is TestState.DONE
    (victim,) = killed
    assert victim == test.order[0]
    broken, whole = test.columns[victim], test.columns[1 - victim]
    assert broken.failure == "llama.cpp ended by itself in the middle of the test."
    assert "llama" in broken.detail, "its log"
    assert broken.of(ONE) is not None
    assert broken.of(ONE).short_rounds == 0
    assert (whole.failure, [it.case for it in whole.cases]) == ("", [ONE, TWO])
    with Database.open(Paths.find().database) as database:
        assert SpeedTests(database).get(test.id) == test


def test_an_engine_that_stands_still_is_ended(bench) -> None:
    """Stopped by a signal, it neither answers nor ends; only time tells. A cancel is felt all the same."""
    stopped: list[psutil.Process] = []

    def hear(progress):
        if isinstance(progress, LiveRate) and not stopped:
            stopped.extend(servers())
            for each in stopped:
                each.send_signal(signal.SIGSTOP)
            running.cancel()

    running = bench(hear)
    test = running.wait(DEADLINE_S)
    assert test is not None
    assert test.state is TestState.CANCELLED
    assert stopped
    assert [each for each in stopped if is_alive(each)] == []


def test_a_load_process_that_is_killed_ends_its_column_alone(bench) -> None:
    killed: list[int] = []

    def hear(progress):
        if isinstance(progress, LiveRate) and not killed:
            for each in load_processes():
                each.kill()
            killed.append(progress.position)

    test = bench(hear, columns=2, workload=SMALL).wait(DEADLINE_S)
    assert test is not None
    (victim,) = killed
    assert test.columns[victim].failure == "The process that measures was ended from outside."
    assert test.columns[1 - victim].failure == ""
    assert len(test.columns[1 - victim].cases) == 2


def test_an_engine_that_dies_between_two_rounds(bench) -> None:
    killed: list[int] = []

    def hear(progress):
        if isinstance(progress, ColumnStage) and progress.stage is Stage.MEASURING and not killed:
            for each in servers():
                each.kill()
            killed.append(progress.position)

    (column,) = bench(hear).wait(DEADLINE_S).columns
    assert column.failure == "llama.cpp ended by itself in the middle of the test."
    assert column.cold_ttft_s is not None
    assert column.cases == ()
