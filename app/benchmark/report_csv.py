"""A test as CSV: one row for each case of each engine, measured or left out, units in the names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from app.benchmark.report_words import MOST_TEXT, began, clean, flags_words, versions_words
from app.domain.speed_test import Case, CaseResult, ColumnResult, SpeedTest, Spread

_SPREADS = ("ttft", "itl", "tpot", "duration", "output_rate", "total_rate", "server_rate")
_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for a formula, at the beginning of a cell."""

Value = str | int | float | None


def csv_report(test: SpeedTest) -> str:
    """The rows with their header. Lines end with a line feed; not measured is empty."""
    rows = list(_rows(test))
    head = _row(test, None, None, None, "") if not rows else rows[0]
    file = io.StringIO()
    writer = csv.DictWriter(file, list(head), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def cell(value: Value) -> str | int | float:
    """A value as a cell. A text that a spreadsheet would run gets an apostrophe before it."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = clean(value, MOST_TEXT)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rows(test: SpeedTest) -> Iterator[dict[str, str | int | float]]:
    for column in test.columns:
        for result in column.cases:
            yield _row(test, column, result.case, result, "")
        for left in column.left_out:
            yield _row(test, column, left.case, None, left.reason)
        if not column.cases and not column.left_out:
            yield _row(test, column, None, None, "")


def _row(
    test: SpeedTest, column: ColumnResult | None, case: Case | None, result: CaseResult | None, left_out: str
) -> dict[str, str | int | float]:
    values = {
        "test_id": test.id,
        "began_utc": began(test),
        "test_state": test.state.value,
        "seed": test.workload.seed,
        **_column(column),
        **_case(case),
        **_result(result),
        "left_out": left_out,
    }
    return {name: cell(value) for name, value in values.items()}


def _column(column: ColumnResult | None) -> dict[str, Value]:
    who = column.contender if column else None
    facts = column.facts if column else None
    return {
        "engine": who.engine if who else None,
        "model": who.model if who else None,
        "family": who.family if who else None,
        "precision": who.precision if who else None,
        "bits_per_weight": who.bits if who else None,
        "remote": ("yes" if who.remote else "no") if who else None,
        "versions": versions_words(facts) if facts else None,
        "flags": flags_words(facts) if facts else None,
        "model_file": facts.model_file if facts else None,
        "model_bytes": facts.model_bytes or None if facts else None,
        "model_sha256": facts.model_hash if facts else None,
        "device": facts.device if facts else None,
        "context_tokens": facts.context_length if facts else None,
        "parallel_requests": facts.parallel if facts else None,
        "threads": facts.threads if facts else None,
        "load_s": column.load_s if column else None,
        "cold_ttft_s": column.cold_ttft_s if column else None,
        "memory_loaded_bytes": column.memory if column else None,
        "memory_peak_bytes": column.memory_peak if column else None,
        "gpu_memory_peak_bytes": column.gpu_memory_peak if column else None,
        "engine_failure": column.failure if column else None,
    }


def _case(case: Case | None) -> dict[str, Value]:
    return {
        "shape": case.shape.name if case else None,
        "prompt_tokens": case.shape.prompt_tokens if case else None,
        "output_tokens": case.shape.output_tokens if case else None,
        "depth_tokens": case.shape.depth if case else None,
        "batch_requests": case.batch if case else None,
    }


def _result(result: CaseResult | None) -> dict[str, Value]:
    watched = result.watched if result else None
    energy = watched.energy if watched else None
    observations = watched.observations if watched else ()
    values: dict[str, Value] = {
        "rounds": result.rounds if result else None,
        "short_rounds": result.short_rounds if result else None,
    }
    for name in _SPREADS:
        unit = "tok_per_s" if name.endswith("rate") else "s"
        spread: Spread | None = getattr(result, name) if result else None
        for part in ("median", "p5", "p95"):
            values[f"{name}_{part}_{unit}"] = getattr(spread, part) if spread else None
        values[f"{name}_n"] = spread.n if spread else None
    return {
        **values,
        "counted_prompt_tokens": result.prompt_tokens if result else None,
        "counted_output_tokens": result.completion_tokens if result else None,
        "tokens_per_piece": result.tokens_per_piece if result else None,
        "case_memory_peak_bytes": watched.memory_peak if watched else None,
        "case_gpu_memory_peak_bytes": watched.gpu_memory_peak if watched else None,
        "cpu_s": watched.cpu_seconds if watched else None,
        "energy_j": energy.joules if energy else None,
        "energy_net_of_idle_j": energy.net_joules if energy else None,
        "energy_over_s": energy.seconds if energy else None,
        "energy_sources": ", ".join(energy.sources) if energy else None,
        "disturbances": "; ".join(f"{it.kind.value}: {it.detail}" for it in observations),
        "problem": result.problem if result else None,
    }
