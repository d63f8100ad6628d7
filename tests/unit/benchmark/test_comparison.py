"""Two tests side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.benchmark.comparison import NO_DIFFERENCE, FigureChange, compare
from app.benchmark.tables import Unit
from app.domain.machine import Power
from app.domain.speed_test import ColumnResult
from tests.made_speed_tests import LLAMA_CPP, MACHINE, TRANSFORMERS, VLLM, column, speed_test


def figures(one: ColumnResult, other: ColumnResult) -> dict[str, FigureChange]:
    (both,) = compare(speed_test(one), speed_test(other)).columns
    return {f"{it.what}, {it.case.batch} at once" if it.case else it.what: it for it in both.figures}


def test_the_same_twice_has_no_difference() -> None:
    test = speed_test(column(rates={1: 100.0}), column(VLLM, {1: 50.0}))
    both = compare(test, test)
    assert both.changes == ()
    assert (both.only_in_one, both.only_in_other) == ((), ())
    assert [it.name for it in both.columns] == ["llama.cpp", "vLLM"]
    for pair in both.columns:
        assert pair.changes == ()
        assert {it.words for it in pair.figures if it.case} == {NO_DIFFERENCE}
        assert {it.ratio for it in pair.figures} == {1.0}


def test_a_difference_is_told_as_faster_or_slower_and_only_beyond_the_spread() -> None:
    found = figures(
        column(rates={1: 100.0, 4: 200.0}, ttft_s=0.1), column(rates={1: 111.0, 4: 203.0}, ttft_s=0.2)
    )
    rate = found["all together, 1 at once"]
    assert (rate.unit, rate.beyond_spread) == (Unit.RATE, True)
    assert rate.ratio == pytest.approx(1.11)
    assert rate.words == "11 % faster, more than the spread"
    assert found["one reply, 1 at once"].words == "11 % faster, more than the spread"
    assert found["all together, 4 at once"].words == NO_DIFFERENCE
    assert found["first token, 1 at once"].words == "50 % slower, more than the spread"
    back = figures(column(rates={1: 111.0}, ttft_s=0.2), column(rates={1: 100.0}, ttft_s=0.1))
    assert back["all together, 1 at once"].words == "10 % slower, more than the spread"
    assert back["first token, 1 at once"].words == "100 % faster, more than the spread"


def test_the_port_is_no_difference() -> None:
    """Also of tests that were kept with it."""
    run = column(rates={1: 100.0})
    kept = [
        replace(run, facts=replace(run.facts, flags=("--port", port, "--parallel", parallel)))
        for port, parallel in (("5000", "4"), ("6000", "4"), ("7000", "8"))
    ]
    (same,) = compare(speed_test(kept[0]), speed_test(kept[1])).columns
    assert same.changes == ()
    (other,) = compare(speed_test(kept[0]), speed_test(kept[2])).columns
    assert [(it.what, it.one, it.other) for it in other.changes] == [
        ("flags", "--parallel 4", "--parallel 8")
    ]


def test_what_was_measured_too_few_times_is_not_judged() -> None:
    found = figures(
        column(rates={1: 100.0}, n=2, memory=100, cold_ttft_s=1.0),
        column(rates={1: 150.0}, memory=150, cold_ttft_s=1.0),
    )
    assert found["all together, 1 at once"].beyond_spread is None
    assert found["all together, 1 at once"].words == (
        "50 % faster; measured 2 times, fewer than 3, so that chance is not told apart"
    )
    assert found["memory"].words.startswith("50 % more; measured once")
    assert found["first token, cold"].words.startswith("the same; measured once")


def test_what_differs_in_how_they_ran_is_listed() -> None:
    one = column(rates={1: 100.0})
    facts = replace(
        one.facts,
        versions={"llama.cpp": "1.2.4", "CUDA": "13"},
        flags=("--parallel", "8"),
        model_hash="cd" * 32,
        threads=None,
    )
    other = replace(one, facts=facts)
    machine = replace(MACHINE, power=Power(on_battery=True))
    first = speed_test(one)
    second = speed_test(
        other,
        machine=machine,
        app_version="0.2.0",
        workload=replace(first.workload, seed=43),
    )
    both = compare(first, second)
    assert [(it.what, it.one, it.other) for it in both.changes] == [
        ("Edgewise", "0.1.0", "0.2.0"),
        ("power", "mains", "battery"),
        ("seed", "42", "43"),
    ]
    assert [(it.what, it.one, it.other) for it in both.columns[0].changes] == [
        ("version of llama.cpp", "1.2.3", "1.2.4"),
        ("version of CUDA", "not known", "13"),
        ("flags", "--parallel 4", "--parallel 8"),
        ("file’s hash", "ab" * 8, "cd" * 8),
        ("threads", "8", "not known"),
    ]


def test_only_the_same_engine_model_and_precision_are_put_together() -> None:
    quarter = replace(LLAMA_CPP, precision="Q4_K_M", bits=4.9)
    both = compare(
        speed_test(column(rates={1: 1.0}), column(TRANSFORMERS, {1: 1.0})),
        speed_test(column(TRANSFORMERS, {1: 1.0}), column(quarter, {1: 1.0})),
    )
    assert [it.one.contender for it in both.columns] == [TRANSFORMERS]
    assert both.only_in_one == ("llama.cpp",)
    assert both.only_in_other == ("llama.cpp (Q4_K_M)",)


def test_of_columns_that_are_alike_in_all_the_first_is_put_beside_the_first() -> None:
    test = speed_test(column(rates={1: 100.0}), column(rates={1: 50.0}))
    pairs = compare(test, test).columns
    assert [(it.one, it.other) for it in pairs] == [(it, it) for it in test.columns]
