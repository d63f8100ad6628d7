"""The bandwidth of main memory: bounded in time and memory, and counted as it says."""

from __future__ import annotations

import mmap
import os
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from app.hardware import bandwidth
from app.hardware.bandwidth import Round, last_level_cache, measure_bandwidth

GIB = 1 << 30


def test_this_computer_in_about_a_second() -> None:
    started = time.perf_counter()
    measured = measure_bandwidth("AMD EPYC", 2, 16 * GIB)
    assert time.perf_counter() - started < 2  # twice what it allows itself: other tests may run beside
    assert measured is not None
    assert 1e8 < measured.copy < 1e13
    assert measured.read is None or measured.read >= measured.copy / 2
    assert (measured.threads, measured.cpu_model) == (2, "AMD EPYC")
    assert date.fromisoformat(measured.measured_on)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ROUND_S", 0.001), ("ROUNDS", 1), ("BLOCK", 1 << 16), ("LEAST_BUFFERS", 1 << 20)):
        monkeypatch.setattr(bandwidth, name, value)
    monkeypatch.setattr(bandwidth, "last_level_cache", lambda: 0)


@pytest.mark.usefixtures("quick")
def test_a_copy_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = iter([Round(3e9), Round(5e9)])
    monkeypatch.setattr(bandwidth, "_best", lambda *_: next(rates))
    measured = measure_bandwidth("", 1, GIB)
    assert measured is not None
    assert (measured.copy, measured.read) == (6_000_000_000, 5_000_000_000)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("slow", [True, False])
def test_a_read_that_the_processor_held_up_is_unknown(monkeypatch: pytest.MonkeyPatch, slow: bool) -> None:
    rates = iter([Round(10e9), Round(9e9)])
    monkeypatch.setattr(bandwidth, "_best", lambda *_: next(rates))
    if not slow:
        monkeypatch.setattr(bandwidth, "_memchr", lambda: None)
    measured = measure_bandwidth("", 1, GIB)
    assert measured is not None
    assert measured.read is None


def test_threads_that_took_turns_were_not_at_work_together() -> None:
    class Turn:
        def __init__(self, begin: float) -> None:
            self.begin = begin

        def repeat(self, work: Any, start: threading.Barrier, done: list[Any]) -> None:
            start.wait()
            done.append((100, self.begin, self.begin + 1, 1.0))

    turns = cast(Any, [Turn(0), Turn(1)])
    assert bandwidth._best(turns, lambda *_: None, time.perf_counter()) == Round(100, 0.5)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("share", "disturbed"), [(0.97, False), (0.6, True)])
def test_a_round_that_others_took_time_from_is_disturbed(
    monkeypatch: pytest.MonkeyPatch, share: float, disturbed: bool
) -> None:
    rates = iter([Round(3e9, 0.99), Round(5e9, share)])
    monkeypatch.setattr(bandwidth, "_best", lambda *_: next(rates))
    measured = measure_bandwidth("", 1, GIB)
    assert measured is not None
    assert measured.disturbed is disturbed


@pytest.mark.usefixtures("quick")
def test_more_threads_than_processors_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandwidth, "ROUND_S", 0.1)
    measured = measure_bandwidth("", 4 * (os.cpu_count() or 1), 64 << 20)
    assert measured is not None
    assert measured.disturbed


@pytest.mark.usefixtures("quick")
def test_many_threads_share_what_there_is() -> None:
    measured = measure_bandwidth("", 1000, 64 << 20)
    assert measured is not None
    assert measured.threads == 64


def test_too_little_memory_is_not_measured() -> None:
    assert measure_bandwidth("", 4, 0) is None
    assert measure_bandwidth("", 4, 100 << 20) is None


def test_memory_that_is_refused_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refuse)
    assert measure_bandwidth("", 1, 16 * GIB) is None


def test_a_machine_too_slow_to_fill_its_buffers_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandwidth, "FILL_S", -1.0)
    assert measure_bandwidth("", 1, 16 * GIB) is None


def test_the_last_caches_count_once_each(tmp_path: Path) -> None:
    # Two groups of two processors, each with 32 MB of its own, as on AMD's.
    processors = tmp_path / "sys/devices/system/cpu"
    files = {"online": "0-3"}
    for n in range(4):
        shared = "0-1" if n < 2 else "2-3"
        files |= {f"cpu{n}/cache/index0/{k}": v for k, v in (("level", "1"), ("size", "32K"))}
        files |= {
            f"cpu{n}/cache/index3/{k}": v
            for k, v in (("level", "3"), ("size", "32768K"), ("shared_cpu_list", shared))
        }
    for name, text in files.items():
        (processors / name).parent.mkdir(parents=True, exist_ok=True)
        (processors / name).write_text(text + "\n", encoding="ascii")
    assert last_level_cache(tmp_path) == 64 << 20
    (processors / "cpu0/cache/index3/size").write_text("9" * 5000, encoding="ascii")
    assert last_level_cache(tmp_path) == 64 << 20
    assert last_level_cache(tmp_path / "none") == 0
