"""Speed tests in the database: kept while they run, each case as soon as it was measured."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

from app.domain.errors import StorageError
from app.domain.speed_test import CaseResult, ColumnResult, SpeedTest, TestState
from app.domain.speed_test_history import ColumnHeadline, MeasuredRate, SpeedTestSummary
from app.storage.database import Database
from app.storage.dataclass_json import Misfit, from_json, to_json
from app.storage.keyless import keyless_flags, keyless_text
from app.storage.process_mark import ProcessMark
from app.storage.well_formed import well_formed

T = TypeVar("T")

KEPT = 500
"""Tests that stay, the newest."""
MOST_DETAIL = 64 * 1024
"""Characters of a failure's log that are kept: its end, where the reason stands."""

_STATES = {state.value: state for state in TestState}

_RATE_COLUMNS = (
    "c.test_id, t.at, c.engine_id, c.engine, c.model, c.family, c.precision, c.model_file, c.model_hash,"
    " c.remote, s.shape, s.prompt_tokens, s.output_tokens, s.depth, s.batch, s.decode_rate, s.output_rate,"
    " s.output_low, s.output_high, s.ttft_s, s.disturbed"
)
_ALL_CASES = (
    "speed_test_cases AS s JOIN speed_test_columns AS c ON c.id = s.column_id"
    " JOIN speed_tests AS t ON t.id = c.test_id"
)


class SpeedTests:
    """All speed tests of a database.

    What writes returns a future at once (see `Database.write`); what reads returns its value and sees every
    write whose future is done. Saving into a test that was deleted meanwhile is no error.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, test: SpeedTest) -> Future[int]:
        """Add `test`, whose `id` does not matter, as one that this process runs; returns its id.

        The oldest beyond `KEPT` are forgotten.
        """
        mark = ProcessMark.of_this()
        values = (test.at, test.state.value, mark.number, mark.began, _test_json(test))
        columns = [(position, *_column_values(column)) for position, column in enumerate(test.columns)]
        cases = [_case_rows(column) for column in test.columns]

        def operation(connection: sqlite3.Connection) -> int:
            row_id = connection.execute(
                "INSERT INTO speed_tests (at, state, process, process_began, test) VALUES (?, ?, ?, ?, ?)",
                values,
            ).lastrowid
            assert row_id is not None
            for column, rows in zip(columns, cases, strict=True):
                _put_column(connection, row_id, column, rows)
            connection.execute(
                "DELETE FROM speed_tests WHERE id <="
                " (SELECT id FROM speed_tests ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (KEPT,),
            )
            return row_id

        return self._database.write(operation)

    def save_column(self, test_id: int, position: int, column: ColumnResult) -> Future[None]:
        """Put `column` in the place of what was kept of it. For after each case: a kill loses no other."""
        values = (position, *_column_values(column))
        rows = _case_rows(column)

        def operation(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM speed_tests WHERE id = ?", (test_id,)).fetchone():
                _put_column(connection, test_id, values, rows)

        return self._database.write(operation)

    def finish(self, test_id: int, state: TestState, order: Sequence[int]) -> Future[None]:
        """Say how the test ended, and in which order its columns ran."""

        def operation(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT test FROM speed_tests WHERE id = ?", (test_id,)).fetchone()
            if row is not None:
                test = replace(_read_test(row[0]), order=tuple(order), state=state)
                connection.execute(
                    "UPDATE speed_tests SET state = ?, test = ? WHERE id = ?",
                    (state.value, _test_json(test), test_id),
                )

        return self._database.write(operation)

    def mark_interrupted(self) -> Future[int]:
        """Tests that run and whose process is gone were interrupted; returns how many.

        Those of a process that still runs, a terminal beside the window, go on.
        """

        def operation(connection: sqlite3.Connection) -> int:
            running = connection.execute(
                "SELECT id, process, process_began FROM speed_tests WHERE state = 'running'"
            ).fetchall()
            gone = [(row_id,) for row_id, number, began in running if not ProcessMark(number, began).runs()]
            connection.executemany(
                f"UPDATE speed_tests SET state = '{TestState.INTERRUPTED.value}' WHERE id = ?", gone
            )
            return len(gone)

        return self._database.write(operation)

    def delete(self, test_id: int) -> Future[None]:
        """Forget a test."""

        def operation(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM speed_tests WHERE id = ?", (test_id,))

        return self._database.write(operation)

    def summaries(self, limit: int = KEPT) -> list[SpeedTestSummary]:
        """The tests in a few words each, newest first."""

        def operation(connection: sqlite3.Connection) -> list[SpeedTestSummary]:
            tests = connection.execute(
                "SELECT id, at, state FROM speed_tests ORDER BY id DESC LIMIT ?", (limit,)
            ).fetchall()
            columns: dict[int, list[ColumnHeadline]] = {row[0]: [] for row in tests}
            oldest = min(columns, default=0)
            for test_id, *values in connection.execute(_HEADLINES, (oldest,)):
                values[-1] = bool(values[-1])
                columns[test_id].append(ColumnHeadline(*values))
            return [
                SpeedTestSummary(row_id, at, _state(state), tuple(columns[row_id]))
                for row_id, at, state in tests
            ]

        return self._database.read(operation)

    def get(self, test_id: int) -> SpeedTest | None:
        """The whole test, None if there is none of this id. Raises `StorageError` if it cannot be read."""

        def operation(connection: sqlite3.Connection) -> SpeedTest | None:
            row = connection.execute(
                "SELECT state, test FROM speed_tests WHERE id = ?", (test_id,)
            ).fetchone()
            if row is None:
                return None
            state, text = row
            columns = tuple(_columns(connection, test_id))
            return replace(_read_test(text), id=test_id, state=_state(state), columns=columns)

        return self._database.read(operation)

    def rates(self, engine_id: str | None = None) -> list[MeasuredRate]:
        """The newest medians of each engine, model, precision, shape and batch; newest first.

        Models are told apart by their file's hash, by name where there is none. For one engine where
        `engine_id` names it.
        """
        # SQLite takes the columns beside a max() from the row that has it: https://sqlite.org/lang_select.html
        # (bare columns). Numbers of tests grow with time, and are never given again.
        query = (
            f"SELECT {_RATE_COLUMNS}, max(c.test_id * 1000 + c.position) AS newest FROM {_ALL_CASES}"
            " WHERE (s.decode_rate IS NOT NULL OR s.output_rate IS NOT NULL)"
            " AND (?1 IS NULL OR c.engine_id = ?1)"
            " GROUP BY c.engine_id, c.remote, CASE c.model_hash WHEN '' THEN c.model ELSE c.model_hash END,"
            " c.precision, s.prompt_tokens, s.output_tokens, s.depth, s.batch ORDER BY newest DESC"
        )
        return self._rates(query, (engine_id,))

    def over_time(
        self, family: str, *, engine_id: str | None = None, shape: str = "chat", batch: int = 1
    ) -> list[MeasuredRate]:
        """How fast a model was in each test of one case, oldest first: for a chart over time."""
        query = (
            f"SELECT {_RATE_COLUMNS} FROM {_ALL_CASES}"
            " WHERE c.family = ?1 AND (?2 IS NULL OR c.engine_id = ?2) AND s.shape = ?3 AND s.batch = ?4"
            " AND (s.decode_rate IS NOT NULL OR s.output_rate IS NOT NULL) ORDER BY t.at, c.position"
        )
        return self._rates(query, (family, engine_id, shape, batch))

    def _rates(self, query: str, values: tuple[object, ...]) -> list[MeasuredRate]:
        return self._database.read(
            lambda connection: [_rate(row) for row in connection.execute(query, values)]
        )


_HEADLINES = """
    SELECT c.test_id, c.engine_id, c.engine, c.model, c.family, c.precision,
        (SELECT s.decode_rate FROM speed_test_cases AS s WHERE s.column_id = c.id
            ORDER BY s.position LIMIT 1),
        (SELECT max(s.output_rate) FROM speed_test_cases AS s WHERE s.column_id = c.id),
        (SELECT s.batch FROM speed_test_cases AS s WHERE s.column_id = c.id AND s.output_rate IS NOT NULL
            ORDER BY s.output_rate DESC LIMIT 1),
        c.cold_ttft_s, c.failed
    FROM speed_test_columns AS c WHERE c.test_id >= ? ORDER BY c.test_id, c.position
"""


def _put_column(
    connection: sqlite3.Connection, test_id: int, values: tuple[Any, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Write a column with its cases over what was there."""
    connection.execute(
        "DELETE FROM speed_test_columns WHERE test_id = ? AND position = ?", (test_id, values[0])
    )
    column_id = connection.execute(
        "INSERT INTO speed_test_columns (test_id, position, engine_id, engine, model, family, precision,"
        " remote, model_file, model_hash, cold_ttft_s, failed, result)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (test_id, *values),
    ).lastrowid
    connection.executemany(
        "INSERT INTO speed_test_cases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(column_id, *row) for row in rows],
    )


def _test_json(test: SpeedTest) -> str:
    """What is in no column of its own: all but the results."""
    return well_formed(to_json(replace(test, id=0, columns=())))


def _column_values(column: ColumnResult) -> tuple[Any, ...]:
    who, facts = column.contender, column.facts
    kept = replace(
        column,
        cases=(),
        facts=replace(facts, flags=keyless_flags(facts.flags)),
        detail=keyless_text(column.detail)[-MOST_DETAIL:],
    )
    texts = (who.engine_id, who.engine, who.model, who.family, who.precision)
    return (
        *map(well_formed, texts),
        who.remote,
        well_formed(facts.model_file),
        facts.model_hash,
        column.cold_ttft_s,
        bool(column.failure),
        well_formed(to_json(kept)),
    )


def _case_rows(column: ColumnResult) -> list[tuple[Any, ...]]:
    return [(position, *_case_values(case)) for position, case in enumerate(column.cases)]


def _case_values(result: CaseResult) -> tuple[Any, ...]:
    shape, rate = result.case.shape, result.output_rate
    return (
        well_formed(shape.name),
        shape.prompt_tokens,
        shape.output_tokens,
        shape.depth,
        result.case.batch,
        result.decode_rate,
        rate.median if rate else None,
        rate.p5 if rate else None,
        rate.p95 if rate else None,
        result.ttft.median if result.ttft else None,
        bool(result.watched.observations),
        well_formed(to_json(result)),
    )


def _columns(connection: sqlite3.Connection, test_id: int) -> Iterable[ColumnResult]:
    rows = connection.execute(
        "SELECT id, result FROM speed_test_columns WHERE test_id = ? ORDER BY position", (test_id,)
    ).fetchall()
    for column_id, text in rows:
        cases = connection.execute(
            "SELECT result FROM speed_test_cases WHERE column_id = ? ORDER BY position", (column_id,)
        )
        yield replace(_read(ColumnResult, text), cases=tuple(_read(CaseResult, case) for (case,) in cases))


def _read_test(text: str) -> SpeedTest:
    return _read(SpeedTest, text)


def _read(kind: type[T], text: str) -> T:
    try:
        return from_json(kind, text)
    except Misfit as error:
        raise StorageError(
            "This speed test cannot be read: its record is damaged. Delete it and measure again.",
            detail=str(error),
        ) from error


def _state(word: str) -> TestState:
    return _STATES.get(word, TestState.INTERRUPTED)


def _rate(row: tuple[Any, ...]) -> MeasuredRate:
    values = list(row[:21])
    values[9], values[20] = bool(values[9]), bool(values[20])
    return MeasuredRate(*values)
