"""Texts of the system, believed only as far as they can be true."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.hardware import reading


@pytest.mark.parametrize(
    ("digits", "number"),
    [
        ("0", 0),
        (" 42\n", 42),
        ("1000", 1000),
        ("1001", None),
        ("-1", None),
        ("1e3", None),
        ("٤٢", None),
        ("9" * 10_000, None),
        ("", None),
        (None, None),
    ],
)
def test_whole_numbers(digits: str | None, number: int | None) -> None:
    assert reading.whole_number(digits, 1000) == number


@pytest.mark.parametrize(
    ("text", "processors"),
    [
        ("0-3,8\n", {0, 1, 2, 3, 8}),
        ("5", {5}),
        ("", set()),
        ("3-1", set()),
        ("0-4294967295", set()),
        ("0,lots", set()),
    ],
)
def test_lists_of_processors(text: str, processors: set[int]) -> None:
    assert reading.processors(text) == processors


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert reading.text(tmp_path / "none") == ""
    assert reading.text(tmp_path) == ""
    assert reading.text(Path("with\0null")) == ""


def test_a_file_is_read_up_to_a_limit_and_need_not_be_text(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"\xff" * (reading.MOST_BYTES + 9))
    assert len(reading.text(tmp_path / "large")) == reading.MOST_BYTES


def test_programs_that_fail_hang_or_are_missing_say_what_they_said() -> None:
    python = sys.executable
    assert reading.program_output((python, "-c", "print('ä'); raise SystemExit(1)")).strip() != ""
    assert reading.program_output((python, "-c", "input()")) == ""
    assert reading.program_output((python, "-c", "import time; time.sleep(60)"), 0.2) == ""
    assert reading.program_output(("no such program", "\0")) == ""
