"""The ledger's rows: in and out, measured later, the oldest forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.ledger import LedgerEntry
from app.storage import ledger as module
from app.storage.database import Database
from app.storage.ledger import Ledger

ENTRY = LedgerEntry(
    id=0,
    at=1_700_000_000.5,
    model="Größe 模型",
    engine="llama_cpp",
    architecture="qwen3",
    quantization="Q4_K_M",
    context_length=8192,
    threads=4,
    gpu_layers=0,
    raw_memory=3_000_000_000,
    forecast_memory=3_100_000_000,
    measured_memory=None,
    raw_speed=20.0,
    forecast_speed=12.0,
    measured_speed=None,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Database.open(tmp_path / "a.db") as database:
        yield Ledger(database)


def test_what_is_recorded_comes_back_the_newest_first(ledger: Ledger) -> None:
    first = ledger.record(ENTRY).result()
    second = ledger.record(replace(ENTRY, model="b", raw_speed=None, forecast_speed=None)).result()
    assert second > first
    assert ledger.entries() == [
        replace(ENTRY, id=second, model="b", raw_speed=None, forecast_speed=None),
        replace(ENTRY, id=first),
    ]
    assert [entry.id for entry in ledger.entries(1)] == [second]


def test_what_was_measured_is_added_to_its_entry_alone(ledger: Ledger) -> None:
    first, second = (ledger.record(ENTRY).result() for _ in range(2))
    ledger.set_memory(first, 2_900_000_000).result()
    ledger.set_speed(first, 11.5).result()
    assert ledger.entries() == [
        replace(ENTRY, id=second),
        replace(ENTRY, id=first, measured_memory=2_900_000_000, measured_speed=11.5),
    ]


def test_the_oldest_are_forgotten_and_late_measurements_of_them_are_no_error(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    ids = [ledger.record(ENTRY).result() for _ in range(5)]
    assert [entry.id for entry in ledger.entries()] == ids[:1:-1]
    ledger.set_speed(ids[0], 1.0).result()
    assert [entry.id for entry in ledger.entries()] == ids[:1:-1]


def test_when_each_model_was_last_used(ledger: Ledger) -> None:
    assert ledger.last_used() == {}
    for name, at in (("a", 5.0), ("b", 7.0), ("a", 9.0), ("a", 8.0)):
        ledger.record(replace(ENTRY, model=name, at=at)).result()
    assert ledger.last_used() == {"a": 9.0, "b": 7.0}


def test_what_sqlite_cannot_hold_is_kept_as_near_as_it_can(ledger: Ledger) -> None:
    ledger.record(replace(ENTRY, model="a\ud83d", raw_memory=1 << 80)).result()
    (entry,) = ledger.entries()
    assert (entry.model, entry.raw_memory) == ("a\ufffd", (1 << 63) - 1)
