"""NVIDIA GPUs, as the driver's own library tells (NVML, which every driver brings).

Called through ctypes: asking `nvidia-smi` takes a process start and, on a cold driver, seconds.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import byref, c_char_p, c_int, c_uint, c_ulonglong, c_void_p
from typing import Any

from app.domain.machine import Gpu

LIBRARIES = {"linux": ("libnvidia-ml.so.1",), "win32": ("nvml.dll",)}
SUCCESS = 0
TEXT = 96
"""Bytes for a name, NVML's own NVML_DEVICE_NAME_V2_BUFFER_SIZE."""


class _MemoryInfo(ctypes.Structure):
    _fields_ = (("total", c_ulonglong), ("free", c_ulonglong), ("used", c_ulonglong))


class NvmlError(Exception):
    """NVML answered a call with something other than success."""


def probe_nvidia(library: Any = None) -> tuple[Gpu, ...]:
    """The NVIDIA GPUs of this computer; none when there is no driver or it does not answer.

    A GPU that does not answer (fallen off the bus) is left out, the others are told.
    """
    nvml = library if library is not None else _load()
    if nvml is None:
        return ()
    try:
        _call(nvml.nvmlInit_v2)
    except (NvmlError, AttributeError):
        return ()
    try:
        driver = _text(nvml.nvmlSystemGetDriverVersion)
        count = c_uint()
        _call(nvml.nvmlDeviceGetCount_v2, byref(count))
        found = []
        for index in range(count.value):
            try:
                found.append(_gpu(nvml, index, driver))
            except NvmlError:
                continue
        return tuple(found)
    except (NvmlError, AttributeError):
        return ()
    finally:
        nvml.nvmlShutdown()


def _gpu(nvml: Any, index: int, driver: str | None) -> Gpu:
    device = c_void_p()
    _call(nvml.nvmlDeviceGetHandleByIndex_v2, c_uint(index), byref(device))
    answer = _MemoryInfo()
    memory: _MemoryInfo | None
    try:
        _call(nvml.nvmlDeviceGetMemoryInfo, device, byref(answer))
        memory = answer
    except NvmlError:  # GPUs that share main memory (GB10, Jetson) answer "not supported"
        memory = None
    major, minor = c_int(), c_int()
    try:
        _call(nvml.nvmlDeviceGetCudaComputeCapability, device, byref(major), byref(minor))
        capability: str | None = f"{major.value}.{minor.value}"
    except NvmlError:
        capability = None
    return Gpu(
        name=_text(nvml.nvmlDeviceGetName, device) or "NVIDIA GPU",
        memory_total=memory.total if memory else None,
        memory_free=memory.free if memory else None,
        driver=driver,
        compute_capability=capability,
        unified_memory=memory is None,
    )


def _load() -> Any:
    for name in LIBRARIES.get(sys.platform, ()):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _call(function: Any, *arguments: object) -> None:
    status = function(*arguments)
    if status != SUCCESS:
        raise NvmlError(status)


def _text(function: Any, *arguments: object) -> str | None:
    """What `function` writes into a buffer, or None when it does not answer."""
    buffer = ctypes.create_string_buffer(TEXT)
    try:
        _call(function, *arguments, ctypes.cast(buffer, c_char_p), c_uint(TEXT))
    except NvmlError:
        return None
    return buffer.value.decode("utf-8", "replace").strip() or None
