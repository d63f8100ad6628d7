"""An open driver of NVIDIA's, in every mood."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml
import pytest

from app.hardware.nvml import open_gpus


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A driver with two GPUs, whose handles are their numbers."""
    made = SimpleNamespace(
        energy=[5_000, 7_000], power=[250_000, 300_000], reasons=[0, 4], used=[1 << 30, 2 << 30], opened=0
    )

    def count(by: int) -> None:
        made.opened += by

    monkeypatch.setattr(pynvml, "nvmlInit", lambda: count(1))
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: count(-1))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", lambda gpu: made.energy[gpu])
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda gpu: made.power[gpu])
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCurrentClocksEventReasons", lambda gpu: made.reasons[gpu])
    monkeypatch.setattr(
        pynvml, "nvmlDeviceGetMemoryInfo", lambda gpu: SimpleNamespace(used=made.used[gpu], total=80 << 30)
    )
    return made


def fails(status: int):
    def call(*_: object) -> None:
        raise pynvml.NVMLError(status)

    return call


def test_figures_in_our_units(driver) -> None:
    gpus, close = open_gpus()
    assert [gpu.joules() for gpu in gpus] == [5.0, 7.0]
    assert [gpu.watts() for gpu in gpus] == [250.0, 300.0]
    assert [gpu.clock_reasons() for gpu in gpus] == [0, 4]
    assert [gpu.memory_used() for gpu in gpus] == [1 << 30, 2 << 30]
    assert driver.opened == 1
    close()
    assert driver.opened == 0


def test_no_driver(monkeypatch) -> None:
    monkeypatch.setattr(pynvml, "nvmlInit", fails(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND))
    gpus, close = open_gpus()
    assert gpus == ()
    close()


def test_a_gpu_that_is_lost_does_not_hide_the_other(driver, monkeypatch) -> None:
    def handle(index: int) -> int:
        if index == 0:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return index

    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", handle)
    gpus, close = open_gpus()
    assert [gpu.joules() for gpu in gpus] == [7.0]
    close()


def test_a_driver_whose_count_fails_is_closed_all_the_same(driver, monkeypatch) -> None:
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", fails(pynvml.NVML_ERROR_UNKNOWN))
    gpus, close = open_gpus()
    assert gpus == ()
    close()
    assert driver.opened == 0


def test_what_a_gpu_does_not_tell_is_unknown(driver, monkeypatch) -> None:
    (gpu, _), close = open_gpus()
    for name in (
        "nvmlDeviceGetTotalEnergyConsumption",
        "nvmlDeviceGetPowerUsage",
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetCurrentClocksThrottleReasons",
        "nvmlDeviceGetMemoryInfo",
    ):
        monkeypatch.setattr(pynvml, name, fails(pynvml.NVML_ERROR_NOT_SUPPORTED))
    assert (gpu.joules(), gpu.watts(), gpu.clock_reasons(), gpu.memory_used()) == (None,) * 4
    close()


def test_an_older_driver_tells_the_reasons_by_their_old_name(driver, monkeypatch) -> None:
    missing = fails(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCurrentClocksEventReasons", missing)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCurrentClocksThrottleReasons", lambda _: 0x40)
    (gpu, _), close = open_gpus()
    assert gpu.clock_reasons() == 0x40
    close()


def test_what_cannot_be_true_is_unknown(driver) -> None:
    driver.energy, driver.power, driver.used = [(1 << 64) - 1] * 2, [0xFFFF_FFFF] * 2, [(1 << 64) - 1] * 2
    (gpu, _), close = open_gpus()
    assert (gpu.joules(), gpu.watts(), gpu.memory_used()) == (None, None, None)
    close()
