from __future__ import annotations

import pytest

from app.ui.charts.series import Bar, Line, Mark, Point, known, named, shown, spread, table, told
from tests.gui.charts.charting import speed

DOUBT = Mark("D", "Disturbed: other programs used 0.8 cores.")


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf"), -1.0, 1e300])
def test_what_is_no_figure_is_not_measured(value: float | None) -> None:
    assert known(value) is None
    assert shown(Bar(value), speed) == "not measured"
    assert told(Point(1, value, 1, 2), speed) == "not measured"


@pytest.mark.parametrize(
    ("low", "value", "high", "ends"),
    [
        (1, 2, 3, (1, 3)),
        (2, 2, 2, None),
        (None, 2, 3, None),
        (1, 2, None, None),
        (3, 2, 1, None),
        (2.5, 2, 3, None),
        (1, 2, float("inf"), None),
    ],
)
def test_a_whisker_holds_its_median(low, value, high, ends) -> None:
    assert spread(low, value, high) == ends


def test_a_figure_says_all_that_is_known_of_it() -> None:
    bar = Bar(151, 140, 160, label="Q4_1", marks=(DOUBT, DOUBT))
    assert shown(bar, speed) == "151.0 tok/s · Q4_1"
    assert told(bar, speed) == (
        "151.0 tok/s (140.0 tok/s to 160.0 tok/s), Q4_1. Disturbed: other programs used 0.8 cores"
    )
    assert shown(Bar(50, is_reference=True), speed) == "50.0 tok/s · reference"
    assert named(Line("vLLM", (), is_reference=True)) == "vLLM (reference)"


def test_a_table_has_its_columns_beneath_each_other() -> None:
    assert table([["Batch", "vLLM"], ["1", "28"], ["128", "610 tok/s"]]) == (
        "Batch  vLLM\n1      28\n128    610 tok/s"
    )
