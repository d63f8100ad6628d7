"""A whole test, with stand-ins for engines and instruments: its order, and what goes wrong."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from app.benchmark.budget import Budget
from app.benchmark.progress import (
    ColumnChanged,
    ColumnStage,
    LiveRate,
    Progress,
    Stage,
    TestBegan,
    TestEnded,
)
from app.benchmark.runner import run, shuffled
from app.domain.errors import Cancelled, EngineStartFailed
from app.domain.generation import Cancellation
from app.domain.speed_test import Case, EngineFacts, Round, TestState, Watched
from tests.unit.benchmark.stand_ins import (
    DEADLINE_S,
    OTHER,
    SHAPE,
    SMALL,
    Instruments,
    StandIn,
    a_test,
    failing,
    fine,
    hanging,
    words,
)

ONE, FOUR = Case(SHAPE, 1), Case(SHAPE, 4)


class Bench:
    """Runs tests and remembers what was told."""

    def __init__(self):
        self.instruments = Instruments()
        self.cancellation = Cancellation()
        self.told: list[Progress] = []
        self.hear = self.told.append

    def run(self, *entrants, workload=SMALL, order=None):
        return run(
            a_test(entrants, workload, order),
            entrants,
            instruments=self.instruments,
            cancellation=self.cancellation,
            on_progress=lambda it: self.hear(it),
        )

    def stages(self, position=0):
        return [it.stage for it in self.told if isinstance(it, ColumnStage) and it.position == position]


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    assert bench.instruments.open == 0, "a load process or a watch was left open"


def test_all_that_is_measured_of_one_engine(bench) -> None:
    entrant = StandIn()
    test = bench.run(entrant)
    (column,) = test.columns
    assert test.state is TestState.DONE
    assert column.failure == ""
    assert column.facts is entrant.facts
    assert (column.load_s, column.cold_ttft_s, column.memory) == (0.25, 0.1, 1000)
    assert [it.case for it in column.cases] == [ONE, FOUR]
    assert all(it.rounds == 3 and it.short_rounds == 0 for it in column.cases)
    assert column.cases[0].tpot is not None
    assert column.cases[0].decode_rate == pytest.approx(127 / 1.28)
    assert (column.memory_peak, column.gpu_memory_peak) == (2004, 10)
    assert [it.watched.memory_peak for it in column.cases] == [2002, 2004]
    assert entrant.running is not None
    assert entrant.running.stops == [False]
    assert bench.instruments.idled == 1


def test_cold_first_then_warm_ups_then_repetitions(bench) -> None:
    bench.run(StandIn())
    assert bench.stages() == [
        Stage.COOLING, Stage.LOADING, Stage.LOADING, Stage.COLD,
        Stage.WARMING, Stage.MEASURING, Stage.MEASURING, Stage.MEASURING,
        Stage.WARMING, Stage.MEASURING, Stage.MEASURING, Stage.MEASURING,
        Stage.ENDING, Stage.DONE,
    ]  # fmt: skip
    repetitions = [it.repetition for it in bench.told if isinstance(it, ColumnStage) and it.case == FOUR]
    assert repetitions == [0, 1, 2, 3]
    assert [len(it) for it in bench.instruments.prompts["llama.cpp"]] == [1, 1, 1, 1, 1, 4, 4, 4, 4]
    assert isinstance(bench.told[0], TestBegan)
    assert isinstance(bench.told[-1], TestEnded)
    assert any(isinstance(it, LiveRate) for it in bench.told)


def test_every_engine_is_asked_the_same_and_nothing_twice(bench) -> None:
    bench.run(StandIn(), StandIn("vLLM"))
    asked = bench.instruments.prompts
    assert asked["llama.cpp"] == asked["vLLM"]
    texts = [prompt[-1].content for round_ in asked["vLLM"] for prompt in round_]
    assert len({text[:25] for text in texts}) == len(texts)
    assert {words(prompt) for round_ in asked["vLLM"][1:] for prompt in round_} == {128}


def test_the_first_request_of_a_fresh_process_is_the_cold_one(bench) -> None:
    """Counting the tokens of a prompt is a request, too."""
    entrant = StandIn()
    asked: list[int | str] = []

    def answer(running, batch, output_tokens):
        asked.append(output_tokens)
        return fine(running, batch, output_tokens)

    entrant.answer = answer
    start = entrant.start

    def count(messages):
        asked.append("count")
        return words(messages)

    def started(*arguments):
        running = start(*arguments)
        running.count = count
        return running

    entrant.start = started  # type: ignore[method-assign]
    bench.run(entrant)
    assert asked[0] == 16, "only its first token is of interest"
    assert asked[1] == "count"
    assert 128 in asked


def test_one_engine_at_a_time_in_the_order_of_the_seed(bench) -> None:
    events: list[str] = []
    entrants = [StandIn(name, events=events) for name in ("a", "b", "c")]
    test = bench.run(*entrants, order=(2, 0, 1))
    assert events == ["c started", "c stopped", "a started", "a stopped", "b started", "b stopped"]
    assert [it.contender.engine for it in test.columns] == ["a", "b", "c"]
    assert bench.stages(0)[0] is Stage.COOLING


def test_the_order_hangs_on_the_seed_alone() -> None:
    assert shuffled(5, 1) == shuffled(5, 1)
    assert sorted(shuffled(5, 1)) == [0, 1, 2, 3, 4]
    assert len({shuffled(5, seed) for seed in range(20)}) > 10


def test_each_case_is_told_as_soon_as_it_is_measured(bench) -> None:
    bench.run(StandIn())
    cases = [len(it.column.cases) for it in bench.told if isinstance(it, ColumnChanged)]
    assert cases == [0, 0, 1, 2, 2]  # loaded, cold, each case, the end


def test_an_engine_that_does_not_start_says_so_and_the_others_go_on(bench) -> None:
    broken = StandIn("vLLM", failure=EngineStartFailed("SmolLM2 did not start: no GPU.", detail="the log"))
    test = bench.run(broken, StandIn())
    assert test.state is TestState.DONE
    assert test.columns[0].failure == "SmolLM2 did not start: no GPU."
    assert test.columns[0].detail == "the log"
    assert len(test.columns[1].cases) == 2
    assert bench.stages(0)[-1] is Stage.FAILED


def crashing_in(round_number: int):
    """Ends by itself in the round of that number, the cold one being the first."""

    def answer(running, batch, output_tokens):
        if running.entrant.rounds < round_number:
            return fine(running, batch, output_tokens)
        running.log = "Segmentation fault"
        return failing(running, batch, output_tokens)

    return answer


def test_an_engine_that_crashes_keeps_what_was_measured_and_the_others_go_on(bench) -> None:
    test = bench.run(StandIn("vLLM", answer=crashing_in(8)), StandIn())
    vllm, llama = test.columns
    assert vllm.failure == "vLLM ended by itself in the middle of the test."
    assert vllm.detail == "Segmentation fault"
    assert [(it.case, it.rounds, it.short_rounds) for it in vllm.cases] == [(ONE, 3, 0), (FOUR, 1, 0)]
    assert vllm.cold_ttft_s == 0.1
    assert len(llama.cases) == 2


def test_an_engine_that_crashes_at_once(bench) -> None:
    (column,) = bench.run(StandIn(answer=crashing_in(1))).columns
    assert column.cases == ()
    assert "ended by itself" in column.failure
    assert column.load_s == 0.25


def test_two_cases_in_vain_end_the_column(bench) -> None:
    workload = replace(SMALL, batches=(1, 2, 4), warmups=0)
    entrant = StandIn(answer=failing, pid=None)
    (column,) = bench.run(entrant, workload=workload).columns
    assert [it.case.batch for it in column.cases] == [1, 2]
    assert column.failure == (
        "llama.cpp failed in 2 cases in a row, so no more was asked of it. 2 of 2 requests failed: The engine"
        " refused."
    )
    assert entrant.rounds == 1 + 2 + 2, "two failed rounds are enough for a case"


def test_a_case_that_failed_between_others_is_told(bench) -> None:
    def answer(running, batch, output_tokens):
        return (failing if batch == 2 else fine)(running, batch, output_tokens)

    workload = replace(SMALL, batches=(1, 2, 4))
    (column,) = bench.run(StandIn(answer=answer, pid=None), workload=workload).columns
    assert column.failure == ""
    assert [it.short_rounds == it.rounds for it in column.cases] == [False, True, False]
    assert column.cases[1].problem.endswith("The engine refused.")
    assert column.cases[1].output_rate is None


def test_a_round_that_was_cut_off_ends_its_case(bench) -> None:
    def answer(running, batch, output_tokens):
        return (hanging if batch == 4 else fine)(running, batch, output_tokens)

    entrant = StandIn(answer=answer, pid=None)
    (column,) = bench.run(entrant).columns
    assert entrant.rounds == 1 + 4 + 1
    assert column.cases[1].short_rounds == column.cases[1].rounds == 1
    assert "did not answer" in column.cases[1].problem


def test_a_case_that_cannot_fit_is_left_out_with_a_reason(bench) -> None:
    entrant = StandIn()
    entrant.facts = EngineFacts(context_length=8192, parallel=2)
    (column,) = bench.run(entrant).columns
    assert [it.case for it in column.cases] == [ONE]
    (left,) = column.left_out
    assert left.case == FOUR
    assert "loaded for 2 at once" in left.reason


def test_what_the_time_does_not_allow_is_left_out(bench) -> None:
    """Rounds say that they took an hour: the first case is measured all the same, and no more."""

    def slow(running, batch, output_tokens):
        done = fine(running, batch, output_tokens)
        return Round(done.samples, 3600.0)

    (column,) = bench.run(StandIn(answer=slow), workload=replace(SMALL, budget_s=60.0)).columns
    assert [(it.case, it.rounds) for it in column.cases] == [(ONE, 1)]
    reasons = {it.case: it.reason for it in column.left_out}
    assert "1 of 3 repetitions was done" in reasons[ONE]
    assert "4 at once were left out" in reasons[FOUR]


def test_a_batch_that_was_tried_until_the_time_was_over_is_left_out(bench, monkeypatch) -> None:
    clock = [0.0]

    def answer(running, batch, output_tokens):
        if batch != 4:
            return fine(running, batch, output_tokens)
        clock[0] += 61.0
        return hanging(running, batch, output_tokens)

    monkeypatch.setattr(
        "app.benchmark.runner.Budget", lambda workload, count: Budget(workload, count, lambda: clock[0])
    )
    (column,) = bench.run(StandIn(answer=answer, pid=None), workload=replace(SMALL, budget_s=60.0)).columns
    assert [it.case for it in column.cases] == [ONE]
    assert column.failure == ""
    (left,) = column.left_out
    assert left.reason.startswith("4 at once were left out: the first round was cut off after")


def test_a_server_elsewhere_is_not_told_what_this_machine_used(bench) -> None:
    there, here = StandIn("far", pid=None), StandIn("near", pid=None)
    there.contender = replace(there.contender, remote=True)
    far, near = bench.run(there, here).columns
    assert [it.watched for it in far.cases] == [Watched(), Watched()]
    assert far.memory_peak is None
    assert all(it.watched != Watched() for it in near.cases), "an attached server on this machine"


def test_replies_of_a_chat_alone_teach_the_ledger(bench) -> None:
    entrant = StandIn()
    bench.run(entrant, workload=replace(SMALL, alone=(OTHER,)))
    assert entrant.running is not None
    assert [it.completion_tokens for it in entrant.running.replies] == [128, 128, 128]
    assert entrant.running.replies[0].server_tokens_per_second == pytest.approx(100.0)


def test_what_the_workload_needs_is_asked_of_the_load(bench) -> None:
    entrant = StandIn()
    bench.run(entrant)
    assert entrant.needs.parallel == 4
    assert entrant.needs.context_length >= 4 * 256


def test_a_cancel_in_the_middle_ends_all_within_a_second(bench) -> None:
    reached = threading.Event()

    def answer(running, batch, output_tokens):
        if batch == 1:
            return fine(running, batch, output_tokens)
        reached.set()
        assert running.stopped.wait(DEADLINE_S), "the engine was not ended"
        raise Cancelled("It was cancelled.")

    entrant, never = StandIn(answer=answer), StandIn("vLLM")
    moments: list[float] = []

    def cancel() -> None:
        reached.wait(DEADLINE_S)
        moments.append(time.monotonic())
        bench.cancellation.cancel()

    threading.Thread(target=cancel).start()
    test = bench.run(entrant, never)
    assert time.monotonic() - moments[0] < 1.0
    assert test.state is TestState.CANCELLED
    assert [it.case for it in test.columns[0].cases] == [ONE]
    assert test.columns[0].failure == ""
    assert entrant.running is not None
    assert all(entrant.running.stops), "it was let end by itself"
    assert never.running is None
    assert bench.told[-1] == TestEnded(test)


def test_a_cancel_during_a_start_is_no_failure(bench) -> None:
    entrant = StandIn()

    def start(needs, cancellation, on_progress):
        woken = threading.Event()
        cancellation.on_cancel(woken.set)
        bench.cancellation.cancel()
        assert woken.wait(DEADLINE_S)
        raise EngineStartFailed("The start was cancelled.")

    entrant.start = start  # type: ignore[method-assign]
    test = bench.run(entrant)
    assert test.state is TestState.CANCELLED
    assert test.columns[0].failure == ""


def test_a_cancel_before_anything_starts_nothing(bench) -> None:
    entrant = StandIn()
    bench.cancellation.cancel()
    assert bench.run(entrant).state is TestState.CANCELLED
    assert entrant.running is None


def test_a_cancel_between_two_engines_does_not_wait_for_the_machine_to_rest(bench) -> None:
    def hear(progress):
        bench.told.append(progress)
        if isinstance(progress, ColumnStage) and (progress.position, progress.stage) == (1, Stage.COOLING):
            bench.cancellation.cancel()

    bench.hear = hear
    began = time.monotonic()
    test = bench.run(StandIn(), StandIn("vLLM"), workload=replace(SMALL, cool_down_s=60.0))
    assert time.monotonic() - began < DEADLINE_S
    assert test.state is TestState.CANCELLED
    assert len(test.columns[0].cases) == 2
    assert test.columns[1].cases == ()


def test_a_bug_leaves_no_engine(bench) -> None:
    def answer(running, batch, output_tokens):
        raise ZeroDivisionError

    entrant = StandIn(answer=answer)
    with pytest.raises(ZeroDivisionError):
        bench.run(entrant)
    assert entrant.running is not None
    assert entrant.running.stopped.is_set()
