"""What a load's record makes of replies, without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from app.domain.errors import DiskFull
from app.domain.ledger import LedgerEntry
from app.domain.machine import Bandwidth
from app.domain.metrics import GenerationMetrics
from app.engines.base import LoadReport
from app.engines.loaded_model import LoadedModel
from app.services.load_record import FEWEST_TOKENS, LoadHistory, LoadRecord, decoding_bandwidth
from app.storage.database import Database
from app.storage.ledger import Ledger

EXPECTED = LedgerEntry(
    0, 1.0, "m", "llama_cpp", "llama", "Q4_1", 2048, 2, 0, 1000, 1000, None, 100.0, 60.0, None
)


@dataclass
class Loaded:
    """A model whose memory is `sizes`, one after the other."""

    sizes: list[int | None] = field(default_factory=lambda: [900, 990])
    layers: int = 0

    def report(self) -> LoadReport:
        return LoadReport(gpu_layers=self.layers)

    def memory(self, report: LoadReport) -> int | None:
        return self.sizes.pop(0)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Database.open(tmp_path / "a.db") as database:
        yield Ledger(database)


def begin(ledger: Ledger, loaded: Loaded) -> LoadRecord:
    return LoadRecord(ledger, EXPECTED, cast(LoadedModel, loaded))


def reply(speed: float | None, tokens: int | None = FEWEST_TOKENS) -> GenerationMetrics:
    return GenerationMetrics(
        ttft_s=0.1, duration_s=1.0, completion_tokens=tokens, server_tokens_per_second=speed
    )


def test_memory_is_measured_when_ready_and_after_the_first_reply_only(ledger: Ledger) -> None:
    loaded = Loaded([900, 990, 5000])
    record = begin(ledger, loaded)
    record.replied(reply(50.0))
    record.replied(reply(50.0))
    assert [entry.measured_memory for entry in ledger.entries()] == [990]
    assert loaded.sizes == [5000]


@pytest.mark.parametrize(("sizes", "kept"), [([900, 800], 900), ([900, None], 900), ([None, 990], 990)])
def test_the_most_that_was_seen_stands(ledger: Ledger, sizes: list[int | None], kept: int) -> None:
    begin(ledger, Loaded(list(sizes))).replied(reply(None))
    assert [entry.measured_memory for entry in ledger.entries()] == [kept]


def test_the_speed_is_the_median_of_the_first_long_replies(ledger: Ledger) -> None:
    record = begin(ledger, Loaded())
    record.replied(reply(1.0, FEWEST_TOKENS - 1))
    record.replied(reply(1.0, None))
    assert ledger.entries()[0].measured_speed is None
    for speed in (10.0, 50.0, 52.0, 48.0, 51.0):
        record.replied(reply(speed))
    assert ledger.entries()[0].measured_speed == 50.0
    record.replied(reply(1000.0))
    assert ledger.entries()[0].measured_speed == 50.0


def test_an_engine_without_a_stopwatch_is_timed_by_the_client(ledger: Ledger) -> None:
    begin(ledger, Loaded()).replied(reply(None, 91))
    assert ledger.entries()[0].measured_speed == pytest.approx(100.0)


def test_layers_that_went_to_a_gpu_are_written_down(ledger: Ledger) -> None:
    begin(ledger, Loaded(layers=17)).replied(reply(50.0))
    assert ledger.entries()[0].gpu_layers == 17


def test_a_full_disk_stops_no_chat(tmp_path: Path) -> None:
    class Full(Ledger):
        def record(self, entry: LedgerEntry) -> Future[int]:
            refused: Future[int] = Future()
            refused.set_exception(DiskFull("The disk is full."))
            return refused

        def entries(self, limit: int = 0) -> list[LedgerEntry]:
            raise DiskFull("The disk is full.")

    with Database.open(tmp_path / "a.db") as database:
        ledger = Full(database)
        begin(ledger, Loaded()).replied(reply(50.0))
        assert LoadHistory(ledger, tmp_path / "none.json").experience().loads == []


def test_reading_counts_and_copying_where_only_that_is_known() -> None:
    assert decoding_bandwidth(None) is None
    assert decoding_bandwidth(Bandwidth(20, 30, 2, "?", "2026-11-24")) == 30.0
    assert decoding_bandwidth(Bandwidth(20, None, 2, "?", "2026-11-24")) == 20.0
