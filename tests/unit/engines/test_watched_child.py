"""Programs that are run to their end: what they say, when they end, and that nothing of them stays."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from app.domain.errors import Cancelled
from app.domain.generation import Cancellation
from app.engines.watched_child import run_watched
from tests.processes import is_alive


@pytest.fixture
def log(tmp_path: Path):
    with (tmp_path / "said.log").open("w+b") as file:
        yield file


def run(log, code: str, cancellation: Cancellation | None = None, **options):
    command = [sys.executable, "-c", code]
    return run_watched(command, dict(os.environ), log, cancellation or Cancellation(), **options)


def test_its_lines_come_as_they_are_said(log, tmp_path: Path) -> None:
    lines: list[str] = []
    status, output = run(
        log,
        "import os, sys; print(os.getcwd()); print('größer 家', file=sys.stderr); sys.exit(3)",
        on_line=lines.append,
        clean=lambda line: line.replace("家", "house"),
    )
    assert status == 3
    assert sorted(lines) == sorted([str(tmp_path), "größer house"])
    assert output.splitlines() == lines
    log.seek(0)
    assert log.read().decode().splitlines() == lines


def test_ticks_come_while_it_is_silent(log) -> None:
    ticks: list[float] = []
    run(log, "import time; time.sleep(1.3)", on_tick=lambda: ticks.append(time.monotonic()))
    assert 2 <= len(ticks) <= 4


def test_it_may_take_no_longer_than_it_may(log) -> None:
    began = time.monotonic()
    status, _ = run(log, "import time; time.sleep(600)", timeout_s=0.3)
    assert status is None
    assert time.monotonic() - began < 5


STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
stays = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True)"
child = subprocess.Popen([sys.executable, "-c", stays + "; time.sleep(600)"], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no polite signal to ignore")
def test_who_ignores_the_polite_signal_is_gone_within_a_second_or_so(log) -> None:
    cancellation = Cancellation()
    pids: list[psutil.Process] = []
    moments: list[float] = []

    def heard(line: str) -> None:
        pids.append(psutil.Process(int(line)))
        moments.append(time.monotonic())
        threading.Thread(target=cancellation.cancel).start()

    with pytest.raises(Cancelled):
        run(log, STUBBORN, cancellation, on_line=heard)
    assert time.monotonic() - moments[0] < 2.0
    assert not is_alive(pids[0])


def test_cancelled_before_it_ends_at_once(log) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        run(log, "import time; time.sleep(600)", cancellation)


def test_a_program_that_is_not_there_says_so(log) -> None:
    status, output = run_watched(["/no/such/program"], dict(os.environ), log, Cancellation())
    assert status == 127
    assert "/no/such/program" in output
