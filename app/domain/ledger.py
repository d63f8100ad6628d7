"""What was forecast of a model, beside what was then measured on this machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One load. Memory is in bytes, speed in tokens a second of one reply; None: not measured.

    `forecast_memory` and `forecast_speed` are what was said before, corrections included; `raw_memory` and
    `raw_speed` what the formulas alone gave, which later corrections are reckoned from.
    """

    id: int
    at: float
    """Seconds since the epoch."""
    model: str
    engine: str
    architecture: str
    quantization: str
    context_length: int
    threads: int
    gpu_layers: int
    raw_memory: int
    forecast_memory: int
    measured_memory: int | None
    raw_speed: float | None
    forecast_speed: float | None
    measured_speed: float | None

    @property
    def memory_error(self) -> float | None:
        """Share by which the forecast was too high (or, negative, too low)."""
        if not self.measured_memory:
            return None
        return self.forecast_memory / self.measured_memory - 1.0

    @property
    def speed_error(self) -> float | None:
        """Likewise for the speed."""
        if not self.measured_speed or self.forecast_speed is None:
            return None
        return self.forecast_speed / self.measured_speed - 1.0
