"""Other load, steal, swapping and the power supply, from files as Linux has them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.domain.speed_test import Disturbance, Observation
from app.hardware import activity
from app.hardware.activity import ActivitySpan, ProcessorTimes, from_proc_stat, processor_times, swapped

linux = pytest.mark.skipif(sys.platform != "linux", reason="these files are Linux's")
SECOND = os.sysconf("SC_CLK_TCK") if sys.platform == "linux" else 100
PAGE = os.sysconf("SC_PAGE_SIZE") if sys.platform == "linux" else 4096
STAT = """cpu  99 99 99 99 99 99 99 99 9 9
cpu0 100 20 30 5000 9 7 7 40 50 0
cpu1 1 2 3 4 5 6 7 8 0 0
cpu12 300 0 0 0 0 0 0 60 0 0
intr 5 6 7
ctxt 12345
"""


class OwnProcess:
    """Stands for a psutil.Process of ours, which is equal to itself alone."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def is_running(self) -> bool:
        return True

    def cpu_times(self) -> SimpleNamespace:
        return SimpleNamespace(user=self.seconds, system=0.0, children_user=500.0, children_system=0.0)


class Machine:
    """Files of a Linux machine whose time passes when told."""

    def __init__(self, root: Path, processors: int = 4) -> None:
        self.root = root
        self.now = 1000.0
        self.processors = processors
        self.busy = self.stolen = 0.0
        self.pages = 0
        self.own: tuple[int, ...] = ()
        self.online = "1"
        self.tree = SimpleNamespace(cpu_seconds=50.0, pids={1}, swapped=lambda _: self.engine_swapped)
        self.engine_swapped: int | None = 0
        (root / "proc").mkdir()
        for name, kind in (("AC", "Mains"), ("BAT0", "Battery")):
            (root / "sys/class/power_supply" / name).mkdir(parents=True)
            (root / "sys/class/power_supply" / name / "type").write_text(kind, encoding="ascii")
        self.write()

    def write(self) -> None:
        rows = [f"cpu0 {self.busy * SECOND:.0f} 0 0 0 0 0 0 {self.stolen * SECOND:.0f} 0 0"]
        rows += [f"cpu{number} 0 0 0 0 0 0 0 0 0 0" for number in range(1, self.processors)]
        (self.root / "proc/stat").write_text("\n".join(rows), encoding="ascii")
        (self.root / "proc/vmstat").write_text(f"pswpin {self.pages}\npswpout 3\n", encoding="ascii")
        (self.root / "sys/class/power_supply/AC/online").write_text(self.online, encoding="ascii")
        status = "Charging" if self.online == "1" else "Discharging"
        (self.root / "sys/class/power_supply/BAT0/status").write_text(status, encoding="ascii")

    def watched(self, *, with_tree: bool = True) -> ActivitySpan:
        tree = cast(Any, self.tree) if with_tree else None
        return ActivitySpan(tree, lambda: self.own, self.root, lambda: self.now)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    return Machine(tmp_path)


@linux
@pytest.mark.parametrize(
    ("usable", "busy", "stolen", "count"),
    [
        ({0}, 150, 40, 1),
        ({0, 1}, 156, 48, 2),
        ({1, 12}, 306, 68, 2),
        ({99}, 456, 108, 3),
        (set(), 456, 108, 3),
    ],
)
def test_proc_stat(tmp_path: Path, usable: set[int], busy: int, stolen: int, count: int) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text(STAT, encoding="ascii")
    assert from_proc_stat(tmp_path, usable) == ProcessorTimes(busy / SECOND, stolen / SECOND, count)


@linux
@pytest.mark.parametrize("text", ["", "cpu0\n", "cpu0 1 2\n", "cpu0 1 -2 3 4\n", "cpux 1 2 3 4\n", "\0\n \n"])
def test_a_proc_stat_that_tells_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text(text, encoding="ascii")
    assert from_proc_stat(tmp_path, {0}) is None


def test_this_machine() -> None:
    before = processor_times()
    assert before is not None
    assert before.busy > 0
    assert 1 <= before.count <= (os.cpu_count() or 1)
    assert sys.platform == "win32" or swapped() is not None


@linux
def test_a_machine_that_is_left_alone(machine: Machine) -> None:
    span = machine.watched()
    machine.now += 10
    machine.busy += 30 + 2  # the engine's, and less than a tenth of the processors
    machine.tree.cpu_seconds += 30
    machine.stolen += 1.0
    machine.pages = 4000
    machine.engine_swapped = 1 << 20
    machine.write()
    assert span.end() == ()


@linux
def test_other_programs(machine: Machine) -> None:
    span = machine.watched()
    machine.now += 10
    machine.busy += 30 + 8
    machine.tree.cpu_seconds += 30
    machine.write()
    assert span.end() == (Observation(Disturbance.OTHER_LOAD, "other programs used 0.8 of 4 cores"),)


@linux
def test_our_own_processes_are_no_others(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {7: OwnProcess(100.0), 8: OwnProcess(900.0)}
    monkeypatch.setattr(activity, "process_of", ours.get)
    machine.own = (7,)
    span = machine.watched()
    machine.own = (7, 8)  # the load generator was started; what it used before is not of this span
    span.sample()
    machine.now += 10
    ours[7].seconds += 10
    ours[8].seconds += 10
    machine.busy += 25
    machine.write()
    assert span.end() == (Observation(Disturbance.OTHER_LOAD, "other programs used 0.5 of 4 cores"),)


@linux
@pytest.mark.parametrize(("others", "seen"), [(0.2, False), (0.3, True)])
def test_a_small_machine_is_used_a_little_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: float, seen: bool
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    machine = Machine(tmp_path, processors=1)
    span = machine.watched()
    machine.now += 10
    machine.busy += 10 * others
    machine.write()
    expected = (Observation(Disturbance.OTHER_LOAD, "other programs used 0.3 of 1 core"),)
    assert span.end() == (expected if seen else ())


@linux
def test_without_a_tree_nobody_knows_whose_load_it_is(machine: Machine) -> None:
    span = machine.watched(with_tree=False)
    machine.now += 10
    machine.busy += 38
    machine.write()
    assert span.end() == ()


@linux
def test_of_an_engine_that_ended_the_load_is_not_known(machine: Machine) -> None:
    span = machine.watched()
    machine.now += 10
    machine.busy += 38
    machine.tree.pids = set()
    machine.write()
    assert span.end() == ()


@linux
def test_a_moment_is_too_short_for_a_share(machine: Machine) -> None:
    span = machine.watched()
    machine.now += 0.1
    machine.busy += 0.4
    machine.write()
    assert span.end() == ()


@linux
@pytest.mark.parametrize(("stolen", "seen"), [(1.0, False), (5.0, True)])
def test_a_host_that_keeps_time(machine: Machine, stolen: float, seen: bool) -> None:
    span = machine.watched(with_tree=False)
    machine.now += 10
    machine.busy += 20
    machine.stolen += stolen
    machine.write()
    expected = (Observation(Disturbance.STOLEN, "the host gave 20 % of the processor time to others"),)
    assert span.end() == (expected if seen else ())


@linux
def test_swapping(machine: Machine) -> None:
    span = machine.watched()
    machine.now += 10
    machine.pages = (100 << 20) // PAGE
    machine.engine_swapped = 50_000_000
    machine.write()
    (seen,) = span.end()
    assert seen.kind is Disturbance.SWAPPING
    assert seen.detail == "105 MB were moved to or from swap, 50 MB of the engine’s memory were moved to swap"


@linux
def test_a_system_that_hides_its_swapping(machine: Machine) -> None:
    span = machine.watched()
    machine.now += 10
    (machine.root / "proc/vmstat").write_text("nr_free_pages 5\npswpin many\n", encoding="ascii")
    machine.engine_swapped = None
    assert span.end() == ()


@linux
@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        ("1", "1", None),
        ("0", "0", Observation(Disturbance.BATTERY, "the computer ran on its battery")),
        ("1", "0", Observation(Disturbance.POWER_CHANGED, "the computer went from mains to battery")),
        ("0", "1", Observation(Disturbance.POWER_CHANGED, "the computer went from battery to mains")),
    ],
)
def test_power(machine: Machine, before: str, after: str, seen: Observation | None) -> None:
    machine.online = before
    machine.write()
    span = machine.watched()
    machine.online = after
    machine.write()
    assert span.end() == ((seen,) if seen is not None else ())


def test_own_processes_that_are_gone_are_passed_over() -> None:
    own = [os.getpid(), (1 << 31) - 1]
    span = ActivitySpan(None, lambda: own)
    own.pop(0)
    span.sample()
    own.append(-1)
    span.end()
    assert span._our_times.seconds < 5
