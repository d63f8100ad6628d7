"""Cores this process may use, and names of processors of several kinds."""

from __future__ import annotations

import os

import pytest

from app.hardware import cpu
from app.hardware.cores import CoreKinds

AMD = (
    "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 1\nmodel name\t: AMD EPYC 9R14\n\nprocessor\t: 1\n"
)
INTEL = "processor\t: 0\nmodel name\t: 13th Gen Intel(R)   Core(TM) i7-13700H\n"
RASPBERRY_PI_5 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1

Revision\t: d04170
Serial\t\t: 0123456789abcdef
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""
GRAVITON_3 = """\
processor\t: 0
BogoMIPS\t: 2100.00
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: 0xd40
CPU revision\t: 1
"""
RK3588 = "".join(
    f"processor\t: {n}\nCPU implementer\t: 0x41\nCPU part\t: {'0xd05' if n < 4 else '0xd0b'}\n\n"
    for n in range(8)
)
PI_ZERO = (
    "model name\t: ARMv6-compatible processor rev 7 (v6l)\nCPU part\t: 0xb76\nModel\t: Raspberry Pi Zero\n"
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (AMD, "AMD EPYC 9R14"),
        (INTEL, "13th Gen Intel(R) Core(TM) i7-13700H"),
        (RASPBERRY_PI_5, "Raspberry Pi 5 Model B Rev 1.0 (Cortex-A76)"),
        (GRAVITON_3, "Neoverse V1"),
        (RK3588, "Cortex-A55 + Cortex-A76"),
        (PI_ZERO, "ARMv6-compatible processor rev 7 (v6l)"),
        ("CPU implementer: zz\nCPU part: 0xfff\n", None),
        ("model name : \x1b[31mred\x07\n", "[31mred"),
        ("model name : " + "x" * 9999, "x" * 120),
        ("", None),
    ],
)
def test_names(text: str, name: str | None) -> None:
    assert cpu.name_from_cpuinfo(text) == name


@pytest.mark.parametrize(
    ("cores", "quota", "usable"), [(8, None, 8), (8, 1.5, 1), (8, 2.0, 2), (2, 16.0, 2), (4, 0.5, 1)]
)
def test_a_quota_cuts_the_cores(cores: int, quota: float | None, usable: int) -> None:
    assert cpu.within_quota(cores, quota) == usable


@pytest.mark.parametrize(
    ("cores", "logical", "threads"), [(16, 16, 15), (4, 4, 3), (3, 3, 3), (2, 2, 2), (8, 16, 8), (1, 1, 1)]
)
def test_a_core_is_left_to_others_where_threads_would_fill_the_machine(
    monkeypatch: pytest.MonkeyPatch, cores: int, logical: int, threads: int
) -> None:
    monkeypatch.setattr(cpu, "usable_physical_cores", lambda _: cores)
    monkeypatch.setattr(cpu, "_affinity", lambda: range(logical))
    assert cpu.computing_threads() == threads


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


def test_kinds_that_do_not_add_up_are_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "physical_cores", lambda: 1)
    monkeypatch.setattr(cpu, "probe_core_kinds", lambda: CoreKinds(4, 8))
    probed = cpu.probe_cpu()
    assert (probed.performance_cores, probed.efficiency_cores) == (None, None)
