"""A forecast in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.advisor.ladder import Fit, Goal, Ladder, Need, Rung
from app.ui.models.forecast_rows import forecast_rows

RUNG = Rung(
    "Q4_K_M", 2_497_280_256, Need(2_500_000_000, 1_000_000_000, 100_000_000, 0, 0, 3_600_000_000, 0),
    Fit.MEMORY, 18.6, 40_960, 0, None, None, None, True,
)  # fmt: skip
LADDER = Ladder("Qwen3 4B", Goal(8192), (RUNG,), RUNG, "", (), (), 15_000_000_000, 0, 4e10, "")


def test_what_it_takes() -> None:
    assert forecast_rows(LADDER, 40_960) == (
        ("Memory", "3.6 GB at 8k context"),
        ("", "Fits in memory"),
        ("Speed", "about 18.6 tok/s"),
        ("Largest context", "40k tokens"),
    )


def test_what_is_not_known_is_left_out() -> None:
    rung = replace(RUNG, speed=None, largest_context=0, fit=Fit.NO, missing=6_000_000_000)
    assert forecast_rows(replace(LADDER, rungs=(rung,)), None) == (
        ("Memory", "3.6 GB at 8k context"),
        ("", "Does not fit: needs 6.0 GB more"),
    )
    assert forecast_rows(replace(LADDER, rungs=()), None) == ()


@pytest.mark.parametrize(("trained", "said"), [(2048, "2k"), (None, "8k"), (131_072, "8k")])
def test_the_context_that_was_reckoned_with(trained, said) -> None:
    assert forecast_rows(LADDER, trained)[0][1] == f"3.6 GB at {said} context"
