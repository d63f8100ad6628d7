"""Throttling as Linux counts it, NVIDIA's driver gives reasons for it, and macOS prints it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import pytest

from app.domain.speed_test import Disturbance, Observation
from app.hardware import reading
from app.hardware.throttling import ThrottlingSpan, speed_limit


def counts(root: Path, *of_each: tuple[int | str, int | str]) -> None:
    processors = root / "sys/devices/system/cpu"
    for number, (core, package) in enumerate(of_each):
        folder = processors / f"cpu{number}/thermal_throttle"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "core_throttle_count").write_text(f"{core}\n", encoding="ascii")
        (folder / "package_throttle_count").write_text(f"{package}\n", encoding="ascii")
    (processors / "online").write_text(f"0-{len(of_each) - 1}\n", encoding="ascii")


class Gpu:
    """Gives one reason after the other, then none."""

    def __init__(self, *reasons: int | None) -> None:
        self._reasons = list(reasons)

    def clock_reasons(self) -> int | None:
        return self._reasons.pop(0) if self._reasons else None


@pytest.fixture(autouse=True)
def not_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


def of_gpus(root: Path, samples: int, *gpus: Gpu) -> tuple[Observation, ...]:
    span = ThrottlingSpan(root, cast(Any, gpus))
    for _ in range(samples):
        span.sample()
    return span.end()


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    assert of_gpus(tmp_path, 3) == ()


def test_only_what_happened_meanwhile_counts(tmp_path: Path) -> None:
    counts(tmp_path, (7, 40), (7, 40))
    span = ThrottlingSpan(tmp_path)
    assert span.end() == ()
    counts(tmp_path, (9, 52), (7, 52))
    assert span.end() == (Observation(Disturbance.THERMAL, "the processor slowed down 12 times"),)


def test_once_is_said_as_once(tmp_path: Path) -> None:
    counts(tmp_path, (0, 0))
    span = ThrottlingSpan(tmp_path)
    counts(tmp_path, (1, 0))
    assert span.end() == (Observation(Disturbance.THERMAL, "the processor slowed down 1 time"),)


def test_counts_that_are_none_or_fall(tmp_path: Path) -> None:
    counts(tmp_path, (5, "rubbish"), ("-1", 9))
    span = ThrottlingSpan(tmp_path)
    counts(tmp_path, (3, 4), (8, 9))
    assert span.end() == ()


def test_a_processor_that_came_meanwhile_is_not_taken_to_have_slowed_down(tmp_path: Path) -> None:
    counts(tmp_path, (0, 0))
    span = ThrottlingSpan(tmp_path)
    counts(tmp_path, (0, 0), (90, 90))
    assert span.end() == ()


@pytest.mark.parametrize(
    ("reasons", "kind", "detail"),
    [
        (0x20, Disturbance.THERMAL, "the GPU was too hot for 100 % of the time"),
        (0x48, Disturbance.THERMAL, "the GPU was too hot for 100 % of the time"),
        (0x04, Disturbance.POWER_LIMIT, "the GPU was at its power limit for 100 % of the time"),
        (0x08, Disturbance.POWER_LIMIT, "the GPU was at its power limit for 100 % of the time"),
        (0x88, Disturbance.POWER_LIMIT, "the GPU was at its power limit for 100 % of the time"),
    ],
)
def test_reasons_of_a_gpu(tmp_path: Path, reasons: int, kind: Disturbance, detail: str) -> None:
    assert of_gpus(tmp_path, 4, Gpu(*[reasons] * 5)) == (Observation(kind, detail),)


@pytest.mark.parametrize("reasons", [0x00, 0x01, 0x02, 0x10, 0x100])
def test_an_idle_gpu_and_set_clocks_are_no_throttling(tmp_path: Path, reasons: int) -> None:
    assert of_gpus(tmp_path, 4, Gpu(*[reasons] * 5)) == ()


def test_shares_of_the_samples_that_were_answered(tmp_path: Path) -> None:
    seen = of_gpus(tmp_path, 7, Gpu(4, 0, None, 4, 0, 0, 0, 0), Gpu(0), Gpu(*[0x40] * 4))
    assert seen == (
        Observation(Disturbance.POWER_LIMIT, "GPU 0 was at its power limit for 29 % of the time"),
        Observation(Disturbance.THERMAL, "GPU 2 was too hot for 100 % of the time"),
    )


def test_a_moment_at_the_limit_is_not_told(tmp_path: Path) -> None:
    assert of_gpus(tmp_path, 29, Gpu(4, *[0] * 29)) == ()


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (
            "CPU Power notify\n\tCPU_Scheduler_Limit \t= 100\n\tCPU_Speed_Limit \t= 62\n",
            62,
        ),
        ("CPU Power notify\n\tCPU_Scheduler_Limit \t= 62\n\tCPU_Speed_Limit \t= 100\n", None),
        (
            "Note: No thermal warning level has been recorded\nNote: No CPU power status has been recorded\n",
            None,
        ),
        ("CPU_Speed_Limit = 0\n", None),
        ("CPU_Speed_Limit = 999999\n", None),
        ("", None),
    ],
)
def test_what_pmset_prints(text: str, limit: int | None) -> None:
    assert speed_limit(text) == limit


def test_a_mac_that_is_held_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(reading, "program_output", lambda _: "CPU_Speed_Limit \t= 80\n")
    seen = of_gpus(tmp_path, 1)
    assert seen == (Observation(Disturbance.THERMAL, "the processor was held at 80 % of its speed"),)
