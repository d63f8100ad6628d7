"""The ledger in the database: each load's forecast beside what was measured."""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future

from app.domain.ledger import LedgerEntry
from app.storage.database import Database
from app.storage.well_formed import well_formed

KEPT = 1000
"""Entries that stay, the newest: enough for every correction, little enough to be read at once."""
MOST = (1 << 63) - 1
"""SQLite's largest whole number; a header may make a forecast that is larger."""

_COLUMNS = (
    "at, model, engine, architecture, quantization, context_length, threads, gpu_layers, raw_memory,"
    " forecast_memory, measured_memory, raw_speed, forecast_speed, measured_speed"
)


class Ledger:
    """All entries of a database.

    What writes returns a future at once (see `Database.write`); what reads returns its value and sees every
    write whose future is done. An entry that was forgotten meanwhile is no error.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, entry: LedgerEntry) -> Future[int]:
        """Add `entry`, whose `id` does not matter, and forget the oldest beyond `KEPT`; returns its id."""
        values = (
            entry.at,
            well_formed(entry.model),
            entry.engine,
            well_formed(entry.architecture),
            well_formed(entry.quantization),
            min(entry.context_length, MOST),
            entry.threads,
            entry.gpu_layers,
            min(entry.raw_memory, MOST),
            min(entry.forecast_memory, MOST),
            entry.measured_memory,
            entry.raw_speed,
            entry.forecast_speed,
            entry.measured_speed,
        )

        def operation(connection: sqlite3.Connection) -> int:
            marks = ", ".join("?" * len(values))
            row_id = connection.execute(f"INSERT INTO ledger ({_COLUMNS}) VALUES ({marks})", values).lastrowid
            assert row_id is not None
            connection.execute(
                "DELETE FROM ledger WHERE id <= (SELECT id FROM ledger ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (KEPT,),
            )
            return row_id

        return self._database.write(operation)

    def set_memory(self, entry_id: int, measured: int) -> Future[None]:
        """Say how many bytes the load took."""
        return self._change(entry_id, "measured_memory", measured)

    def set_speed(self, entry_id: int, tokens_per_second: float) -> Future[None]:
        """Say how fast a reply came."""
        return self._change(entry_id, "measured_speed", tokens_per_second)

    def entries(self, limit: int = KEPT) -> list[LedgerEntry]:
        """The entries, newest first."""
        return self._database.read(
            lambda connection: [
                LedgerEntry(*row)
                for row in connection.execute(
                    f"SELECT id, {_COLUMNS} FROM ledger ORDER BY id DESC LIMIT ?", (limit,)
                )
            ]
        )

    def last_used(self) -> dict[str, float]:
        """When each model was loaded last, in seconds since the epoch."""
        return self._database.read(
            lambda connection: dict(
                connection.execute("SELECT model, max(at) FROM ledger GROUP BY model").fetchall()
            )
        )

    def _change(self, entry_id: int, column: str, value: float) -> Future[None]:
        def operation(connection: sqlite3.Connection) -> None:
            connection.execute(f"UPDATE ledger SET {column} = ? WHERE id = ?", (value, entry_id))

        return self._database.write(operation)
