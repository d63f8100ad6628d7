"""NVIDIA GPUs, as the driver's own library tells (NVML, which every driver brings).

Called through ctypes, as NVIDIA's own nvidia-ml-py does: the ten calls needed here do not pay for its
import, and asking `nvidia-smi` takes a process start and, on a cold driver, seconds.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from contextlib import suppress
from ctypes import byref, c_char_p, c_int, c_uint, c_ulonglong, c_void_p
from typing import Any

from app.domain.machine import Gpu

LIBRARIES = {
    "linux": ("libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1"),
    "win32": ("nvml.dll",),
}
SUCCESS = 0
TEXT = 96
"""Bytes for a name, NVML's own NVML_DEVICE_NAME_V2_BUFFER_SIZE."""
MOST_GPUS = 64
MOST_MEMORY = 1 << 44
"""16 TiB: no GPU has it, so a driver that says more is wrong."""
DEADLINE_S = 5.0
"""A laptop's GPU that is asleep takes a second or two to wake; a driver that hangs would take forever."""


class _MemoryInfo(ctypes.Structure):
    _fields_ = (("total", c_ulonglong), ("free", c_ulonglong), ("used", c_ulonglong))


class NvmlError(Exception):
    """NVML answered a call with something other than success, or the call itself failed."""


def probe_nvidia(library: Any = None) -> tuple[Gpu, ...]:
    """The NVIDIA GPUs of this computer; none when there is no driver or it does not answer.

    A GPU that does not answer (fallen off the bus) is left out, the others are told. Waits
    `DEADLINE_S` at most: a driver that hangs keeps its thread, and nobody waits for that at the end.
    """
    nvml = library if library is not None else _load()
    if nvml is None:
        return ()
    found: list[Gpu] = []
    asking = threading.Thread(target=lambda: found.extend(_ask(nvml)), name="nvml", daemon=True)
    asking.start()
    asking.join(DEADLINE_S)
    return () if asking.is_alive() else tuple(found)


def _ask(nvml: Any) -> list[Gpu]:
    try:
        _call(nvml, "nvmlInit_v2")
    except NvmlError:
        return []
    found = []
    try:
        driver = _text(nvml, "nvmlSystemGetDriverVersion")
        cuda = _cuda_version(nvml)
        count = c_uint()
        _call(nvml, "nvmlDeviceGetCount_v2", byref(count))
        for index in range(min(count.value, MOST_GPUS)):
            with suppress(NvmlError):
                found.append(_gpu(nvml, index, driver, cuda))
    except NvmlError:
        return []
    finally:
        with suppress(NvmlError):
            _call(nvml, "nvmlShutdown")
    return found


def _gpu(nvml: Any, index: int, driver: str | None, cuda: str | None) -> Gpu:
    device = c_void_p()
    _call(nvml, "nvmlDeviceGetHandleByIndex_v2", c_uint(index), byref(device))
    answer = _MemoryInfo()
    shared = False
    total: int | None = None
    free: int | None = None
    try:
        _call(nvml, "nvmlDeviceGetMemoryInfo", device, byref(answer))
    except NvmlError:  # GPUs that share main memory (GB10, Jetson) answer "not supported"
        shared = True
    else:
        if 0 < answer.total <= MOST_MEMORY:
            total = answer.total
            free = answer.free if answer.free <= answer.total else None
    major, minor = c_int(), c_int()
    capability: str | None = None
    with suppress(NvmlError):
        _call(nvml, "nvmlDeviceGetCudaComputeCapability", device, byref(major), byref(minor))
        if 1 <= major.value < 100 and 0 <= minor.value < 10:
            capability = f"{major.value}.{minor.value}"
    return Gpu(
        name=_text(nvml, "nvmlDeviceGetName", device) or "NVIDIA GPU",
        memory_total=total,
        memory_free=free,
        driver=driver,
        compute_capability=capability,
        unified_memory=shared,
        cuda_version=cuda,
    )


def _cuda_version(nvml: Any) -> str | None:
    """The newest CUDA that the driver takes: 12040 is 12.4 (nvml.h, NVML_CUDA_DRIVER_VERSION_MAJOR)."""
    version = c_int()
    try:
        _call(nvml, "nvmlSystemGetCudaDriverVersion_v2", byref(version))
    except NvmlError:
        return None
    major, minor = version.value // 1000, version.value % 1000 // 10
    return f"{major}.{minor}" if 1 <= major < 100 else None


def _load() -> Any:
    for name in LIBRARIES.get(sys.platform, ()):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _call(nvml: Any, name: str, *arguments: object) -> None:
    try:
        status = getattr(nvml, name)(*arguments)
    except Exception as error:  # an old library without the function; on Windows, a crash in the driver
        raise NvmlError(name) from error
    if status != SUCCESS:
        raise NvmlError(name, status)


def _text(nvml: Any, name: str, *arguments: object) -> str | None:
    """What a function writes into a buffer, or None when it does not answer."""
    buffer = ctypes.create_string_buffer(TEXT + 1)  # one more, so that a text always ends
    try:
        _call(nvml, name, *arguments, ctypes.cast(buffer, c_char_p), c_uint(TEXT))
    except NvmlError:
        return None
    text = buffer.value.decode("utf-8", "replace")
    return "".join(c for c in text if c.isprintable()).strip() or None
