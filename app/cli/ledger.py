"""`edgewise models ledger`: what was forecast of each load, beside what was measured."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from app.cli.command_line import OK
from app.cli.console import Console
from app.cli.table import table
from app.domain.ledger import LedgerEntry
from app.domain.size_words import exact_size
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths

SHOWN = 30
"""Loads that a person is shown; JSON has them all."""
NOTHING = "–"
_HEADINGS = ("Loaded", "Model", "Context", "Memory", "measured", "error", "Tokens/s", "measured", "error")
_WORDS = 2
"""Columns that are aligned to the left; the others are numbers."""


def show_ledger(*, as_json: bool) -> int:
    """Run the command; returns the exit status. Raises StorageError."""
    paths = Paths.find()
    console = Console()
    entries: list[LedgerEntry] = []
    if paths.database.exists():  # a command that only reads shall not begin a database
        with Database.open(paths.database) as database:
            entries = Ledger(database).entries()
    if as_json:
        console.write(json.dumps([described(entry) for entry in entries], indent=2) + "\n")
        return OK
    if not entries:
        console.line("Nothing was loaded yet. Each model you load is recorded here with its forecast.")
        return OK
    for line in table([_HEADINGS, *map(_row, entries[:SHOWN])], left=_WORDS):
        console.line(line)
    if len(entries) > SHOWN:
        console.line(f"… and {len(entries) - SHOWN} earlier ones; --json has them all.")
    return OK


def described(entry: LedgerEntry) -> dict[str, object]:
    """`entry` for a program: bytes, tokens a second, errors as shares; null where not measured."""
    return {**asdict(entry), "memory_error": entry.memory_error, "speed_error": entry.speed_error}


def _row(entry: LedgerEntry) -> tuple[str, ...]:
    return (
        datetime.fromtimestamp(entry.at).strftime("%Y-%m-%d %H:%M"),
        entry.model,
        f"{entry.context_length:,}",
        _gb(entry.forecast_memory),
        _gb(entry.measured_memory),
        _percent(entry.memory_error),
        _speed(entry.forecast_speed),
        _speed(entry.measured_speed),
        _percent(entry.speed_error),
    )


def _gb(size: int | None) -> str:
    return NOTHING if size is None else exact_size(size)


def _speed(tokens_per_second: float | None) -> str:
    return NOTHING if tokens_per_second is None else f"{tokens_per_second:.1f}"


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{round(100 * share):+d} %"
