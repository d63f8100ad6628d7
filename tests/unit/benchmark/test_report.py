"""Each form of a report is what its ending promises."""

from __future__ import annotations

import csv
import io
import json

from app.benchmark.report import Format, report
from tests.made_speed_tests import VLLM, column, speed_test

TEST = speed_test(column(rates={1: 100.0}), column(VLLM, {1: 28.0}))


def test_each_form_is_what_it_is_called() -> None:
    made = {form: report(TEST, form, ["Not alike."]) for form in Format}
    assert made[Format.MARKDOWN].startswith("# Speed test")
    assert json.loads(made[Format.JSON])["not_like_for_like"] == ["Not alike."]
    assert len(list(csv.DictReader(io.StringIO(made[Format.CSV])))) == 2
    assert made[Format.TEXT].startswith("Speed test")
    assert all(text.endswith("\n") for text in made.values())
