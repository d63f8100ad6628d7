"""What is read of speed tests that were kept, without reading them whole.

Times are in seconds, rates in tokens a second, memory in bytes. None means not measured, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.speed_test import TestState


@dataclass(frozen=True, slots=True)
class ColumnHeadline:
    """One column in a line of the history.

    `single_rate` is of one request's decoding in the column's first case; `best_rate` the most tokens a
    second of all requests together, which came with `best_batch` at once. `failed`: it ended early.
    """

    engine_id: str
    engine: str
    model: str
    family: str
    precision: str
    single_rate: float | None = None
    best_rate: float | None = None
    best_batch: int | None = None
    cold_ttft_s: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class SpeedTestSummary:
    """One test in the history. `at` in seconds since the epoch; columns in the order they were picked."""

    id: int
    at: float
    state: TestState
    columns: tuple[ColumnHeadline, ...]

    @property
    def families(self) -> tuple[str, ...]:
        """The models, each named once; nearly always a single one."""
        return tuple(dict.fromkeys(column.family for column in self.columns))

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines, each named once."""
        return tuple(dict.fromkeys(column.engine for column in self.columns))


@dataclass(frozen=True, slots=True)
class MeasuredRate:
    """The medians of one case of one column. `at` is when its test began.

    `decode_rate` is of one request, 1 / TPOT; `output_rate` of all together, from `output_low` to
    `output_high` (5th and 95th percentile). `disturbed`: something was seen that makes them doubtful.
    `model_hash` is empty where the file is not here.
    """

    test_id: int
    at: float
    engine_id: str
    engine: str
    model: str
    family: str
    precision: str
    model_file: str
    model_hash: str
    remote: bool
    shape: str
    prompt_tokens: int
    output_tokens: int
    depth: int
    batch: int
    decode_rate: float | None
    output_rate: float | None
    output_low: float | None
    output_high: float | None
    ttft_s: float | None
    disturbed: bool
