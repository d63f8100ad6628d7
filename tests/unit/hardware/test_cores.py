"""Performance and efficiency cores, from files and answers as those systems have them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.hardware.cores import CoreKinds, cores_of, from_linux, from_sysctl, from_windows


def linux(
    root: Path,
    siblings: list[str],
    devices: dict[str, str] | None = None,
    strengths: tuple[str, Sequence[int | str]] | None = None,
) -> Path:
    """/sys of a computer: each processor's siblings, Intel's devices, and a file with each one's strength."""
    files = {"system/cpu/online": f"0-{len(siblings) - 1}"}
    for processor, text in enumerate(siblings):
        files[f"system/cpu/cpu{processor}/topology/thread_siblings_list"] = text
        if strengths:
            files[f"system/cpu/cpu{processor}/{strengths[0]}"] = str(strengths[1][processor])
    for name, text in (devices or {}).items():
        files[f"{name}/cpus"] = text
    for path, text in files.items():
        file = root / "sys/devices" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="ascii")
    return root


PAIRS = ["0-1", "0-1", "2-3", "2-3", "4-5", "4-5", "6-7", "6-7"]


def test_two_threads_of_one_core_count_once(tmp_path: Path) -> None:
    root = linux(tmp_path, ["0,2", "1,3", "0,2", "1,3"])
    assert cores_of({0, 1, 2, 3}, root) == 2
    assert cores_of({0, 2}, root) == 1


def test_a_system_that_does_not_tell_is_not_guessed(tmp_path: Path) -> None:
    assert cores_of({0, 1}, tmp_path) == 0
    assert from_linux(tmp_path) is None


def test_intels_hybrid(tmp_path: Path) -> None:
    # Core i7-1360P: 4 cores with two threads each, 8 with one.
    root = linux(tmp_path, [*PAIRS, *map(str, range(8, 16))], {"cpu_core": "0-7", "cpu_atom": "8-15"})
    assert from_linux(root) == CoreKinds(4, 8)


def test_arrow_lakes_low_power_cores_are_for_efficiency(tmp_path: Path) -> None:
    devices = {"cpu_core": "0-5", "cpu_atom": "6-13", "cpu_lowpower": "14-15"}
    assert from_linux(linux(tmp_path, [str(n) for n in range(16)], devices)) == CoreKinds(6, 10)


def test_a_hybrid_whose_efficiency_cores_were_turned_off(tmp_path: Path) -> None:
    assert from_linux(linux(tmp_path, PAIRS, {"cpu_core": "0-7"})) is None


def test_arms_clusters_tell_their_capacity(tmp_path: Path) -> None:
    # RK3588: four Cortex-A55, four A76.
    strengths: list[int | str] = [530, 530, 530, 530, 1024, 1024, 1024, 1024]
    root = linux(tmp_path, [str(n) for n in range(8)], strengths=("cpu_capacity", strengths))
    assert from_linux(root) == CoreKinds(4, 4)


def test_a_raspberry_pi_has_one_kind(tmp_path: Path) -> None:
    assert from_linux(linux(tmp_path, list("0123"), strengths=("cpu_capacity", [1024] * 4))) is None


def test_amds_compact_cores_tell_their_clock(tmp_path: Path) -> None:
    # Ryzen AI 9 365: four Zen 5 at 5 GHz, six Zen 5c at 3.3 GHz, two threads each.
    siblings = [f"{n // 2 * 2}-{n // 2 * 2 + 1}" for n in range(20)]
    clocks: list[int | str] = [5000000 if n < 8 else 3300000 for n in range(20)]
    root = linux(tmp_path, siblings, strengths=("cpufreq/cpuinfo_max_freq", clocks))
    assert from_linux(root) == CoreKinds(4, 6)


def test_preferred_cores_are_not_another_kind(tmp_path: Path) -> None:
    # Core i9-10900K with Turbo Boost Max 3.0.
    clocks: list[int | str] = [5300000, 5300000, 5100000, 5100000]
    root = linux(tmp_path, list("0123"), strengths=("cpufreq/cpuinfo_max_freq", clocks))
    assert from_linux(root) is None


@pytest.mark.parametrize("strengths", [["lots", 1, 2, 3], [0, 0, 0, 0], ["9" * 5000, 1, 1, 1]])
def test_rubbish_is_no_kind(tmp_path: Path, strengths: list[int | str]) -> None:
    assert from_linux(linux(tmp_path, list("0123"), strengths=("cpu_capacity", strengths))) is None


M3_MAX = {
    "hw.nperflevels": "2",
    "hw.perflevel0.physicalcpu": "12",
    "hw.perflevel0.name": "Performance",
    "hw.perflevel1.physicalcpu": "4",
    "hw.perflevel1.name": "Efficiency",
}
M5_MAX = {
    **M3_MAX,
    "hw.perflevel0.physicalcpu": "6",
    "hw.perflevel0.name": "Super",
    "hw.perflevel1.physicalcpu": "12",
    "hw.perflevel1.name": "Performance",
}


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        (M3_MAX, CoreKinds(12, 4)),
        ({name: value for name, value in M3_MAX.items() if "name" not in name}, CoreKinds(12, 4)),
        (M5_MAX, None),
        ({"hw.nperflevels": "1", "hw.perflevel0.physicalcpu": "8"}, None),
        ({**M3_MAX, "hw.perflevel1.physicalcpu": "-4"}, None),
        ({**M3_MAX, "hw.nperflevels": "4000000000"}, None),
        ({}, None),
    ],
)
def test_macos(settings: dict[str, str], kinds: CoreKinds | None) -> None:
    assert from_sysctl(settings) == kinds


def record(efficiency_class: int, relationship: int = 0) -> bytes:
    """One core of GetLogicalProcessorInformationEx on 64 bits: 48 bytes with one group."""
    return struct.pack("<IIBB20xHQH6x", relationship, 48, 1, efficiency_class, 1, 0b11, 0)


def test_windows() -> None:
    assert len(record(0)) == 48
    assert from_windows(record(1) * 6 + record(0) * 8) == CoreKinds(6, 8)
    assert from_windows(record(2) * 6 + record(1) * 8 + record(0) * 2) == CoreKinds(6, 10)
    assert from_windows(record(0) * 8) is None
    assert from_windows(record(1) + record(0) + record(0, relationship=3)) == CoreKinds(1, 1)


@pytest.mark.parametrize("answer", [b"", b"\0" * 100, record(1) + record(0)[:9], b"\xff" * 30])
def test_windows_answering_rubbish(answer: bytes) -> None:
    assert from_windows(answer) is None
