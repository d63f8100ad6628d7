"""`edgewise models ledger` as people and programs read it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli.command_line import OK
from app.cli.ledger import SHOWN, show_ledger
from app.domain.ledger import LedgerEntry
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths

ENTRY = LedgerEntry(
    id=1,
    at=1_700_000_000.0,
    model="SmolLM2",
    engine="llama_cpp",
    architecture="llama",
    quantization="Q4_1",
    context_length=8192,
    threads=2,
    gpu_layers=0,
    raw_memory=330_000_000,
    forecast_memory=330_000_000,
    measured_memory=300_000_000,
    raw_speed=200.0,
    forecast_speed=90.0,
    measured_speed=100.0,
)


def recorded(*entries: LedgerEntry) -> None:
    with Database.open(Paths.find().database) as database:
        for entry in entries:
            Ledger(database).record(entry).result()


def test_an_empty_ledger_says_so_and_begins_no_database(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_ledger(as_json=False) == OK
    assert "Nothing was loaded yet" in capsys.readouterr().out
    assert show_ledger(as_json=True) == OK
    assert json.loads(capsys.readouterr().out) == []
    assert not Paths.find().database.exists()


def test_every_load_with_its_errors(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(ENTRY, replace(ENTRY, measured_memory=None, measured_speed=None))
    show_ledger(as_json=True)
    newest, first = json.loads(capsys.readouterr().out)
    assert (first["memory_error"], first["speed_error"]) == pytest.approx((0.1, -0.1))
    assert (newest["measured_memory"], newest["memory_error"], newest["speed_error"]) == (None, None, None)
    show_ledger(as_json=False)
    headings, unmeasured, measured = capsys.readouterr().out.splitlines()
    assert headings.split() == [
        "Loaded", "Model", "Context", "Memory", "measured", "error", "Tokens/s", "measured", "error",
    ]  # fmt: skip
    assert measured.split()[2:] == (
        ["SmolLM2", "8,192", "330", "MB", "300", "MB", "+10", "%", "90.0", "100.0", "-10", "%"]
    )
    assert unmeasured.split()[2:] == ["SmolLM2", "8,192", "330", "MB", "–", "–", "90.0", "–", "–"]


def test_numbers_stand_under_each_other(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(ENTRY, replace(ENTRY, model="通义千问 a much longer name", context_length=131_072))
    show_ledger(as_json=False)
    _, long, short = capsys.readouterr().out.splitlines()
    assert len(long) + 4 == len(short)  # four letters take two columns each


def test_only_the_newest_are_shown_to_people(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(*[ENTRY] * (SHOWN + 2))
    show_ledger(as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == SHOWN + 2
    assert lines[-1] == "… and 2 earlier ones; --json has them all."
