"""The verdict: nothing is claimed that the figures do not bear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.benchmark.difference import LEAST_N
from app.benchmark.verdict import Topic, VerdictLine, verdict
from app.domain.speed_test import Case, ColumnResult, SpeedTest, Spread
from tests.made_speed_tests import CHAT, LLAMA_CPP, TRANSFORMERS, VLLM, column, result, speed_test

ENGINES = (LLAMA_CPP, TRANSFORMERS, VLLM)
CLAIMS = ("answers first", "is the fastest", "makes the most", "overtakes")


def lines(test: SpeedTest, topic: Topic, differences: Sequence[str] = ()) -> list[VerdictLine]:
    return [line for line in verdict(test, differences) if line.topic is topic]


def text(test: SpeedTest, topic: Topic) -> str:
    return " / ".join(line.text for line in lines(test, topic))


def test_who_answers_first_and_who_is_faster_for_one_with_the_figures() -> None:
    test = speed_test(column(rates={1: 120.0}, ttft_s=0.085), column(VLLM, {1: 28.0}, ttft_s=0.21))
    (first,) = lines(test, Topic.FIRST_TOKEN)
    assert (
        first.text == "llama.cpp answers first: the first token comes after 85.0 ms, against 210 ms of vLLM."
    )
    assert first.evidence == (
        "llama.cpp: 85.0 ms (p5–p95 83.3–86.7, n 5)",
        "vLLM: 210 ms (p5–p95 206–214, n 5)",
        "1 at once, chat: prompt of 128 tokens, reply of 128",
    )
    assert text(test, Topic.ONE) == (
        "For one reply at a time llama.cpp is the fastest: 120 tok/s, against 28.0 tok/s of vLLM."
    )


def test_one_engine_alone_gives_its_figures_however_few() -> None:
    said = text(speed_test(column(rates={1: 100.0}, n=2)), Topic.ONE)
    assert said == "For one reply at a time llama.cpp makes 100 tok/s, measured 2 times."
    once = verdict(speed_test(column(rates={1: 100.0, 8: 150.0}, n=1)))
    assert "makes, all together, 150 tok/s, measured once." in " ".join(line.text for line in once)
    assert not any("Too few" in line.text for line in once)


def test_a_difference_within_the_spreads_is_none() -> None:
    test = speed_test(column(rates={1: 100.0, 8: 300.0}), column(VLLM, {1: 103.0, 8: 303.0}))
    assert text(test, Topic.ONE) == (
        "vLLM and llama.cpp are equally fast for one reply at a time: 103 tok/s and 100 tok/s, "
        "no difference beyond the spread."
    )
    assert "make equally much with 8 at once" in text(test, Topic.MANY)


def test_of_three_two_may_be_equal_and_one_behind() -> None:
    test = speed_test(column(rates={1: 100.0}), column(VLLM, {1: 101.0}), column(TRANSFORMERS, {1: 20.0}))
    assert text(test, Topic.ONE).endswith("Transformers (20.0 tok/s) is behind vLLM and llama.cpp.")


def test_the_crossover_is_where_it_was_measured_and_says_what_was_not() -> None:
    rates = ({1: 120.0, 4: 140.0, 8: 151.0}, {1: 28.0, 4: 100.0, 8: 187.0})
    test = speed_test(column(rates=rates[0]), column(VLLM, rates[1]))
    most, crossover = lines(test, Topic.MANY)
    assert (
        most.text
        == "With 8 at once vLLM makes the most, all together: 187 tok/s, against 151 tok/s of llama.cpp."
    )
    assert crossover.text == (
        "From 8 at once vLLM overtakes llama.cpp: 187 tok/s against 151 tok/s, all together. "
        "At 4 llama.cpp was ahead; between the two nothing was measured."
    )
    assert crossover.evidence[1:3] == (
        "vLLM, 4 at once: 100 tok/s (p5–p95 98.0–102, n 5)",
        "llama.cpp, 8 at once: 151 tok/s (p5–p95 148–154, n 5)",
    )


def test_there_is_no_crossover_where_both_were_not_measured_or_the_first_is_ahead_again() -> None:
    missing = speed_test(column(rates={1: 120.0, 8: 151.0}), column(VLLM, {1: 28.0, 16: 400.0}))
    assert "overtakes" not in text(missing, Topic.MANY)
    again = speed_test(column(rates={1: 120, 4: 140, 8: 300}), column(VLLM, {1: 28, 4: 180, 8: 200}))
    assert "overtakes" not in text(again, Topic.MANY)
    never_behind = speed_test(column(rates={1: 100.0, 8: 151.0}), column(VLLM, {1: 101.0, 8: 187.0}))
    assert "overtakes" not in text(never_behind, Topic.MANY)


def test_a_single_engine_gets_its_figures_and_no_praise() -> None:
    said = [line.text for line in verdict(speed_test(column(rates={1: 100.0, 8: 300.0})))]
    assert said[:5] == [
        "The first token of llama.cpp comes after 100 ms.",
        "For one reply at a time llama.cpp makes 100 tok/s.",
        "With 8 at once llama.cpp makes, all together, 300 tok/s.",
        "The very first reply after a start began after 300 ms from llama.cpp, measured once.",
        "llama.cpp takes 400 MB of memory.",
    ]


def test_too_few_values_are_not_ranked() -> None:
    test = speed_test(column(rates={1: 100.0}, n=2), column(VLLM, {1: 28.0}, n=5))
    said = text(test, Topic.ONE)
    assert "is the fastest" not in said
    assert said.endswith("Too few measurements to rank: llama.cpp (100 tok/s, measured 2 times).")


def test_what_was_measured_once_needs_a_factor() -> None:
    near = speed_test(column(cold_ttft_s=1.0), column(VLLM, cold_ttft_s=1.4))
    assert text(near, Topic.START).endswith("each measured once. These are too near to rank.")
    far = speed_test(column(cold_ttft_s=1.0), column(VLLM, cold_ttft_s=1.5))
    assert text(far, Topic.START).endswith("llama.cpp answers first there.")
    some = speed_test(
        column(cold_ttft_s=1.0), column(VLLM, cold_ttft_s=1.4), column(TRANSFORMERS, cold_ttft_s=9)
    )
    assert text(some, Topic.START).endswith("The first 2 are too near to rank.")


def test_memory_of_each_and_who_takes_the_least() -> None:
    test = speed_test(column(memory=400_000_000), column(VLLM, memory=900_000_000, gpu_memory=3_000_000_000))
    (line,) = lines(test, Topic.MEMORY)
    assert line.text == "llama.cpp takes the least memory: 400 MB; vLLM 3.90 GB."
    assert line.evidence[1] == (
        "vLLM: 3.90 GB at its highest, 3.00 GB of it on the GPU, 900 MB once it was loaded"
    )
    near = speed_test(column(memory=400_000_000), column(VLLM, memory=410_000_000))
    assert text(near, Topic.MEMORY).startswith("llama.cpp and vLLM take about as much memory")
    # Of this one's peak much is pages that it can give back: who takes less cannot be told.
    mapped = replace(column(memory=300_000_000), memory_peak=900_000_000)
    torn = speed_test(mapped, column(VLLM, memory=400_000_000))
    assert text(torn, Topic.MEMORY) == "Memory at its highest: vLLM 400 MB and llama.cpp 900 MB."
    some = speed_test(
        column(memory=400_000_000), column(VLLM, memory=410_000_000), column(TRANSFORMERS, memory=900_000_000)
    )
    assert "least" not in text(some, Topic.MEMORY)


def test_what_is_not_like_for_like_stands_beside_each_comparison() -> None:
    quarter = replace(LLAMA_CPP, precision="Q4_K_M", bits=4.9)
    test = speed_test(column(quarter, {1: 200.0, 4: 300.0}), column(VLLM, {1: 28.0, 4: 400.0}))
    why = "llama.cpp computes Q4_K_M weights, vLLM bf16."
    compared = [line for line in verdict(test, [why]) if line.evidence]
    assert len(compared) == 6
    assert all(line.text.endswith("This is not like for like.") for line in compared)
    assert [line.text for line in lines(test, Topic.UNLIKE, [why])] == [why]


def test_nothing_measured_gives_nothing_but_that() -> None:
    assert [line.topic for line in verdict(speed_test(ColumnResult(VLLM)))] == [Topic.MISSING]


@st.composite
def measured_tests(draw: st.DrawFn) -> SpeedTest:
    columns = []
    for engine in ENGINES[: draw(st.integers(1, 3))]:
        cases = []
        for batch in (1, 4, 8):
            if draw(st.booleans()) or draw(st.booleans()):
                made = result(batch, 1.0, n=draw(st.sampled_from((1, 2, 3, 5))))
                of = {
                    name: replace(spread, median=median, p5=low, p95=high)
                    for name in ("ttft", "tpot", "output_rate")
                    for low, median, high in [sorted(draw(st.integers(1, 30)) * 1.0 for _ in range(3))]
                    if (spread := getattr(made, name)) is not None
                }
                cases.append(replace(made, **of))
        columns.append(column(engine, cases=cases))
    return speed_test(*columns)


def spread_of(test: SpeedTest, name: str, batch: int, of: str) -> Spread:
    (engine,) = (it for it in test.columns if it.contender.engine == name)
    measured = engine.of(Case(CHAT, batch))
    assert measured is not None
    spread: Spread = getattr(measured, of)
    return spread


def lies_above(one: Spread, other: Spread) -> bool:
    return one.p5 > other.p95 and min(one.n, other.n) >= LEAST_N


@given(measured_tests())
def test_nobody_wins_by_less_than_the_spreads(test: SpeedTest) -> None:
    for line in verdict(test):
        if line.topic is Topic.START or not any(claim in line.text for claim in CLAIMS):
            continue
        batches = [int(word) for word in line.evidence[-1].split()[:1] if word.isdigit()]
        (winner,) = (
            name
            for name in (it.engine for it in ENGINES)
            if any(f"{name} {claim}" in line.text for claim in CLAIMS)
        )
        if "overtakes" in line.text:
            loser = line.text.split("overtakes ")[1].split(":")[0]
            batch = int(line.text.split()[1])
            assert lies_above(*(spread_of(test, name, batch, "output_rate") for name in (winner, loser)))
            continue
        losers = [it.split(":")[0] for it in line.evidence[:-1]]
        for loser in losers:
            of = {Topic.FIRST_TOKEN: "ttft", Topic.ONE: "tpot", Topic.MANY: "output_rate"}[line.topic]
            mine, theirs = (spread_of(test, name, batches[0], of) for name in (winner, loser))
            if loser == winner or loser in line.text.partition("Too few")[2]:
                continue
            if line.topic is Topic.MANY:
                assert lies_above(mine, theirs)
            else:  # times
                assert lies_above(theirs, mine)
