"""What processes take on GPUs, as NVIDIA's library tells in every mood."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml
import pytest

from app.hardware.nvidia_processes import gpu_memory_of

GIB = 1 << 30


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A driver with two GPUs; `processes` are those on each."""
    made = SimpleNamespace(processes=[[(10, 2 * GIB), (11, GIB)], [(10, 3 * GIB)]], is_shut_down=False)

    def running(device: int) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=pid, usedGpuMemory=held) for pid, held in made.processes[device]]

    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: setattr(made, "is_shut_down", True))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: len(made.processes))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", running)
    return made


def test_all_gpus_and_only_these_processes_count(driver) -> None:
    assert gpu_memory_of({10, 99}) == 5 * GIB
    assert driver.is_shut_down


def test_who_holds_nothing_is_not_said_to_hold_zero(driver) -> None:
    assert gpu_memory_of({99}) is None


@pytest.mark.parametrize("held", [None, -1, 1 << 60])
def test_what_the_driver_does_not_know_is_left_out(driver, held) -> None:
    driver.processes = [[(10, held), (10, GIB)]]
    assert gpu_memory_of({10}) == GIB
    driver.processes = [[(10, held)]]
    assert gpu_memory_of({10}) is None


def test_no_driver(monkeypatch) -> None:
    def fails() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", fails)
    assert gpu_memory_of({10}) is None


def test_a_gpu_that_is_lost(driver, monkeypatch) -> None:
    def lost(index: int) -> int:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lost)
    assert gpu_memory_of({10}) is None
    assert driver.is_shut_down
