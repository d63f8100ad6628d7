"""NVIDIA's library in every mood: there, absent, half answering."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from app.domain.machine import Gpu
from app.hardware import nvidia

NOT_SUPPORTED, GPU_IS_LOST, DRIVER_NOT_LOADED = 3, 15, 9


class Nvml:
    """Answers like NVML: writes through pointers, returns a status. `failing` maps a call to its status."""

    def __init__(self, names: tuple[str, ...] = (), failing: dict[str, int] | None = None) -> None:
        self.names = names
        self.failing = failing or {}
        self.lost: set[int] = set()
        self.is_shut_down = False

    def nvmlInit_v2(self) -> int:
        return self.failing.get("init", 0)

    def nvmlShutdown(self) -> int:
        self.is_shut_down = True
        return 0

    def nvmlSystemGetDriverVersion(self, buffer: Any, length: Any) -> int:
        ctypes.memmove(buffer, b"580.65.06\0", 10)
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = len(self.names)
        return self.failing.get("count", 0)

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, device: Any) -> int:
        device._obj.value = index.value + 1
        return GPU_IS_LOST if index.value in self.lost else 0

    def nvmlDeviceGetMemoryInfo(self, device: Any, memory: Any) -> int:
        memory._obj.total, memory._obj.free = 24 << 30, 20 << 30
        return self.failing.get("memory", 0)

    def nvmlDeviceGetCudaComputeCapability(self, device: Any, major: Any, minor: Any) -> int:
        major._obj.value, minor._obj.value = 8, 9
        return self.failing.get("capability", 0)

    def nvmlDeviceGetName(self, device: Any, buffer: Any, length: Any) -> int:
        name = self.names[device.value - 1].encode() + b"\0"
        ctypes.memmove(buffer, name, len(name))
        return self.failing.get("name", 0)


RTX = Gpu("NVIDIA GeForce RTX 4090", 24 << 30, 20 << 30, "580.65.06", "8.9")


def test_no_library_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "_load", lambda: None)
    assert nvidia.probe_nvidia() == ()


def test_a_gpu_is_told() -> None:
    nvml = Nvml((RTX.name,))
    assert nvidia.probe_nvidia(nvml) == (RTX,)
    assert nvml.is_shut_down


def test_a_library_without_a_running_driver_tells_of_none() -> None:
    assert nvidia.probe_nvidia(Nvml((RTX.name,), {"init": DRIVER_NOT_LOADED})) == ()


def test_a_gpu_that_is_lost_does_not_hide_the_other() -> None:
    nvml = Nvml(("Lost", RTX.name))
    nvml.lost = {0}
    assert nvidia.probe_nvidia(nvml) == (RTX,)


def test_a_gpu_that_shares_main_memory() -> None:
    (gpu,) = nvidia.probe_nvidia(Nvml(("NVIDIA GB10",), {"memory": NOT_SUPPORTED}))
    assert gpu.unified_memory
    assert gpu.memory_total is None


def test_what_does_not_answer_stays_unknown() -> None:
    (gpu,) = nvidia.probe_nvidia(Nvml(("?",), {"capability": NOT_SUPPORTED, "name": NOT_SUPPORTED}))
    assert gpu.name == "NVIDIA GPU"
    assert gpu.compute_capability is None


def test_a_count_that_fails_still_closes_the_library() -> None:
    nvml = Nvml((RTX.name,), {"count": 999})
    assert nvidia.probe_nvidia(nvml) == ()
    assert nvml.is_shut_down


def test_a_library_of_another_kind_under_that_name() -> None:
    assert nvidia.probe_nvidia(object()) == ()
