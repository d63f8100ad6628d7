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


ROWS = {
    1: (
        "INSERT INTO conversations (id, title, created_at, last_used_at, model, leaf_id)"
        " VALUES (3, 'Lighthouse', 1.5, 2.5, 'SmolLM2', 2)",
        "INSERT INTO messages (id, conversation_id, parent_id, role, text, state, created_at)"
        " VALUES (1, 3, NULL, 'user', 'größer 家', 'complete', 1.5)",
        "INSERT INTO messages (id, conversation_id, parent_id, role, text, state, created_at, ttft_s)"
        " VALUES (2, 3, 1, 'assistant', 'Yes.', 'complete', 2.5, 0.25)",
    ),
    2: (
        "INSERT INTO ledger (at, model, engine, architecture, quantization, context_length, threads,"
        " gpu_layers, raw_memory, forecast_memory) VALUES (1, 'm', 'e', 'a', 'Q4_1', 4096, 2, 0, 10, 11)",
    ),
    3: ("UPDATE conversations SET engine = 'llama_cpp'",),
    4: (
        "INSERT INTO speed_tests (id, at, state, process, process_began, test)"
        " VALUES (1, 1, 'done', 2, 3, '{}')",
        "INSERT INTO speed_test_columns (id, test_id, position, engine_id, engine, model, family, precision,"
        " remote, model_file, model_hash, failed, result)"
        " VALUES (5, 1, 0, 'e', 'E', 'm', 'f', 'Q4', 0, 'f', 'h', 0, '{}')",
        "INSERT INTO speed_test_cases (column_id, position, shape, prompt_tokens, output_tokens, depth,"
        " batch, disturbed, result) VALUES (5, 0, 'chat', 10, 20, 0, 1, 0, '{}')",
    ),
    5: (
        "INSERT INTO qualities (file_hash, original_hash, text_hash, context, chunks, at, name, path,"
        " quantization, size, saw_the_text, perplexity, perplexity_error)"
        " VALUES ('a', 'b', 'c', 512, 4, 1, 'n', 'p', 'Q4', 9, 0, 7.5, 0.1)",
    ),
}
"""For each version that was released, rows of what came with it."""


def rows(connection):
    tables = [name for kind, name, _ in schema(connection) if kind == "table" and name != "sqlite_sequence"]
    found = {}
    for table in tables:
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        found[table] = [dict(zip(names, row, strict=True)) for row in cursor]
    return found


def test_there_are_rows_of_every_version():
    assert list(ROWS) == list(range(1, len(MIGRATIONS) + 1))


@pytest.mark.parametrize("start", ROWS)
def test_what_was_stored_in_every_released_version_is_there_in_the_newest(tmp_path, newest, start):
    with connect(tmp_path / "größer.db") as connection:
        migrate(connection, MIGRATIONS[:start])
        for version in range(1, start + 1):
            for row in ROWS[version]:
                connection.execute(row)
        before = rows(connection)
        assert all(before.values())
        migrate(connection)
        assert schema(connection) == newest
        after = rows(connection)
        for table, kept in before.items():
            # Every row, every column that there was; a step may have added some.
            assert [{name: row[name] for name in kept[0]} for row in after[table]] == kept
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("INSERT INTO messages (conversation_id, role, text, state, created_at)"
                                  " VALUES (3, 'user', '', 'complete', 3)").lastrowid == 3  # fmt: skip


def first(connection):
    connection.execute("CREATE TABLE a (x)")


def second(connection):
    connection.execute("INSERT INTO a VALUES (1)")
    connection.execute("CREATE TABLE b (x)")


def second_again(connection):
    connection.execute("INSERT INTO b VALUES (2)")


def third(connection):
    connection.execute("CREATE TABLE c (x)")
    raise RuntimeError("stops half-way")


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path):
    with connect(tmp_path / "a.db") as connection:
        migrate(connection, (first,))
        with pytest.raises(RuntimeError, match="half-way"):
            migrate(connection, (first, second, third))
        assert schema_version(connection) == 1
        assert [name for _, name, _ in schema(connection)] == ["a"]
        assert not connection.in_transaction


def test_what_comes_first_is_asked_once_of_a_file_that_has_steps_to_take(tmp_path):
    told: list[int] = []
    with connect(tmp_path / "a.db") as connection:
        migrate(connection, (first,), first=told.append)
        assert told == []  # a new file: there is nothing to keep
        migrate(connection, (first, second, second_again), first=told.append)
        assert told == [1]
        migrate(connection, (first, second, second_again), first=told.append)
        assert told == [1]


def test_what_refuses_first_keeps_the_file_as_it_was(tmp_path):
    def refuse(version):
        raise RuntimeError(f"no room at {version}")

    with connect(tmp_path / "a.db") as connection:
        migrate(connection, (first,))
        with pytest.raises(RuntimeError, match="no room at 1"):
            migrate(connection, (first, second), first=refuse)
        assert schema_version(connection) == 1
        assert not connection.in_transaction


def test_nobody_writes_while_what_comes_first_is_done(tmp_path):
    def write_meanwhile(version):
        with (
            closing(sqlite3.connect(tmp_path / "a.db", timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("INSERT INTO a VALUES (2)")

    with connect(tmp_path / "a.db") as connection:
        migrate(connection, (first,))
        migrate(connection, (first, second), first=write_meanwhile)
        assert connection.execute("SELECT x FROM a").fetchall() == [(1,)]


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
