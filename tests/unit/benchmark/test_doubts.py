"""What was not measured, and what makes figures doubtful."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.benchmark.doubts import doubts, missing
from app.domain.machine import Power
from app.domain.speed_test import (
    Case,
    ColumnResult,
    Disturbance,
    LeftOut,
    Observation,
    TestState,
    Watched,
)
from tests.made_speed_tests import CHAT, MACHINE, TRANSFORMERS, VLLM, column, result, speed_test


def seen(kind: Disturbance, detail: str = "") -> Watched:
    return Watched(observations=(Observation(kind, detail),))


def test_a_whole_test_has_neither() -> None:
    test = speed_test(column(rates={1: 100.0, 4: 200.0}), column(VLLM, {1: 100.0}))
    assert list(missing(test)) == list(doubts(test)) == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (TestState.CANCELLED, "stopped before it was done"),
        (TestState.INTERRUPTED, "Edgewise ended while"),
        (TestState.RUNNING, "still runs"),
    ],
)
def test_a_test_that_did_not_end_says_so(state: TestState, words: str) -> None:
    (said,) = missing(speed_test(column(rates={1: 100.0}), state=state))
    assert words in said


def test_what_failed_was_left_out_or_fell_short_is_named() -> None:
    reason = "8 and 32 at once were left out: there was no time."
    test = speed_test(
        replace(
            column(cases=[result(4, 100, n=3, short_rounds=2, problem="Two replies ended early.")]),
            left_out=(LeftOut(Case(CHAT, 8), reason), LeftOut(Case(CHAT, 32), reason)),
        ),
        column(TRANSFORMERS, failure="It ran out of\nmemory."),
        ColumnResult(VLLM),
    )
    assert list(missing(test)) == [
        f"llama.cpp: {reason}",
        "llama.cpp, chat, 4 at once: 2 of 5 rounds did not count. Two replies ended early.",
        "Transformers ended early: It ran out of memory.",
        "vLLM was not measured.",
    ]


def test_disturbances_are_named_with_where_and_how_much() -> None:
    test = speed_test(
        column(cases=[result(1, 9, watched=seen(Disturbance.SWAPPING)), result(4, 9)]),
        column(
            VLLM,
            cases=[
                result(1, 9, watched=seen(Disturbance.SWAPPING, "20 MB")),
                result(4, 9, watched=seen(Disturbance.THERMAL)),
            ],
        ),
    )
    assert list(doubts(test)) == [
        "Seen while measuring: throttled by heat. vLLM: chat, 4 at once.",
        "Seen while measuring: memory was swapped. "
        "llama.cpp: chat, 1 at once. vLLM: chat, 1 at once (20 MB).",
    ]


def test_a_battery_is_said_once() -> None:
    machine = replace(MACHINE, power=Power(on_battery=True))
    (said,) = doubts(speed_test(column(rates={1: 9.0}), machine=machine))
    assert "battery" in said
    watched = column(cases=[result(1, 9, watched=seen(Disturbance.BATTERY))])
    assert len(list(doubts(speed_test(watched, machine=machine)))) == 1


def test_other_devices_waiting_requests_and_large_pieces_are_said() -> None:
    gpu = column(VLLM, {1: 9.0})
    gpu = replace(gpu, facts=replace(gpu.facts, device="NVIDIA H100"))
    piecewise = replace(result(8, 9), tokens_per_piece=2.5)
    said = list(doubts(speed_test(column(cases=[piecewise]), gpu)))
    assert said == [
        "The engines did not run on the same device: llama.cpp on CPU and vLLM on NVIDIA H100.",
        "llama.cpp sends up to 2.5 tokens in a piece: its ITL is between pieces, not tokens.",
        "llama.cpp worked on 4 requests at once: of 8, 4 waited, which their first token shows.",
    ]
