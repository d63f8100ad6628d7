"""What processes take on NVIDIA GPUs now, as the driver's own library tells (NVML)."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from app.hardware.nvidia import MOST_GPUS, MOST_MEMORY


def gpu_memory_of(pids: Collection[int]) -> int | None:
    """Bytes that the processes `pids` hold on all GPUs; None where there is no driver, or it does not tell.

    It does not inside most containers (the processes there have other numbers outside) and on Windows under
    WDDM, where memory is the system's business (nvml.h, nvmlProcessInfo_t.usedGpuMemory). Takes some
    milliseconds, or a second to wake a GPU that is asleep: for a worker's thread.
    """
    import pynvml  # see app.hardware.nvidia

    try:
        pynvml.nvmlInit()
    except Exception:  # see nvidia._told for what there is beside NVML's own errors
        return None
    found: list[int] = []
    try:
        for index in range(min(pynvml.nvmlDeviceGetCount(), MOST_GPUS)):
            device = pynvml.nvmlDeviceGetHandleByIndex(index)
            for process in pynvml.nvmlDeviceGetComputeRunningProcesses(device):
                held = process.usedGpuMemory
                if process.pid in pids and held is not None and 0 <= held <= MOST_MEMORY:
                    found.append(held)
    except Exception:
        return None
    finally:
        with suppress(Exception):
            pynvml.nvmlShutdown()
    return sum(found) if found else None
