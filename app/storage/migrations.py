"""The database's schema, as the ordered steps that lead to it.

A step that has shipped is never changed; a new need is a new step at the end. `PRAGMA user_version`
counts the steps a file has taken.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from app.domain.errors import DatabaseTooNew

Migration = Callable[[sqlite3.Connection], None]


def _conversations_and_messages(connection: sqlite3.Connection) -> None:
    # AUTOINCREMENT: the number of a purged row is never given again, so a late save of a reply cannot
    # land in another message.
    connection.execute(
        """
        CREATE TABLE conversations (
            id            INTEGER PRIMARY KEY AUTOINCREMENT,
            title         TEXT NOT NULL,
            title_is_own  INTEGER NOT NULL DEFAULT 0,
            created_at    REAL NOT NULL,
            last_used_at  REAL NOT NULL,
            system_prompt TEXT NOT NULL DEFAULT '',
            params        TEXT NOT NULL DEFAULT '{}',
            model         TEXT,
            draft         TEXT NOT NULL DEFAULT '',
            leaf_id       INTEGER,
            deleted_at    REAL
        ) STRICT
        """
    )
    connection.execute(
        """
        CREATE TABLE messages (
            id              INTEGER PRIMARY KEY AUTOINCREMENT,
            conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
            parent_id       INTEGER REFERENCES messages (id) ON DELETE CASCADE,
            role            TEXT NOT NULL,
            text            TEXT NOT NULL,
            reasoning       TEXT NOT NULL DEFAULT '',
            state           TEXT NOT NULL,
            created_at      REAL NOT NULL,
            model           TEXT,
            engine          TEXT,
            error           TEXT,
            left_out        INTEGER NOT NULL DEFAULT 0,
            ttft_s          REAL,
            duration_s      REAL,
            prompt_tokens   INTEGER,
            completion_tokens        INTEGER,
            server_tokens_per_second REAL
        ) STRICT
        """
    )
    connection.execute(
        "CREATE INDEX conversations_in_use ON conversations (last_used_at) WHERE deleted_at IS NULL"
    )
    connection.execute("CREATE INDEX messages_of_conversation ON messages (conversation_id)")
    # Also what keeps a cascading delete from reading the whole table once per message.
    connection.execute("CREATE INDEX messages_after ON messages (parent_id)")
    # Nearly always empty: start-up finds unfinished replies without reading any finished one.
    connection.execute("CREATE INDEX messages_streaming ON messages (id) WHERE state = 'streaming'")


def _ledger(connection: sqlite3.Connection) -> None:
    connection.execute(
        """
        CREATE TABLE ledger (
            id              INTEGER PRIMARY KEY AUTOINCREMENT,
            at              REAL NOT NULL,
            model           TEXT NOT NULL,
            engine          TEXT NOT NULL,
            architecture    TEXT NOT NULL,
            quantization    TEXT NOT NULL,
            context_length  INTEGER NOT NULL,
            threads         INTEGER NOT NULL,
            gpu_layers      INTEGER NOT NULL,
            raw_memory      INTEGER NOT NULL,
            forecast_memory INTEGER NOT NULL,
            measured_memory INTEGER,
            raw_speed       REAL,
            forecast_speed  REAL,
            measured_speed  REAL
        ) STRICT
        """
    )
    # When each model was last used is read without its other columns.
    connection.execute("CREATE INDEX ledger_of_model ON ledger (model, at)")


def _engines_of_conversations(connection: sqlite3.Connection) -> None:
    # NULL: nobody chose one, so the model's best engine is used.
    connection.execute("ALTER TABLE conversations ADD COLUMN engine TEXT")


def _speed_tests(connection: sqlite3.Connection) -> None:
    # What a test says is kept as JSON, whole; in columns of their own what is asked of many at once. The
    # process that runs a test is known by its number and when it began: numbers are given again.
    connection.execute(
        """
        CREATE TABLE speed_tests (
            id            INTEGER PRIMARY KEY AUTOINCREMENT,
            at            REAL NOT NULL,
            state         TEXT NOT NULL,
            process       INTEGER NOT NULL,
            process_began REAL NOT NULL,
            test          TEXT NOT NULL
        ) STRICT
        """
    )
    connection.execute(
        """
        CREATE TABLE speed_test_columns (
            id          INTEGER PRIMARY KEY,
            test_id     INTEGER NOT NULL REFERENCES speed_tests (id) ON DELETE CASCADE,
            position    INTEGER NOT NULL,
            engine_id   TEXT NOT NULL,
            engine      TEXT NOT NULL,
            model       TEXT NOT NULL,
            family      TEXT NOT NULL,
            precision   TEXT NOT NULL,
            remote      INTEGER NOT NULL,
            model_file  TEXT NOT NULL,
            model_hash  TEXT NOT NULL,
            cold_ttft_s REAL,
            failed      INTEGER NOT NULL,
            result      TEXT NOT NULL,
            UNIQUE (test_id, position)
        ) STRICT
        """
    )
    connection.execute(
        """
        CREATE TABLE speed_test_cases (
            column_id     INTEGER NOT NULL REFERENCES speed_test_columns (id) ON DELETE CASCADE,
            position      INTEGER NOT NULL,
            shape         TEXT NOT NULL,
            prompt_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            depth         INTEGER NOT NULL,
            batch         INTEGER NOT NULL,
            decode_rate   REAL,
            output_rate   REAL,
            output_low    REAL,
            output_high   REAL,
            ttft_s        REAL,
            disturbed     INTEGER NOT NULL,
            result        TEXT NOT NULL,
            PRIMARY KEY (column_id, position)
        ) STRICT, WITHOUT ROWID
        """
    )
    # Nearly always empty, as for messages that are streaming.
    connection.execute("CREATE INDEX speed_tests_running ON speed_tests (id) WHERE state = 'running'")
    connection.execute("CREATE INDEX speed_test_columns_of_family ON speed_test_columns (family, engine_id)")


def _qualities(connection: sqlite3.Connection) -> None:
    # One measurement for each pair of files, text and way of cutting it. An original is paired with itself
    # and has no divergence.
    connection.execute(
        """
        CREATE TABLE qualities (
            id                  INTEGER PRIMARY KEY AUTOINCREMENT,
            file_hash           TEXT NOT NULL,
            original_hash       TEXT NOT NULL,
            text_hash           TEXT NOT NULL,
            context             INTEGER NOT NULL,
            chunks              INTEGER NOT NULL,
            at                  REAL NOT NULL,
            name                TEXT NOT NULL,
            path                TEXT NOT NULL,
            quantization        TEXT NOT NULL,
            size                INTEGER NOT NULL,
            saw_the_text        INTEGER NOT NULL,
            perplexity          REAL NOT NULL,
            perplexity_error    REAL NOT NULL,
            original_perplexity REAL,
            divergence          REAL,
            divergence_error    REAL,
            same_top            REAL,
            same_top_error      REAL,
            prompt_speed        REAL,
            prompt_spread       REAL,
            generation_speed    REAL,
            generation_spread   REAL,
            UNIQUE (file_hash, original_hash, text_hash, context, chunks)
        ) STRICT
        """
    )


MIGRATIONS: tuple[Migration, ...] = (
    _conversations_and_messages,
    _ledger,
    _engines_of_conversations,
    _speed_tests,
    _qualities,
)


def schema_version(connection: sqlite3.Connection) -> int:
    """The number of steps this file has taken."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def refuse_newer(connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Raise `DatabaseTooNew` if this file has taken steps that are not known here."""
    version = schema_version(connection)
    if version > len(migrations):
        raise DatabaseTooNew(
            f"Your chats were saved by a newer Edgewise (its database has version {version}; this Edgewise "
            f"knows versions up to {len(migrations)}). Nothing was changed. Update Edgewise to open them, "
            "or set EDGEWISE_HOME to another folder to start afresh."
        )


def migrate(
    connection: sqlite3.Connection,
    migrations: Sequence[Migration] = MIGRATIONS,
    *,
    first: Callable[[int], None] | None = None,
) -> None:
    """Take the steps that are missing, all in one transaction: a failure or a kill leaves the file as it was.

    Of a file that has taken steps before, `first` is called with their number, before anything is changed and
    while nobody else can write; what it raises keeps the file as it is. The connection must be in autocommit
    mode (`isolation_level=None`). Raises `DatabaseTooNew`.
    """
    refuse_newer(connection, migrations)
    if schema_version(connection) == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        refuse_newer(connection, migrations)  # another process may have migrated while we waited for the lock
        version = schema_version(connection)
        if first is not None and 0 < version < len(migrations):
            first(version)
        for step in migrations[version:]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
