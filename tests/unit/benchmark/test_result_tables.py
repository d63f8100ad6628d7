"""The three tables: each figure where it belongs, with what must be said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.benchmark.result_tables import (
    alone,
    are_alike,
    first_token,
    main_shape,
    memory,
    memory_of,
    names,
    throughput,
)
from app.benchmark.tables import Mark
from app.domain.speed_test import Case, ColumnResult, Disturbance, LeftOut, Observation, TestState, Watched
from tests.made_speed_tests import CHAT, LLAMA_CPP, TRANSFORMERS, VLLM, WRITE, column, result, speed_test

QUARTER = replace(LLAMA_CPP, precision="Q4_K_M", bits=4.9)
BUSY = Watched(observations=(Observation(Disturbance.OTHER_LOAD, "0.8 cores"),))


def test_throughput_is_by_batch_in_the_order_the_engines_were_picked() -> None:
    test = speed_test(column(VLLM, {1: 28.0, 4: 90.0}), column(TRANSFORMERS, {4: 30.0}))
    table = throughput(test)
    assert table.headings == ("1 at once", "4 at once")
    assert [(row.name, row.position, [it.median for it in row.cells]) for row in table.rows] == [
        ("vLLM", 0, [28.0, 90.0]),
        ("Transformers", 1, [None, 30.0]),
    ]
    spread = table.rows[0].cells[0].spread
    assert spread is not None
    assert (spread.p5, spread.p95, spread.n) == (28.0 * 0.98, 28.0 * 1.02, 5)
    assert table.rows[0].cells[0].marks == ()


def test_a_figure_says_what_makes_it_doubtful() -> None:
    test = speed_test(
        column(
            cases=[
                result(1, 100, watched=BUSY),
                result(4, 200, short_rounds=2, problem="Two rounds fell short."),
                result(8, 300),
            ]
        )
    )
    busy, short, waited = throughput(test).rows[0].cells
    assert (busy.marks, busy.note) == ((Mark.DISTURBED,), "other programs used the processor (0.8 cores)")
    assert (short.marks, short.note) == ((Mark.SHORT,), "Two rounds fell short.")
    assert (waited.marks, waited.note) == ((Mark.WAITED,), "it works on 4 at once")


def test_where_there_is_no_figure_the_reason_stands() -> None:
    left = LeftOut(Case(CHAT, 8), "8 at once were left out: they would have taken 4 min.")
    bad = replace(result(4, 1, problem="No round counted."), output_rate=None, ttft=None)
    test = speed_test(
        column(rates={1: 100.0, 4: 200.0, 8: 300.0}),
        replace(column(TRANSFORMERS, cases=[bad], failure="It ended by itself."), left_out=(left,)),
        ColumnResult(VLLM),
    )
    _, broken, untouched = throughput(test).rows
    assert [cell.note for cell in broken.cells] == ["It ended by itself.", "No round counted.", left.reason]
    assert [cell.short for cell in broken.cells] == ["failed", "failed", "left out"]
    assert {(cell.note, cell.short) for cell in untouched.cells} == {("not measured", "–")}
    assert first_token(test).rows[2].cells[0].note == "not measured"


def test_figures_of_another_form_are_marked_and_named_by_it() -> None:
    table = throughput(speed_test(column(QUARTER, {1: 200.0}), column(VLLM, {1: 28.0})))
    assert [row.name for row in table.rows] == ["llama.cpp (Q4_K_M)", "vLLM (bf16)"]
    assert all(row.cells[0].marks == (Mark.UNLIKE,) for row in table.rows)


def test_a_single_engine_is_like_itself_wherever_it_is() -> None:
    (row,) = throughput(speed_test(column(replace(VLLM, remote=True, precision=""), {1: 28.0}))).rows
    assert row.cells[0].marks == ()


def test_engines_that_do_not_tell_their_precision_are_not_taken_for_alike() -> None:
    assert not are_alike(replace(LLAMA_CPP, precision=""), replace(VLLM, precision=""))


@pytest.mark.parametrize(
    ("change", "alike"),
    [
        ({}, True),
        ({"precision": "fp16"}, False),  # as many bits, but not every processor computes in both
        ({"precision": "int8", "bits": 8.0}, False),
        ({"precision": "Q8_0", "bits": 8.5}, False),
        ({"family": "another"}, False),
        ({"remote": True}, False),
        ({"precision": "", "bits": None}, False),
    ],
)
def test_what_is_like_for_like(change: dict[str, object], alike: bool) -> None:
    assert are_alike(LLAMA_CPP, replace(VLLM, **change)) is alike  # type: ignore[arg-type]


def test_the_first_token_is_cold_and_warm_alone() -> None:
    test = speed_test(column(rates={1: 100.0, 4: 200.0}, ttft_s=0.05, cold_ttft_s=0.3))
    table = first_token(test)
    assert table.headings == ("Cold", "Warm")
    cold, warm = table.rows[0].cells
    assert (cold.median, cold.marks) == (0.3, (Mark.SINGLE,))
    assert (warm.median, warm.marks) == (0.05, ())
    assert first_token(speed_test(column(rates={4: 200.0}))).headings == ("Cold", "Warm, 4 at once")


def test_memory_stands_under_its_precision_the_largest_first() -> None:
    test = speed_test(
        column(QUARTER, memory=200_000_000), column(VLLM, memory=1_000_000_000, gpu_memory=3_000_000_000)
    )
    table = memory(test)
    assert table.headings == ("bf16", "Q4_K_M")
    assert [[cell.median for cell in row.cells] for row in table.rows] == [
        [None, 200_000_000],
        [4_000_000_000, None],
    ]
    assert table.rows[1].cells[0].note == "3.00 GB of it on the GPU, 1.00 GB once it was loaded"
    assert table.rows[0].cells[1].marks == (Mark.SINGLE,)  # precision is what this table compares


def test_memory_is_the_highest_that_was_seen() -> None:
    told = column(memory=5)
    assert memory_of(told) == 5
    assert memory_of(replace(told, memory_peak=7, gpu_memory_peak=2)) == 9
    assert memory_of(replace(told, memory_peak=None)) == 5
    assert memory_of(replace(told, memory_peak=None, memory=None)) is None


def test_engines_are_compared_by_the_chat_or_else_by_what_was_asked_first() -> None:
    both = speed_test(column(cases=[result(1, 10, shape=WRITE), result(4, 10), result(1, 10)]))
    assert main_shape(both) == CHAT
    assert alone(both) == Case(CHAT, 1)
    assert main_shape(speed_test(column(cases=[result(1, 10, shape=WRITE)]))) == WRITE


def test_names_tell_columns_apart_and_strangers_texts_stay_in_a_line() -> None:
    twice = names([column(), column()])
    assert len(set(twice)) == 2
    assert names([column(), column(VLLM)]) == ("llama.cpp", "vLLM")
    other = replace(VLLM, family="Other", model="Other\n1B\u202e")
    assert names([column(), column(other)]) == (
        "SmolLM2 135M Instruct, llama.cpp (bf16)",
        "Other 1B, vLLM (bf16)",
    )


def test_a_test_with_nothing_in_it_has_empty_tables() -> None:
    test = speed_test(state=TestState.CANCELLED)
    assert throughput(test).rows == first_token(test).rows == memory(test).rows == ()
