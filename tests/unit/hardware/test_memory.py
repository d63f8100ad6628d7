"""Memory, cut to what a container leaves of it."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest

from app.domain.machine import Memory
from app.hardware import cgroup
from app.hardware.cgroup import MemoryLimit
from app.hardware.memory import available_memory, probe_memory, within_limit


def test_without_a_limit() -> None:
    assert within_limit(100, 60, None) == Memory(100, 60)


def test_a_limit_is_the_total_and_what_is_left_of_it_is_available() -> None:
    assert within_limit(100, 60, MemoryLimit(50, 20)) == Memory(50, 20, 50)


def test_other_processes_may_leave_less_than_the_limit_does() -> None:
    assert within_limit(100, 10, MemoryLimit(50, 20)) == Memory(50, 10, 50)


def test_a_limit_above_the_computers_memory_is_none() -> None:
    assert within_limit(100, 60, MemoryLimit(200, 150)) == Memory(100, 60)


def test_this_computer() -> None:
    memory = probe_memory()
    assert 0 < memory.available <= memory.total
    assert available_memory() > 0
    assert memory.swap_total is None or memory.swap_free is not None


def swap(monkeypatch: pytest.MonkeyPatch, total: int, free: int, left: int | None = None) -> Memory:
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(total=total, free=free))
    monkeypatch.setattr(cgroup, "swap_left", lambda _: left)
    return probe_memory()


def test_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = swap(monkeypatch, 100, 60)
    assert (memory.swap_total, memory.swap_free) == (100, 60)


def test_swap_that_a_container_does_not_get(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = swap(monkeypatch, 100, 60, left=0)
    assert (memory.swap_total, memory.swap_free) == (100, 0)


def test_swap_that_cannot_be_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert swap(monkeypatch, 100, 101).swap_total is None

    def fail() -> None:
        raise OSError

    monkeypatch.setattr(psutil, "swap_memory", fail)
    assert probe_memory().swap_free is None
