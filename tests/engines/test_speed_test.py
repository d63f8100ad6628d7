"""A speed test with the real llama-server and the real model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from app.benchmark.progress import ColumnStage, LiveRate, Stage
from app.domain.engine import LoadWishes
from app.domain.model import LocalModel
from app.domain.speed_test import Case, Shape, TestState, Workload
from app.hardware.probe import probe
from app.services.engine_parts import EngineParts
from app.services.entrants import Around, entrants_for
from app.services.load_record import LoadHistory
from app.services.speed_test import begin
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths
from app.storage.settings import Settings, save_settings
from app.storage.speed_tests import SpeedTests
from tests.processes import is_alive

DEADLINE_S = 100.0
SHAPE = Shape("chat", 32, 32)
SMALL = Workload((SHAPE,), (1, 4), warmups=0, repetitions=3, budget_s=None, cool_down_s=0.1, seed=3)
THREADS = 1
"""Two would wait for each other wherever tests share two processors."""

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


class Bench:
    """What a test of real engines takes."""

    def __init__(self, paths: Paths, database: Database, model: LocalModel) -> None:
        self.paths = paths
        self.store = SpeedTests(database)
        self.ledger = Ledger(database)
        self._model = model
        history = LoadHistory(self.ledger, paths.bandwidth)
        self._around = Around(paths, EngineParts(paths), lambda: probe(paths.models), history)

    def entrants(self, count=1):
        return entrants_for(self._around, [("llama_cpp", self._model, LoadWishes(threads=THREADS))] * count)

    def begin(self, workload=SMALL, *, engines=1, hear=lambda _: None):
        return begin(self.paths, self.store, self.entrants(engines), workload, hear)


@pytest.fixture
def bench(edgewise_home, starter_model):
    paths = Paths.find()
    paths.create()
    path = paths.models / starter_model.name
    with Database.open(paths.database) as database:
        yield Bench(paths, database, LocalModel(path.stem, path, path.stat().st_size))
    assert [p for p in psutil.Process().children(recursive=True) if is_alive(p)] == []


def test_every_field_is_filled(bench) -> None:
    rates = []
    test = bench.begin(hear=lambda it: rates.append(it) if isinstance(it, LiveRate) else None).wait(
        DEADLINE_S
    )
    assert test is not None
    (column,) = test.columns
    assert (column.failure, column.left_out) == ("", ())
    assert column.load_s is not None
    assert 0 < column.load_s < DEADLINE_S
    assert column.cold_ttft_s is not None
    assert column.memory is not None
    assert column.memory_peak is not None
    assert 98e6 < column.memory <= column.memory_peak < 2e9
    facts = column.facts
    assert facts.versions
    assert "--parallel" in facts.flags
    assert len(facts.model_hash) == 64
    assert (facts.parallel, facts.threads) == (4, THREADS)
    for case in column.cases:
        assert (case.rounds, case.short_rounds, case.problem) == (3, 0, "")
        assert (case.prompt_tokens, case.completion_tokens) == (32, 32)
        spreads = (case.ttft, case.itl, case.tpot, case.duration, case.output_rate, case.total_rate)
        for spread in (*spreads, case.server_rate):
            assert spread is not None
            assert 0 < spread.p5 <= spread.median <= spread.p95
        assert case.ttft is not None
        assert case.ttft.n == 3 * case.case.batch
        assert case.watched.cpu_seconds is not None
        assert case.watched.cpu_seconds > 0.1
        assert case.tokens_per_piece == pytest.approx(1.0, abs=0.1)
    assert [case.case.batch for case in column.cases] == [1, 4]
    assert rates
    assert bench.store.get(test.id) == test
    (entry,) = bench.ledger.entries()
    assert entry.measured_speed == pytest.approx(column.cases[0].server_rate.median, rel=0.2)


def test_decoding_alone_is_what_the_server_says_of_itself(bench, record_property) -> None:
    """Within 10 % here, where other tests share the processors; on a machine of its own within 3 %."""
    workload = replace(SMALL, shapes=(Shape("write", 32, 128),), batches=(1,))
    test = bench.begin(workload).wait(DEADLINE_S)
    (case,) = test.columns[0].cases
    # The server divides all tokens by the time since the first one, the client one less by the same.
    ratio = case.decode_rate / (case.server_rate.median * 127 / 128)
    print(f"client over server: {ratio:.4f} at {case.decode_rate:.1f} tok/s")
    record_property("client_over_server", ratio)
    assert ratio == pytest.approx(1.0, abs=0.1)


def test_engines_run_one_after_another(bench) -> None:
    most = 0

    def hear(progress):
        nonlocal most
        if isinstance(progress, ColumnStage) and progress.stage in (
            Stage.COLD,
            Stage.COOLING,
            Stage.MEASURING,
        ):
            servers = [p for p in psutil.Process().children(recursive=True) if "llama-server" in p.name()]
            most = max(most, len(servers))

    workload = replace(SMALL, batches=(1,), repetitions=2, warmups=0)
    test = bench.begin(workload, engines=2, hear=hear).wait(DEADLINE_S)
    assert most == 1
    assert [len(column.cases) for column in test.columns] == [1, 1]
    assert sorted(test.order) == [0, 1]


def test_a_cancel_ends_everything_within_a_second(bench) -> None:
    workload = replace(SMALL, batches=(1, 4), warmups=0, shapes=(Shape("chat", 64, 1000),))
    family: list[psutil.Process] = []
    moments: dict[str, float] = {}

    def hear(progress):
        if isinstance(progress, LiveRate) and not family:
            family.extend(psutil.Process().children(recursive=True))
            moments["cancelled"] = time.monotonic()
            running.cancel()

    running = bench.begin(workload, hear=hear)
    test = running.wait(DEADLINE_S)
    took = time.monotonic() - moments["cancelled"]
    print(f"all gone after {took:.3f} s")
    assert test.state is TestState.CANCELLED
    assert len(family) >= 3, "a guard, an engine and a load worker"
    assert [p for p in family if is_alive(p)] == []
    assert took < 1.0
    assert bench.store.get(test.id) == test


# --- the command line ----------------------------------------------------------------------------------

QUICK = ("--engines", "llama.cpp", "--batch", "1", "--repetitions", "2", "--warmups", "0", "--seed", "1")


@pytest.fixture
def home(edgewise_home):
    save_settings(Paths.find().settings, Settings(threads=THREADS))
    return edgewise_home


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app", "bench", *arguments]


def test_a_test_in_the_terminal(home) -> None:
    done = subprocess.run(
        command(*QUICK, "--json"), capture_output=True, encoding="utf-8", timeout=DEADLINE_S, check=False,
        env={**os.environ, "PYTHONUTF8": "1"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["state"] == "done"
    assert told["workload"]["seed"] == 1
    (column,) = told["columns"]
    assert column["engine"] == "llama.cpp"
    assert column["threads"] == THREADS
    (case,) = column["cases"]
    assert (case["rounds"], case["short_rounds"]) == (2, 0)
    lines = done.stderr.splitlines()
    assert lines[0] == "llama.cpp (1 of 1): loading the model"
    assert lines[1].startswith("llama.cpp: chat, alone: ")
    assert len(lines) == 2
    shown = subprocess.run(
        command("--show", str(told["id"])),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=True,
    )
    assert "chat, alone" in shown.stdout
    assert "SmolLM2" in shown.stdout


@posix_only
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_whatever_ends_the_command_leaves_no_process_and_what_was_measured(home, number, status) -> None:
    process = subprocess.Popen(
        command("--engines", "llama.cpp", "--batch", "1,8", "--repetitions", "1", "--warmups", "0"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("llama.cpp: chat, alone: "):
                break
        family = psutil.Process(process.pid).children(recursive=True)
        assert any("llama-server" in each.name() for each in family)
        process.send_signal(number)
        out, rest = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == status
    assert out == ""
    assert [each for each in family if is_alive(each)] == []
    with Database.open(Paths.find().database) as database:
        test = SpeedTests(database).get(1)
    assert test is not None
    assert test.state is TestState.CANCELLED
    assert [it.case for it in test.columns[0].cases] == [Case(Shape("chat", 128, 128), 1)]
    if number == signal.SIGINT:
        assert rest.endswith("Stopped. The one case that was measured is kept: edgewise bench --show 1\n")
