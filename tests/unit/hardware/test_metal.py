"""Apple's GPU, as sysctl tells of it."""

from __future__ import annotations

import platform
import sys

import pytest

from app.domain.machine import Gpu
from app.hardware import metal, sysctl

GIB, MIB = 1 << 30, 1 << 20
M3_MAX = {
    "machdep.cpu.brand_string": "Apple M3 Max",
    "iogpu.wired_limit_mb": "0",
    "hw.memsize": str(64 * GIB),
}


@pytest.mark.parametrize(
    ("gib", "mib"),
    # recommendedMaxWorkingSetSize in logs of llama.cpp, MiB.
    [(16, 10922), (24, 16384), (32, 21845), (64, 49152), (96, 73728)],
)
def test_the_usual_working_set(gib: int, mib: int) -> None:
    assert metal.usual_working_set(gib * GIB) // MIB == mib


def test_a_limit_that_was_not_set_is_estimated() -> None:
    assert metal.from_sysctl(M3_MAX) == Gpu(
        "Apple M3 Max", 48 * GIB, None, unified_memory=True, memory_is_estimate=True
    )


def test_a_limit_that_was_set_counts() -> None:
    gpu = metal.from_sysctl({**M3_MAX, "iogpu.wired_limit_mb": "57344"})
    assert (gpu.memory_total, gpu.memory_is_estimate) == (56 * GIB, False)


@pytest.mark.parametrize("limit", ["-1", "99999999", "9" * 5000, "much"])
def test_a_limit_that_cannot_be_true_was_not_set(limit: str) -> None:
    assert metal.from_sysctl({**M3_MAX, "iogpu.wired_limit_mb": limit}).memory_total == 48 * GIB


def test_a_mac_that_tells_nothing() -> None:
    assert metal.from_sysctl({}) == Gpu("Apple GPU", None, None, unified_memory=True)


@pytest.mark.parametrize(
    ("system", "machine", "gpus"), [("darwin", "arm64", 1), ("darwin", "x86_64", 0), ("linux", "arm64", 0)]
)
def test_only_apples_own_chip_has_it(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, gpus: int
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(sysctl, "read_settings", lambda _: M3_MAX)
    assert len(metal.probe_metal()) == gpus
