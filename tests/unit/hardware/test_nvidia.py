"""NVIDIA's library in every mood: there, absent, half answering."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import replace
from typing import Any

import pynvml
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
        self.count: int | None = None
        self.memory = (24 << 30, 20 << 30)
        self.capability = (8, 9)
        self.cuda = 13000

    def nvmlInitWithFlags(self, flags: int) -> int:
        return self.failing.get("init", 0)

    def nvmlShutdown(self) -> int:
        self.is_shut_down = True
        return 0

    def nvmlSystemGetDriverVersion(self, buffer: Any, length: Any) -> int:
        ctypes.memmove(buffer, b"580.65.06\0", 10)
        return 0

    def nvmlSystemGetCudaDriverVersion_v2(self, version: Any) -> int:
        version._obj.value = self.cuda
        return self.failing.get("cuda", 0)

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = len(self.names) if self.count is None else self.count
        return self.failing.get("count", 0)

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, device: Any) -> int:
        ctypes.c_void_p.from_address(ctypes.addressof(device._obj)).value = index.value + 1
        return GPU_IS_LOST if index.value in self.lost or index.value >= len(self.names) else 0

    def nvmlDeviceGetMemoryInfo(self, device: Any, memory: Any) -> int:
        memory._obj.total, memory._obj.free = self.memory
        return self.failing.get("memory", 0)

    def nvmlDeviceGetCudaComputeCapability(self, device: Any, major: Any, minor: Any) -> int:
        major._obj.value, minor._obj.value = self.capability
        return self.failing.get("capability", 0)

    def nvmlDeviceGetName(self, device: Any, buffer: Any, length: Any) -> int:
        index = (ctypes.cast(device, ctypes.c_void_p).value or 0) - 1
        name = self.names[index].encode() + b"\0"
        ctypes.memmove(buffer, name, len(name))
        return self.failing.get("name", 0)


@pytest.fixture(autouse=True)
def no_real_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a driver, as on most machines; `probe` puts a library in its place."""

    def nowhere(name: str) -> object:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(pynvml, "CDLL", nowhere)
    _forget_library()


def _forget_library() -> None:
    pynvml.nvmlLib = None
    pynvml._nvmlGetFunctionPointer_cache.clear()


def probe(library: object) -> tuple[Gpu, ...]:
    """`probe_nvidia` on a machine whose driver is `library`, under the real nvidia-ml-py."""
    pynvml.nvmlLib = library
    try:
        return nvidia.probe_nvidia()
    finally:
        _forget_library()


RTX = Gpu("NVIDIA GeForce RTX 4090", 24 << 30, 20 << 30, "580.65.06", "8.9", cuda_version="13.0")


def test_no_library_no_gpus() -> None:
    assert nvidia.probe_nvidia() == ()


def test_a_gpu_is_told() -> None:
    nvml = Nvml((RTX.name,))
    assert probe(nvml) == (RTX,)
    assert nvml.is_shut_down


def test_a_library_without_a_running_driver_tells_of_none() -> None:
    assert probe(Nvml((RTX.name,), {"init": DRIVER_NOT_LOADED})) == ()


def test_a_gpu_that_is_lost_does_not_hide_the_other() -> None:
    nvml = Nvml(("Lost", RTX.name))
    nvml.lost = {0}
    assert probe(nvml) == (RTX,)


def test_a_gpu_that_shares_main_memory() -> None:
    (gpu,) = probe(Nvml(("NVIDIA GB10",), {"memory": NOT_SUPPORTED}))
    assert gpu.unified_memory
    assert gpu.memory_total is None


def test_what_does_not_answer_stays_unknown() -> None:
    (gpu,) = probe(Nvml(("?",), {"capability": NOT_SUPPORTED, "name": NOT_SUPPORTED}))
    assert gpu.name == "NVIDIA GPU"
    assert gpu.compute_capability is None


def test_a_count_that_fails_still_closes_the_library() -> None:
    nvml = Nvml((RTX.name,), {"count": 999})
    assert probe(nvml) == ()
    assert nvml.is_shut_down


def test_a_library_of_another_kind_under_that_name() -> None:
    assert probe(object()) == ()


def test_two_gpus() -> None:
    assert probe(Nvml((RTX.name, RTX.name))) == (RTX, RTX)


def test_a_driver_without_the_cuda_call() -> None:
    nvml = Nvml((RTX.name,), {"cuda": NOT_SUPPORTED})
    assert probe(nvml) == (replace(RTX, cuda_version=None),)


class Rubbish(Nvml):
    """Says that all is well, and answers what cannot be."""

    def __init__(self) -> None:
        super().__init__(("",))
        self.count = 0xFFFF_FFFF
        self.memory = (0xFFFF_FFFF_FFFF_FFFF, 1 << 63)
        self.capability = (-1, 77)
        self.cuda = -1

    def nvmlSystemGetDriverVersion(self, buffer: Any, length: Any) -> int:
        ctypes.memmove(buffer, b"\xff" * length.value, length.value)  # and no end
        return 0


def test_a_driver_that_answers_rubbish() -> None:
    nvml = Rubbish()
    (gpu,) = probe(nvml)
    assert gpu == Gpu("NVIDIA GPU", None, None, driver=None)
    assert nvml.is_shut_down


def test_more_free_than_there_is_is_unknown() -> None:
    nvml = Nvml((RTX.name,))
    nvml.memory = (8 << 30, 9 << 30)
    (gpu,) = probe(nvml)
    assert (gpu.memory_total, gpu.memory_free) == (8 << 30, None)


class Crashing:
    """Each call fails the way ctypes tells of an access violation on Windows."""

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: object) -> int:
            if name in self.sound:
                return 0
            raise OSError("exception: access violation reading 0x0000000000000000")

        return call

    def __init__(self, *sound: str) -> None:
        self.sound = sound


def test_a_library_that_crashes_at_each_call() -> None:
    assert probe(Crashing()) == ()
    assert probe(Crashing("nvmlInitWithFlags")) == ()
    assert probe(Crashing("nvmlInitWithFlags", "nvmlDeviceGetCount_v2")) == ()


def test_a_driver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    class Hanging(Nvml):
        def nvmlInitWithFlags(self, flags: int) -> int:
            release.wait(30)
            return DRIVER_NOT_LOADED

    monkeypatch.setattr(nvidia, "DEADLINE_S", 0.05)
    try:
        assert probe(Hanging((RTX.name,))) == ()
    finally:
        release.set()
