"""NVIDIA GPUs, as the driver's own library tells (NVML, which every driver brings), by nvidia-ml-py."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from app.domain.machine import Gpu

MOST_GPUS = 64
MOST_MEMORY = 1 << 44
"""16 TiB: no GPU has it, so a driver that says more is wrong."""
LONGEST_TEXT = 96
"""Characters of a name, NVML's own NVML_DEVICE_NAME_V2_BUFFER_SIZE."""
DEADLINE_S = 5.0
"""A laptop's GPU that is asleep takes a second or two to wake; a driver that hangs would take forever."""

T = TypeVar("T")


def probe_nvidia() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs of this computer; none when there is no driver or it does not answer.

    A GPU that does not answer (fallen off the bus) is left out, the others are told. Waits
    `DEADLINE_S` at most: a driver that hangs keeps its thread, and nobody waits for that at the end.
    """
    found: list[Gpu] = []
    asking = threading.Thread(target=lambda: found.extend(_ask()), name="nvml", daemon=True)
    asking.start()
    asking.join(DEADLINE_S)
    return () if asking.is_alive() else tuple(found)


def _ask() -> list[Gpu]:
    import pynvml  # 8,000 lines, of which a start of the window needs none

    if not _succeeds(pynvml.nvmlInit):
        return []
    try:
        driver = _text(pynvml.nvmlSystemGetDriverVersion)
        cuda = _cuda_version(_told(pynvml.nvmlSystemGetCudaDriverVersion_v2))
        count = _told(pynvml.nvmlDeviceGetCount) or 0
        gpus = (_gpu(index, driver, cuda) for index in range(min(count, MOST_GPUS)))
        return [gpu for gpu in gpus if gpu is not None]
    finally:
        _succeeds(pynvml.nvmlShutdown)


def _gpu(index: int, driver: str | None, cuda: str | None) -> Gpu | None:
    import pynvml

    device = _told(lambda: pynvml.nvmlDeviceGetHandleByIndex(index))
    if device is None:
        return None
    memory = _told(lambda: pynvml.nvmlDeviceGetMemoryInfo(device))
    total: int | None = None
    free: int | None = None
    if memory is not None and 0 < memory.total <= MOST_MEMORY:
        total = memory.total
        free = memory.free if memory.free <= memory.total else None
    major, minor = _told(lambda: pynvml.nvmlDeviceGetCudaComputeCapability(device)) or (0, 0)
    sound = 1 <= major < 100 and 0 <= minor < 10
    return Gpu(
        name=_text(lambda: pynvml.nvmlDeviceGetName(device)) or "NVIDIA GPU",
        memory_total=total,
        memory_free=free,
        driver=driver,
        compute_capability=f"{major}.{minor}" if sound else None,
        # GPUs that share main memory (GB10, Jetson) answer "not supported".
        unified_memory=memory is None,
        cuda_version=cuda,
    )


def _cuda_version(version: int | None) -> str | None:
    """The newest CUDA that the driver takes: 12040 is 12.4 (nvml.h, NVML_CUDA_DRIVER_VERSION_MAJOR)."""
    if version is None:
        return None
    major, minor = version // 1000, version % 1000 // 10
    return f"{major}.{minor}" if 1 <= major < 100 else None


def _text(call: Callable[[], str]) -> str | None:
    text = _told(call) or ""
    return "".join(c for c in text[:LONGEST_TEXT] if c.isprintable()).strip() or None


def _told(call: Callable[[], T]) -> T | None:
    """What NVML answers, None when it does not.

    Beside NVML's own errors there are texts that are none (UnicodeDecodeError) and, on Windows, crashes
    inside the driver, which ctypes tells of as OSError.
    """
    try:
        return call()
    except Exception:
        return None


def _succeeds(call: Callable[[], object]) -> bool:
    """Whether NVML takes a call that answers nothing."""
    return _told(lambda: (call(),)) is not None
