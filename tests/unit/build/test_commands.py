"""Programs are run with a log; a failure shows the end of what they said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from build.commands import LINES_SHOWN, Runner, SetupFailed


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path, tmp_path / "logs" / "setup.log", os.environ)


def test_output_is_returned_logged_and_watched(runner: Runner) -> None:
    seen: list[str] = []
    program = "import sys; print('one'); print('two', file=sys.stderr)"
    said = runner.run("A program", [sys.executable, "-u", "-c", program], seen.append)
    assert said == "one\ntwo\n"
    assert seen == ["one\n", "two\n"]
    assert runner.log.read_text(encoding="utf-8").endswith("one\ntwo\n")


def test_a_failure_shows_the_end_of_the_output_and_where_the_rest_is(runner: Runner) -> None:
    program = "for n in range(100): print('line', n)\nraise SystemExit(3)"
    with pytest.raises(SetupFailed) as failure:
        runner.run("Counting", [sys.executable, "-c", program])
    text = str(failure.value)
    assert text.startswith(f"line {100 - LINES_SHOWN}\n")
    assert "Counting failed (exit 3)" in text
    assert str(runner.log) in text


def test_a_program_that_is_not_there_is_a_failure_too(runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match="Nothing failed"):
        runner.run("Nothing", [tmp_path / "no-such-program"])
