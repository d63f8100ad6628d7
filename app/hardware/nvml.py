"""NVIDIA's driver, kept open while a machine is watched: opening it anew takes far longer than asking."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from app.hardware.nvidia import MOST_GPUS, MOST_MEMORY

MOST_WATTS = 10_000.0
"""Of one GPU: no board comes near, so a driver that says more is wrong."""
MOST_JOULES = 1e15


class OpenGpu:
    """One GPU of a driver that is open. What it does not tell is None; nothing here raises."""

    def __init__(self, handle: object) -> None:
        self._handle = handle

    def joules(self) -> float | None:
        """Energy since the driver was loaded, which Volta and newer count (nvml.h,
        nvmlDeviceGetTotalEnergyConsumption, in millijoules)."""
        return self._bounded("nvmlDeviceGetTotalEnergyConsumption", 1e-3, MOST_JOULES)

    def watts(self) -> float | None:
        """What the board takes now (nvmlDeviceGetPowerUsage, in milliwatts), on most GPUs as the average of
        the last second."""
        return self._bounded("nvmlDeviceGetPowerUsage", 1e-3, MOST_WATTS)

    def clock_reasons(self) -> int | None:
        """Why its clocks are not higher, as bits of NVML's nvmlClocksEventReasons.

        Drivers before 535 know the call by its older name alone.
        """
        for name in ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"):
            reasons = self._ask(name)
            if isinstance(reasons, int):
                return reasons
        return None

    def memory_used(self) -> int | None:
        """Bytes of its memory that are in use by whomever."""
        memory = self._ask("nvmlDeviceGetMemoryInfo")
        used = getattr(memory, "used", None)
        return used if isinstance(used, int) and 0 <= used <= MOST_MEMORY else None

    def _bounded(self, call: str, unit: float, most: float) -> float | None:
        told = self._ask(call)
        if not isinstance(told, int) or not 0 <= told * unit <= most:
            return None
        return told * unit

    def _ask(self, call: str) -> Any:
        import pynvml  # see app.hardware.nvidia

        try:
            return getattr(pynvml, call)(self._handle)
        except Exception:  # see nvidia._told for what there is beside NVML's own errors
            return None


def open_gpus() -> tuple[tuple[OpenGpu, ...], Callable[[], None]]:
    """The GPUs of NVIDIA's driver, in the order `nvidia-smi` numbers them, and what closes the driver again.

    Without a driver there are none. A GPU that does not answer is left out. A driver that hangs holds the
    caller up: call it on a thread that nobody waits for.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except Exception:
        return (), lambda: None

    def close() -> None:
        with suppress(Exception):
            pynvml.nvmlShutdown()

    gpus: list[OpenGpu] = []
    with suppress(Exception):
        for index in range(min(pynvml.nvmlDeviceGetCount(), MOST_GPUS)):
            with suppress(Exception):
                gpus.append(OpenGpu(pynvml.nvmlDeviceGetHandleByIndex(index)))
    return tuple(gpus), close
