"""Where the result of `edgewise bench` goes, and in which form."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.benchmark.report import Format, report
from app.cli.console import Console
from app.cli.speed_test_words import lines
from app.domain.errors import StorageError
from app.domain.speed_test import SpeedTest
from app.services.model_forms import differences


def show(console: Console, test: SpeedTest, options: argparse.Namespace) -> None:
    """Write the result in the form that `options` ask for. Raises StorageError for a file that cannot be."""
    form = chosen_form(options)
    unlike = differences([column.contender for column in test.columns])
    if options.output is not None:
        write(options.output, report(test, form or Format.TEXT, unlike))
        console.error(f"Written to {options.output}.")
    elif form is not None:
        console.write(report(test, form, unlike))
    else:
        for line in lines(test, unlike):
            console.line(line)


def chosen_form(options: argparse.Namespace) -> Format | None:
    """The form that was named, or else that which the file's ending means; None: for people."""
    for form, asked in (
        (Format.JSON, options.json),
        (Format.MARKDOWN, options.markdown),
        (Format.CSV, options.csv),
    ):
        if asked:
            return form
    ending = options.output.suffix.casefold().removeprefix(".") if options.output is not None else ""
    return next((form for form in Format if form.value == ending), None)


def write(path: Path, text: str) -> None:
    """Write the file. Raises StorageError."""
    try:
        path.expanduser().write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}. “edgewise bench --list” has the test.",
            detail=str(error),
        ) from error
