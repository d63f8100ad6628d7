"""Memory, cut to what a container leaves of it."""

from __future__ import annotations

from app.domain.machine import Memory
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
