"""A test in the form that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from app.benchmark.report_csv import csv_report
from app.benchmark.report_json import json_report
from app.benchmark.report_markdown import markdown
from app.benchmark.report_text import text_report
from app.domain.speed_test import SpeedTest


class Format(StrEnum):
    """Forms of a report; the value is the usual ending of a file's name."""

    MARKDOWN = "md"
    CSV = "csv"
    JSON = "json"
    TEXT = "txt"


def report(test: SpeedTest, form: Format, differences: Sequence[str] = ()) -> str:
    """The whole test. `differences`: what is not like for like, in sentences
    (`app.services.model_forms`); CSV has figures alone."""
    if form is Format.CSV:
        return csv_report(test)
    make = {Format.MARKDOWN: markdown, Format.JSON: json_report, Format.TEXT: text_report}[form]
    return make(test, differences)
