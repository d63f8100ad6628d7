"""Cores this process may use, and names of processors of several kinds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.hardware import cpu

AMD = (
    "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 1\nmodel name\t: AMD EPYC 9R14\n\nprocessor\t: 1\n"
)
INTEL = "processor\t: 0\nmodel name\t: 13th Gen Intel(R)   Core(TM) i7-13700H\n"
RASPBERRY = (
    "processor\t: 0\nBogoMIPS\t: 108.00\nCPU part\t: 0xd0b\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"
)
GRAVITON = "processor\t: 0\nBogoMIPS\t: 2100.00\nCPU implementer\t: 0x41\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (AMD, "AMD EPYC 9R14"),
        (INTEL, "13th Gen Intel(R) Core(TM) i7-13700H"),
        (RASPBERRY, "Raspberry Pi 5 Model B Rev 1.0"),
        (GRAVITON, None),
        ("", None),
    ],
)
def test_names(text: str, name: str | None) -> None:
    assert cpu.name_from_cpuinfo(text) == name


def siblings(root: Path, groups: dict[int, str]) -> Path:
    for processor, group in groups.items():
        folder = root / f"sys/devices/system/cpu/cpu{processor}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{group}\n", encoding="ascii")
    return root


def test_two_threads_of_one_core_count_once(tmp_path: Path) -> None:
    root = siblings(tmp_path, {0: "0,4", 4: "0,4", 1: "1,5", 5: "1,5"})
    assert cpu.cores_of({0, 1, 4, 5}, root) == 2
    assert cpu.cores_of({0, 4}, root) == 1


def test_a_system_that_does_not_tell_is_not_guessed(tmp_path: Path) -> None:
    assert cpu.cores_of({0, 1}, tmp_path) == 0


@pytest.mark.parametrize(
    ("cores", "quota", "usable"), [(8, None, 8), (8, 1.5, 1), (8, 2.0, 2), (2, 16.0, 2), (4, 0.5, 1)]
)
def test_a_quota_cuts_the_cores(cores: int, quota: float | None, usable: int) -> None:
    assert cpu.within_quota(cores, quota) == usable


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux sets the affinity this way")
def test_this_process_affinity_counts() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cpu.usable_physical_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_this_computer() -> None:
    probed = cpu.probe_cpu()
    assert probed.model
    assert 1 <= probed.usable_cores <= probed.physical_cores <= probed.logical_cores
