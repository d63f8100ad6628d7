import sqlite3
from contextlib import closing

import pytest

from app.domain.errors import DatabaseTooNew
from app.storage.migrations import MIGRATIONS, migrate, schema_version


def connect(path):
    return closing(sqlite3.connect(path, isolation_level=None))


def schema(connection):
    return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()


@pytest.fixture
def newest(tmp_path):
    with connect(tmp_path / "newest.db") as connection:
        migrate(connection)
        return schema(connection)


@pytest.mark.parametrize("start", range(len(MIGRATIONS) + 1))
def test_every_earlier_version_reaches_the_newest(tmp_path, newest, start):
    with connect(tmp_path / "größer.db") as connection:
        migrate(connection, MIGRATIONS[:start])
        assert schema_version(connection) == start
        migrate(connection)
        assert schema_version(connection) == len(MIGRATIONS)
        assert schema(connection) == newest
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def first(connection):
    connection.execute("CREATE TABLE a (x)")


def second(connection):
    connection.execute("INSERT INTO a VALUES (1)")
    connection.execute("CREATE TABLE b (x)")


def third(connection):
    connection.execute("CREATE TABLE c (x)")
    raise RuntimeError("stops half-way")


def test_a_step_that_fails_leaves_the_steps_before_it(tmp_path):
    with connect(tmp_path / "a.db") as connection:
        with pytest.raises(RuntimeError, match="half-way"):
            migrate(connection, (first, second, third))
        assert schema_version(connection) == 2
        assert [name for _, name, _ in schema(connection)] == ["a", "b"]
        assert not connection.in_transaction


def test_steps_are_taken_once_and_in_order(tmp_path):
    with connect(tmp_path / "a.db") as connection:
        migrate(connection, (first,))
        migrate(connection, (first, second))
        migrate(connection, (first, second))
        assert connection.execute("SELECT x FROM a").fetchall() == [(1,)]


def test_a_newer_version_is_refused_in_plain_words(tmp_path):
    with connect(tmp_path / "a.db") as connection:
        connection.execute("PRAGMA user_version = 2")
        with pytest.raises(DatabaseTooNew, match=r"newer Edgewise.*version 2.*up to 1.*Update Edgewise"):
            migrate(connection, (first,))
        assert schema(connection) == []


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("UPDATE messages SET state = 'interrupted' WHERE state = 'streaming'", "messages_streaming"),
        ("SELECT text FROM messages WHERE conversation_id = 1 ORDER BY id DESC", "messages_of_conversation"),
        ("SELECT id FROM messages WHERE parent_id = 1", "messages_after"),
        ("SELECT model, max(at) FROM ledger GROUP BY model", "ledger_of_model"),
        ("SELECT id FROM speed_tests WHERE state = 'running'", "speed_tests_running"),
        (
            "SELECT id FROM speed_test_columns WHERE family = 'a' AND engine_id = 'b'",
            "speed_test_columns_of_family",
        ),
    ],
)
def test_frequent_questions_do_not_read_the_whole_table(tmp_path, query, index):
    with connect(tmp_path / "a.db") as connection:
        migrate(connection)
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
    assert index in plan
    assert "TEMP B-TREE" not in plan
