"""What a running test tells whoever looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.speed_test import Case, ColumnResult, SpeedTest


class Stage(StrEnum):
    """What a column is at."""

    WAITING = "waiting"
    COOLING = "letting the machine rest"
    LOADING = "loading the model"
    COLD = "first reply after the start"
    WARMING = "warming up"
    MEASURING = "measuring"
    ENDING = "unloading"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ColumnStage:
    """The column at `position` has come to `stage`. `detail` in a few words, such as what a load is at."""

    position: int
    stage: Stage
    case: Case | None = None
    repetition: int = 0
    """1 for the first one measured; 0 where none is."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LiveRate:
    """Tokens a second of all requests together over the last second or so: for looking at, not for keeping.
    Counted by pieces, since tokens are told at the end alone. At most some ten a second are told."""

    position: int
    case: Case
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class ColumnChanged:
    """A column has a new case, or its end: what is known of it by now, to be kept."""

    position: int
    column: ColumnResult


@dataclass(frozen=True, slots=True)
class TestBegan:
    """The test as it will be run, with its order; columns are empty."""

    __test__ = False  # no test of pytest's

    test: SpeedTest


@dataclass(frozen=True, slots=True)
class TestEnded:
    """The whole test, done or cancelled."""

    __test__ = False

    test: SpeedTest


Progress = TestBegan | ColumnStage | LiveRate | ColumnChanged | TestEnded
