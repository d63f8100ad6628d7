"""`edgewise bench --list`, `--show`, `--compare` and `--delete`: the speed tests that were made here."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from app.benchmark.comparison import Change, Comparison, FigureChange, compare
from app.benchmark.result_tables import MOST_NAME
from app.benchmark.tables import number
from app.cli.command_line import FAILED, OK, USAGE
from app.cli.console import Console
from app.cli.speed_test_progress import case_words
from app.cli.speed_test_result import show
from app.cli.speed_test_words import NOTHING, at, heading
from app.cli.table import table
from app.domain.errors import StorageError
from app.domain.speed_test import SpeedTest
from app.domain.speed_test_history import SpeedTestSummary
from app.models.one_line import one_line
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.speed_tests import SpeedTests

SHOWN = 30
"""Tests that a person is shown; JSON has them all."""
_HEADINGS = ("ID", "Begun", "Model", "Engines", "State", "One reply", "At most")
_WORDS = 5
_COMPARED = ("Engine", "Case", "What", "Before", "After", "")
_COMPARED_WORDS = 3


def list_tests(options: argparse.Namespace) -> int:
    """Run `--list`; returns the exit status. Raises StorageError."""
    console = Console()
    with _store() as store:
        summaries = store.summaries() if store is not None else []
    if options.json:
        console.write(json.dumps([_described(it) for it in summaries], indent=2) + "\n")
        return OK
    if not summaries:
        console.line("Nothing was tested yet. Test what is installed with: edgewise bench")
        return OK
    for line in table([_HEADINGS, *map(_row, summaries[:SHOWN])], left=_WORDS):
        console.line(line)
    console.line("Tokens a second: of one reply, and the most of all together.")
    if len(summaries) > SHOWN:
        console.line(f"… and {len(summaries) - SHOWN} earlier ones; --json has them all.")
    return OK


def show_test(options: argparse.Namespace) -> int:
    """Run `--show`; returns the exit status. Raises StorageError."""
    with _store() as store:
        test = _get(store, options.show)
    show(Console(), test, options)
    return OK


def compare_tests(options: argparse.Namespace) -> int:
    """Run `--compare`; returns the exit status. Raises StorageError."""
    console = Console()
    with _store() as store:
        one, other = sorted((_get(store, it) for it in options.compare), key=lambda test: test.at)
    compared = compare(one, other)
    if options.json:
        console.write(json.dumps(_comparison(compared), indent=2) + "\n")
        return OK
    for line in comparison_lines(compared):
        console.line(line)
    return OK


def delete_test(options: argparse.Namespace) -> int:
    """Run `--delete`; returns the exit status. Asks first unless `--yes`. Raises StorageError."""
    console = Console()
    with _store() as store:
        test = _get(store, options.delete)
        if not options.yes:
            if options.json or not sys.stdin.isatty():
                console.error("Nobody can be asked here. Say --yes to delete it without a question.")
                return USAGE
            console.line(f"{heading(test)} It will be deleted.")
            console.write("Go on? [y/N] ")
            if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
                console.line("Nothing was deleted.")
                return FAILED
        assert store is not None
        store.delete(test.id).result()
    if options.json:
        console.write(json.dumps({"deleted": test.id}) + "\n")
    else:
        console.line(f"Speed test {test.id} is deleted.")
    return OK


def comparison_lines(compared: Comparison) -> Iterator[str]:
    """Two tests side by side, for people."""
    yield f"Before: {heading(compared.one)}"
    yield f"After:  {heading(compared.other)}"
    rows = [_figure_row(column.name, figure) for column in compared.columns for figure in column.figures]
    yield ""
    if rows:
        yield from table([_COMPARED, *rows], left=_COMPARED_WORDS)
    else:
        yield "They have no engine in common that was measured in both."
    changes = [*map(_change, compared.changes)]
    for column in compared.columns:
        changes += [f"{column.name}, {_change(change)}" for change in column.changes]
    if changes:
        yield ""
        yield "What differs between them:"
        yield from (f"  {change}" for change in changes)
    for who, names_ in (("before", compared.only_in_one), ("after", compared.only_in_other)):
        if names_:
            yield f"Only {who}: {', '.join(names_)}."


@contextmanager
def _store() -> Iterator[SpeedTests | None]:
    """The tests, with those that broke off marked; None where there is no database yet."""
    paths = Paths.find()
    if not paths.database.exists():  # a command that only reads shall not begin a database
        yield None
        return
    with Database.open(paths.database) as database:
        store = SpeedTests(database)
        store.mark_interrupted().result()
        yield store


def _get(store: SpeedTests | None, number_: int) -> SpeedTest:
    test = store.get(number_) if store is not None else None
    if test is None:
        raise StorageError(f"There is no speed test {number_}. “edgewise bench --list” lists them.")
    return test


def _row(test: SpeedTestSummary) -> tuple[str, ...]:
    alone = [(it.single_rate, it.engine) for it in test.columns if it.single_rate is not None]
    best = [(it.best_rate, it.best_batch, it.engine) for it in test.columns if it.best_rate is not None]
    fastest = max(alone, default=None, key=lambda it: it[0])
    most = max(best, default=None, key=lambda it: it[0])
    return (
        str(test.id),
        at(test.at),
        ", ".join(one_line(it, MOST_NAME) for it in test.families),
        ", ".join(one_line(it, MOST_NAME) for it in test.engines),
        test.state.value,
        f"{number(fastest[0])} {one_line(fastest[1], MOST_NAME)}" if fastest is not None else NOTHING,
        f"{number(most[0])} at {most[1]} {one_line(most[2], MOST_NAME)}" if most is not None else NOTHING,
    )


def _described(test: SpeedTestSummary) -> dict[str, object]:
    return {
        "id": test.id,
        "at": test.at,
        "state": test.state.value,
        "columns": [asdict(column) for column in test.columns],
    }


def _figure_row(name: str, figure: FigureChange) -> tuple[str, ...]:
    return (
        name,
        case_words(figure.case) if figure.case is not None else "",
        figure.what,
        figure.unit.words(figure.one.median),
        figure.unit.words(figure.other.median),
        figure.words,
    )


def _change(change: Change) -> str:
    return f"{change.what}: {change.one} → {change.other}"


def _comparison(compared: Comparison) -> dict[str, object]:
    return {
        "before": compared.one.id,
        "after": compared.other.id,
        "changes": [asdict(it) for it in compared.changes],
        "columns": [
            {
                "name": column.name,
                "changes": [asdict(it) for it in column.changes],
                "figures": [
                    {**asdict(figure), "unit": figure.unit.value, "words": figure.words}
                    for figure in column.figures
                ],
            }
            for column in compared.columns
        ],
        "only_before": list(compared.only_in_one),
        "only_after": list(compared.only_in_other),
    }
