"""JSON: everything, by names that programs can rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from app.benchmark.report_json import SCHEMA_VERSION, json_report
from app.domain.speed_test import Case, Disturbance, Energy, LeftOut, Observation, Watched
from tests.made_speed_tests import CHAT, TRANSFORMERS, column, result, speed_test

WATCHED = Watched(
    energy=Energy(10.0, 2.0, ("processor",), 1.5),
    observations=(Observation(Disturbance.SWAPPING, "20 MB"),),
)


def keys(value: Any, at: str = "") -> set[str]:
    """Every path of names in it."""
    if isinstance(value, dict):
        return {path for name, it in value.items() for path in (f"{at}{name}", *keys(it, f"{at}{name}."))}
    if isinstance(value, list):
        return {path for it in value for path in keys(it, at)}
    return set()


def test_it_says_everything_and_its_names_are_these() -> None:
    test = speed_test(
        replace(
            column(cases=[result(1, 100, watched=WATCHED)], failure="It broke."),
            left_out=(LeftOut(Case(CHAT, 8), "There was no time."),),
            detail="first line\nsecond line",
        ),
        column(TRANSFORMERS, {1: 20.0}),
    )
    found = json.loads(json_report(test, ["Not alike."]))
    assert (found["schema"], found["schema_version"]) == ("edgewise.speed_test", SCHEMA_VERSION)
    assert found["not_like_for_like"] == ["Not alike."]
    assert [it["topic"] for it in found["verdict"]][:2] == ["first token", "one reply"]
    (first, second) = found["columns"]
    assert (first["failure"], first["failure_log"]) == ("It broke.", "first line\nsecond line")
    assert first["left_out"][0]["reason"] == "There was no time."
    measured = first["cases"][0]
    assert measured["output_rate_tok_per_s"] == {"median": 100, "p5": 98.0, "p95": 102.0, "n": 5}
    assert measured["watched"]["energy"]["net_of_idle_joules"] == 7.0
    assert measured["watched"]["disturbances"] == [
        {"kind": "swapping", "words": "memory was swapped", "detail": "20 MB"}
    ]
    assert measured["server_rate_tok_per_s"] is None
    assert second["failure"] is None
    # A name that goes away, or means something else, wants a new SCHEMA_VERSION.
    assert {it for it in keys(found) if it.startswith("columns.cases.") and it.count(".") == 2} == {
        f"columns.cases.{name}"
        for name in (
            "shape", "batch_requests", "rounds", "short_rounds", "ttft_s", "itl_s", "tpot_s", "duration_s",
            "output_rate_tok_per_s", "total_rate_tok_per_s", "server_rate_tok_per_s", "decode_rate_tok_per_s",
            "counted_prompt_tokens", "counted_output_tokens", "tokens_per_piece", "problem", "watched",
        )
    }  # fmt: skip
    assert {it for it in keys(found) if it.startswith("columns.") and it.count(".") == 1} == {
        f"columns.{name}"
        for name in (
            "name", "engine_id", "engine", "model", "family", "precision", "bits_per_weight", "remote",
            "versions", "flags", "model_file", "model_bytes", "model_sha256", "device", "context_tokens",
            "request_context_tokens", "parallel_requests", "threads", "load_s", "cold_ttft_s",
            "memory_loaded_bytes", "memory_peak_bytes", "gpu_memory_peak_bytes", "memory_all_bytes", "cases",
            "left_out", "failure", "failure_log",
        )
    }  # fmt: skip


def test_no_folder_of_a_person_is_in_it() -> None:
    assert "zoe" not in json_report(speed_test(column(rates={1: 1.0})))
