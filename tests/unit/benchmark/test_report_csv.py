"""CSV: a row for each case, units in the names, nothing that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from app.benchmark.report_csv import cell, csv_report
from app.domain.speed_test import (
    Case,
    ColumnResult,
    Disturbance,
    Energy,
    LeftOut,
    Observation,
    SpeedTest,
    Watched,
)
from tests.made_speed_tests import CHAT, LLAMA_CPP, VLLM, column, result, speed_test

WATCHED = Watched(
    memory_peak=5,
    gpu_memory_peak=3,
    energy=Energy(10.0, 2.0, ("processor", "GPU"), 1.5),
    observations=(Observation(Disturbance.THERMAL, "3 times"),),
    cpu_seconds=4.5,
)


def read(test: SpeedTest) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_report(test))))


def test_each_case_is_a_row_with_figures_in_the_units_of_their_names() -> None:
    left = LeftOut(Case(CHAT, 8), "There was no time.")
    rows = read(
        speed_test(
            replace(column(cases=[result(1, 100, watched=WATCHED), result(4, 200)]), left_out=(left,)),
            ColumnResult(VLLM, failure="It broke."),
        )
    )
    assert [(row["engine"], row["batch_requests"]) for row in rows] == [
        ("llama.cpp", "1"),
        ("llama.cpp", "4"),
        ("llama.cpp", "8"),
        ("vLLM", ""),
    ]
    first, _, omitted, failed = rows
    expected = {
        "began_utc": "2023-11-14T22:13:20+00:00",
        "shape": "chat",
        "prompt_tokens": "128",
        "output_rate_median_tok_per_s": "100",
        "output_rate_p5_tok_per_s": "98.0",
        "output_rate_n": "5",
        "tpot_median_s": "0.01",
        "ttft_median_s": "0.1",
        "load_s": "0.4",
        "memory_peak_bytes": "400000000",
        "case_memory_peak_bytes": "5",
        "cpu_s": "4.5",
        "energy_j": "10.0",
        "energy_net_of_idle_j": "7.0",
        "disturbances": "throttled by heat: 3 times",
        "server_rate_median_tok_per_s": "",
        "model_sha256": "ab" * 32,
    }
    assert {name: first[name] for name in expected} == expected
    assert (omitted["left_out"], omitted["output_rate_median_tok_per_s"]) == ("There was no time.", "")
    assert failed["engine_failure"] == "It broke."


def test_the_header_is_there_without_rows_and_is_the_same_with_them() -> None:
    empty = csv_report(speed_test()).splitlines()
    assert len(empty) == 1
    assert csv_report(speed_test(column(rates={1: 1.0}))).splitlines()[0] == empty[0]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1", " =1+1", "\u202e=1", "\x00=1"]
)
def test_no_text_is_a_formula(text: str) -> None:
    made = cell(text)
    assert isinstance(made, str)
    assert made.startswith("'")
    (row,) = read(speed_test(column(replace(LLAMA_CPP, model=text), {1: 1.0})))
    assert row["model"] == made


def test_numbers_are_numbers_and_what_was_not_measured_is_empty() -> None:
    assert (cell(-1.5), cell(0), cell(None), cell("")) == (-1.5, 0, "", "")


def test_texts_with_quotes_and_line_breaks_stay_in_their_cell() -> None:
    (row,) = read(speed_test(column(replace(LLAMA_CPP, model='a "b", c\nd'), {1: 1.0})))
    assert row["model"] == 'a "b", c d'
