"""Memory and processor time of real processes, and of made ones whose children end in every order."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from app.hardware import reading
from app.hardware.process_tree import ProcessTimes, Tree, process_of

BUSY_S = 0.4
SPIN = f"import time\nwhile time.process_time() < {BUSY_S}: pass"
WITH_CHILDREN = f"""
import subprocess, sys
for _ in range(2):
    subprocess.run([sys.executable, "-c", {SPIN!r}])
    print("done", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start():
    """Starts Python with a program; its output is read, its input stays open."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(program: str) -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a child that ended had used")
def test_children_that_nobody_saw_count(start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    parent = start("input()\n" + WITH_CHILDREN)
    tree = Tree(parent.pid)
    tree.look()
    assert parent.stdin is not None
    parent.stdin.write(b"\n")
    parent.stdin.flush()
    assert line(parent) == line(parent) == b"done"
    tree.look(whole=True)
    # The starts of two Pythons lie within as well.
    assert 2 * BUSY_S - 0.05 <= tree.cpu_seconds < 2 * BUSY_S + 1


def test_what_was_used_before_the_first_look_does_not_count(
    start: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    busy = start(SPIN + "\nprint('done', flush=True)\ninput()")
    assert line(busy) == b"done"
    tree = Tree(busy.pid)
    tree.look()
    tree.look()
    assert tree.cpu_seconds < BUSY_S / 2
    assert tree.pids == {busy.pid}


def test_memory_of_a_descendant_that_came_later(start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    held = "import sys; kept = bytearray(b'x') * (64 << 20); print('held', flush=True); sys.stdin.read()"
    parent = start(f"import subprocess, sys; input()\nsubprocess.run([sys.executable, '-c', {held!r}])")
    tree = Tree(parent.pid)
    tree.look()
    assert tree.resident is not None
    assert tree.resident < 64 << 20
    assert parent.stdin is not None
    parent.stdin.write(b"\n")
    parent.stdin.flush()
    assert line(parent) == b"held"
    tree.look(whole=True)
    assert len(tree.pids) == 2
    assert tree.resident > 64 << 20


def test_a_process_that_ends(start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    process = start("input()")
    tree = Tree(process.pid)
    tree.look()
    assert tree.resident is not None
    process.kill()
    process.wait()
    for whole in (False, True):
        tree.look(whole=whole)
        assert not tree.resident
        assert not tree.pids


@pytest.mark.parametrize("pid", [-1, (1 << 31) - 1])
def test_a_process_that_never_was(pid: int) -> None:
    assert process_of(pid) is None
    tree = Tree(pid)
    tree.look(whole=True)
    assert (tree.resident, tree.pids, tree.cpu_seconds) == (None, frozenset(), 0.0)


def test_walks_are_rare_where_they_are_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Tree(psutil.Process().pid)
    walks = []

    def children(*_: object, **__: object) -> list[psutil.Process]:
        walks.append(1)
        return []

    monkeypatch.setattr(psutil.Process, "children", children)
    spent = iter([0.0, 0.01])  # processor seconds
    monkeypatch.setattr(time, "thread_time", lambda: next(spent))
    began = time.monotonic()
    tree.look()
    assert 1.9 < tree._next_walk - began < 3
    tree.look()
    assert len(walks) == 1


def test_swap_of_its_processes(tmp_path: Path) -> None:
    tree = Tree(psutil.Process().pid)
    tree.look()
    assert tree.swapped(tmp_path) is None
    (pid,) = tree.pids & {psutil.Process().pid}
    status = tmp_path / f"proc/{pid}/status"
    status.parent.mkdir(parents=True)
    status.write_text("Name:\tpython\nVmRSS:\t    9 kB\nVmSwap:\t  2048 kB\n", encoding="ascii")
    assert tree.swapped(tmp_path) == 2 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_swap_is_told_here() -> None:
    tree = Tree(psutil.Process().pid)
    tree.look()
    assert tree.swapped(reading.ROOT) is not None


class Process:
    """Stands for a psutil.Process: times of its own and of children that it waited for."""

    def __init__(self, own: float = 0.0, ended: float = 0.0) -> None:
        self.own, self.ended, self.is_gone = own, ended, False

    def cpu_times(self) -> SimpleNamespace:
        if self.is_gone:
            raise psutil.NoSuchProcess(1)
        return SimpleNamespace(user=self.own, system=0.0, children_user=self.ended, children_system=0.0)


def look(times: ProcessTimes, *processes: Process) -> None:
    times.look(cast(Any, processes))


def test_a_family() -> None:
    times = ProcessTimes(are_family=True)
    parent, child = Process(own=5, ended=100), Process(own=7)
    look(times, parent, child)
    assert times.seconds == 0
    parent.own, child.own = 6, 9
    look(times, parent, child)
    assert times.seconds == 3
    born = Process(own=0.5)
    look(times, parent, child, born)
    assert times.seconds == 3.5
    # The child worked for another second, ended, and its parent has waited for it.
    child.is_gone, parent.ended = True, 110
    look(times, parent, child, born)
    assert times.seconds == 4.5


def test_a_parent_that_waits_later() -> None:
    times = ProcessTimes(are_family=True)
    parent, child = Process(), Process(own=2)
    look(times, parent, child)
    child.is_gone = True
    look(times, parent, child)
    assert times.seconds == 0
    parent.ended = 3
    look(times, parent)
    assert times.seconds == 1


def test_those_that_are_no_family() -> None:
    times = ProcessTimes(are_family=False)
    one, other = Process(own=5), Process(own=50)
    look(times, one)
    one.own, one.ended = 6, 30  # an engine that ended, perhaps: it is counted elsewhere
    look(times, one, other)
    assert times.seconds == 1
    other.own = 52
    look(times, one, other)
    assert times.seconds == 3
