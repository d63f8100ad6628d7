import math
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.benchmark.budget import LEAST_REPETITIONS, TOLERANCE, Budget
from app.benchmark.workload import CHAT, SHAPES, SUMMARISE, WRITE
from app.domain.speed_test import Case, RequestSample, Round, Shape, Workload

CHAT_1, CHAT_8, CHAT_32 = (Case(CHAT, batch) for batch in (1, 8, 32))


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@dataclass
class Engine:
    """Takes a time that is known. A `gain` of 0 serves one after another, of 1 all for the price of one."""

    prompt_s: float = 0.001
    step_s: float = 0.01
    gain: float = 0.0
    load_s: float = 0.0

    def round(self, case):
        shape, batch = case.shape, case.batch
        first = batch * (shape.depth + shape.prompt_tokens) * self.prompt_s
        step = self.step_s * (batch - (batch - 1) * self.gain)
        span = first + step * (shape.output_tokens - 1)
        sample = RequestSample(
            0.0, first, span, prompt_tokens=shape.prompt_tokens, completion_tokens=shape.output_tokens
        )
        return Round((sample,) * batch, span)


def expected(column, case) -> float:
    seconds = column.expect(case)
    assert seconds is not None
    return seconds


def failed(case, span=0.01):
    return Round((RequestSample(0.0, None, span, error="It was refused."),) * case.batch, span)


def run_column(budget, workload, engine, clock):
    """As the runner does it: repetitions of each case, and what was said of those with fewer."""
    clock.now += engine.load_s
    done, said = {}, []
    for case in workload.cases:
        if refusal := budget.refusal(case):
            said.append(refusal)
            continue

        warmed, done[case], cut = 0, 0, ""
        while not cut and budget.another(case, warmed, done[case]):
            measured, deadline = engine.round(case), budget.deadline_for(case)
            late = measured.span_s > deadline
            if late:
                measured = failed(case, deadline)
            clock.now += measured.span_s
            budget.measured(case, measured)
            if warmed < workload.warmups:
                warmed += 1
            else:
                done[case] += 1
            if late:
                cut = budget.cut_off(case, warmed + done[case])
                assert cut or case == workload.cases[0], "a true engine does not hang"
                if not cut:
                    return done, said
        if cut:
            done[case] = 0
        if short := cut or budget.shortened(case, warmed, done[case]):
            said.append(short)
    return {case: count for case, count in done.items() if count}, said


def whole_test(workload, *engines):
    clock = Clock()
    budget = Budget(workload, len(engines), clock)
    columns = [run_column(budget.column(), workload, engine, clock) for engine in engines]
    return columns, clock.now - 1000.0


def test_what_fits_is_done_whole():
    workload = Workload((CHAT,), (1, 8), repetitions=5, budget_s=600)
    ((done, said),), _ = whole_test(workload, Engine())
    assert done == {CHAT_1: 5, CHAT_8: 5}
    assert said == []


def test_what_does_not_fit_is_left_out_and_said():
    # A round alone takes 1.4 s; 32 one after another would take 45 s, three of them 2 min 14 s.
    workload = Workload((CHAT,), (1, 8, 32), repetitions=5, budget_s=150)
    ((done, said),), passed = whole_test(workload, Engine())
    assert done == {CHAT_1: 5, CHAT_8: 5}
    assert said == [
        "32 at once were left out: they would have taken about 3 min, with 1 min left for this engine."
    ]
    assert passed < 150


def test_a_batch_that_was_never_tried_is_guessed_to_gain_like_a_true_engine():
    """Transformers on an H100, of docs/measurements.md: 32 at once take 8.6 s, 128 take 30 s."""
    spans = {1: 6.6, 32: 8.6, 128: 30.1}

    class Transformers(Engine):
        def round(self, case):
            span = spans[case.batch]
            first = 0.058 * min(case.batch, 100)
            return Round((RequestSample(0.0, first, span, completion_tokens=128),) * case.batch, span)

    workload = Workload((CHAT,), (1, 32, 128), repetitions=5, budget_s=240)
    ((done, said),), passed = whole_test(workload, Transformers(load_s=13))
    assert done == {CHAT_1: 5, CHAT_32: 5, Case(CHAT, 128): 3}
    assert len(said) == 1
    assert passed < 240


def test_a_batch_that_was_tried_in_vain_is_cut_off_and_said():
    clock = Clock()
    column = Budget(Workload((CHAT,), (1, 8), budget_s=100), 1, clock).column()
    column.measured(CHAT_1, Engine().round(CHAT_1))
    clock.now += 92  # 8 s are left, and 8 times 1.4 s would be needed without a gain
    assert column.refusal(CHAT_8) is None
    assert column.another(CHAT_8, 0, 0)
    deadline = column.deadline_for(CHAT_8)
    assert deadline == pytest.approx(8 + TOLERANCE * 100)
    clock.now += deadline
    column.measured(CHAT_8, failed(CHAT_8, deadline))
    assert column.cut_off(CHAT_8, 1) == (
        "8 at once were left out: the first round was cut off after about 18 s, when the time for this engine"
        " was over."
    )
    assert column.cut_off(CHAT_8, 2) == "", "a round that had been done before hangs"


def test_one_at_a_time_that_does_not_fit_is_left_out_too():
    workload = Workload((CHAT,), (1,), repetitions=3, budget_s=10, alone=(SHAPES["chat at 16k"],))
    ((done, said),), _ = whole_test(workload, Engine())
    assert done == {CHAT_1: 3}
    assert said == ["It was left out: it would have taken about 5 min, with 4 s left for this engine."]


def test_fewer_repetitions_are_done_where_time_runs_out():
    workload = Workload((CHAT,), (1,), repetitions=10, budget_s=6)
    ((done, said),), passed = whole_test(workload, Engine())
    assert done == {CHAT_1: 3}
    assert said == [
        "3 of 10 repetitions were done: another would have taken about 2 s,"
        " with no time left for this engine."
    ]
    assert passed <= 6


def test_an_engine_that_was_loaded_is_not_sent_away_without_a_figure():
    workload = Workload((CHAT,), (1, 8), repetitions=3, budget_s=180)
    columns, _ = whole_test(workload, Engine(load_s=126), Engine())
    assert columns[0][0] == {CHAT_1: 1}
    assert columns[0][1][0].startswith(
        "1 of 3 repetitions was done: another would have taken about 2 s, with no"
    )
    assert columns[1][0] == {CHAT_1: 3, CHAT_8: 3}


def test_a_test_whose_time_is_over_begins_nothing():
    workload = Workload((CHAT,), (1, 8), budget_s=100)
    columns, _ = whole_test(workload, Engine(load_s=101), Engine())
    assert [done for done, _ in columns] == [{}, {}]
    assert columns[1][1] == [
        "It was left out: the time of the test was over.",
        "8 at once were left out: the time of the test was over.",
    ]


def test_without_a_limit_everything_is_done():
    workload = Workload((CHAT,), (1, 32), repetitions=4, budget_s=None)
    ((done, said),), _ = whole_test(workload, Engine(step_s=6.0, load_s=1e6))
    assert done == {CHAT_1: 4, CHAT_32: 4}
    assert said == []


def test_an_early_slow_engine_does_not_starve_the_later_ones():
    workload = Workload((CHAT,), (1, 8), repetitions=5, budget_s=120)
    columns, _ = whole_test(workload, Engine(step_s=0.1), Engine(), Engine())
    assert columns[0][0][CHAT_1] < 5
    assert [column[0].get(CHAT_1) for column in columns[1:]] == [5, 5]


def test_what_a_quick_engine_leaves_is_shared_by_the_others():
    workload = Workload((CHAT,), (1,), repetitions=5, budget_s=90)
    slow = Engine(step_s=0.08)  # 62 s for all: more than half
    columns, _ = whole_test(workload, Engine(), slow)
    assert columns[1][0] == {CHAT_1: 5}
    columns, _ = whole_test(workload, slow, Engine())
    assert 1 <= columns[0][0][CHAT_1] < 5


def test_a_larger_batch_that_was_measured_says_better_than_a_smaller_one():
    column = Budget(Workload((CHAT,), (1, 8, 32)), 1, Clock()).column()
    engine = Engine(gain=0.9)
    column.measured(CHAT_1, engine.round(CHAT_1))
    column.measured(CHAT_8, engine.round(CHAT_8))
    assert engine.round(CHAT_32).span_s <= expected(column, CHAT_32) < 32 * engine.round(CHAT_1).span_s / 3
    worse = Budget(Workload((CHAT,), (1, 8, 32)), 1, Clock()).column()
    worse.measured(CHAT_1, Engine().round(CHAT_1))
    guessed = expected(worse, CHAT_32)
    worse.measured(CHAT_8, Engine().round(CHAT_8))
    assert expected(worse, CHAT_32) > 4 * guessed, "one that gains nothing is found out"


def test_a_round_that_was_measured_is_expected_to_take_as_long_again():
    column = Budget(Workload((CHAT,), (1,)), 1, Clock()).column()
    assert column.expect(CHAT_1) is None
    column.measured(CHAT_1, Engine().round(CHAT_1))
    assert column.expect(CHAT_1) == Engine().round(CHAT_1).span_s


def test_failed_rounds_teach_nothing_of_others_and_end_with_the_time():
    clock = Clock()
    column = Budget(Workload((CHAT,), (1, 8), budget_s=60), 1, clock).column()
    column.measured(CHAT_1, failed(CHAT_1))
    assert column.expect(CHAT_8) is None
    assert column.refusal(CHAT_8) is None
    clock.now += 61
    assert column.refusal(CHAT_8) == "8 at once were left out: the time for this engine was over."


def test_a_case_that_turns_out_slower_than_was_thought_is_left_out_after_its_warm_up():
    clock = Clock()
    column = Budget(Workload((CHAT,), (1, 8), budget_s=100), 1, clock).column()
    column.measured(CHAT_1, Engine().round(CHAT_1))
    assert column.refusal(CHAT_8) is None
    clock.now += 80
    column.measured(CHAT_8, Round(Engine().round(CHAT_8).samples, 80.0))
    assert not column.another(CHAT_8, 1, 0)
    assert column.shortened(CHAT_8, 1, 0) == (
        "8 at once were left out: a round took about 2 min; 2 more would have taken about 3 min, with 20 s"
        " left for this engine."
    )


def test_a_hung_round_is_cut_off_late_but_not_never():
    clock = Clock()
    column = Budget(Workload((CHAT,), (1, 8), budget_s=600), 2, clock).column()
    assert column.deadline_for(CHAT_1) == 300, "the column's share, of a case nothing is known of"
    column.measured(CHAT_1, Engine().round(CHAT_1))
    assert column.deadline_for(CHAT_1) == 30
    slow = Case(WRITE, 8)
    no_gain = 8 * Engine().round(Case(WRITE, 1)).span_s
    assert 2 * no_gain < column.deadline_for(slow) < 5 * no_gain, "also if it gains nothing"
    clock.now += 290
    assert column.deadline_for(slow) == pytest.approx(10 + TOLERANCE * 300)
    column.measured(slow, Round(Engine().round(slow).samples, 50.0))
    assert column.deadline_for(slow) == 200, "it is known now"
    clock.now += 300
    assert column.deadline_for(slow) == 100
    unlimited = Budget(Workload((CHAT,), (1,), budget_s=None), 1, clock).column()
    assert unlimited.deadline_for(CHAT_1) == 1800


shapes = st.builds(Shape, st.just("any"), st.integers(1, 4096), st.integers(2, 1024), st.integers(0, 16384))
engines = st.builds(Engine, st.floats(1e-5, 0.01), st.floats(1e-4, 0.5), st.floats(0, 1), st.floats(0, 100))


@given(
    st.lists(engines, min_size=1, max_size=4),
    st.lists(st.integers(1, 64), min_size=1, max_size=4, unique=True),
    st.integers(0, 3),
    st.integers(1, 6),
    st.floats(10, 3600),
)
def test_no_more_is_promised_than_is_left(engines, batches, warmups, repetitions, budget_s):
    """Engines no worse than one request after another keep the time and the tolerance, but for what is done
    regardless: their loads and the first figure of each."""
    workload = Workload((CHAT,), tuple(batches), warmups, repetitions, budget_s, alone=(SUMMARISE, WRITE))
    columns, passed = whole_test(workload, *engines)
    first = workload.cases[0]
    regardless = sum(it.load_s + (warmups + 1) * it.round(first).span_s for it in engines)
    assert passed <= (1 + TOLERANCE) * budget_s + regardless + 1e-6
    for done, said in columns:
        later = [count for case, count in done.items() if case != first]
        least = min(LEAST_REPETITIONS, repetitions) if warmups else 1
        assert all(count >= least for count in later)
        whole = sum(count == repetitions for count in done.values())
        assert len(said) == len(workload.cases) - whole, "every case is whole, or something is said"
        assert all(sentence.endswith(".") for sentence in said)


@given(engines, st.integers(2, 4), st.integers(0, 3), st.floats(10, 3600))
def test_a_slow_engine_takes_no_more_than_its_share(engine, columns, warmups, budget_s):
    clock = Clock()
    workload = Workload((CHAT,), (1, 4, 32, 128), warmups, 5, budget_s, alone=(WRITE,))
    budget = Budget(workload, columns, clock)
    run_column(budget.column(), workload, engine, clock)
    regardless = engine.load_s + (warmups + 1) * engine.round(CHAT_1).span_s
    assert clock.now - 1000 <= max((1 + TOLERANCE) * budget_s / columns, regardless) + 1e-6


@given(st.lists(st.tuples(shapes, st.integers(1, 256)), min_size=1, max_size=4), engines, shapes, st.data())
def test_more_is_never_expected_to_take_less(seen, engine, shape, data):
    column = Budget(Workload((CHAT,), (1,)), 1, Clock()).column()
    for measured in {Case(*it) for it in seen}:
        column.measured(measured, engine.round(measured))
    batch = data.draw(st.integers(1, 255))
    less = Case(shape, batch)
    larger = Shape("larger", shape.prompt_tokens + 1, shape.output_tokens + 1, shape.depth + 1)
    more = data.draw(st.sampled_from([Case(shape, batch + 1), Case(larger, batch), Case(larger, batch + 1)]))
    assume(not {less, more} & {Case(*it) for it in seen})
    assert expected(column, less) <= expected(column, more)


@given(engines, st.floats(0, 1000), st.floats(0, 1000))
def test_more_time_never_leaves_more_out(engine, less, more):
    less, more = sorted((less, more))

    def refused(left):
        clock = Clock()
        column = Budget(Workload((CHAT,), (1, 8), budget_s=2000), 1, clock).column()
        column.measured(CHAT_1, engine.round(CHAT_1))
        clock.now += 2000 - left
        return column.refusal(CHAT_8) is not None

    assert refused(less) or not refused(more)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6), st.floats(1, 1000))
def test_shares_are_fair_and_no_more_than_what_is_left(used, budget_s):
    clock = Clock()
    budget = Budget(Workload((CHAT,), (1,), budget_s=budget_s), len(used), clock)
    for at, seconds in enumerate(used):
        left = max(0.0, budget.left)
        column = budget.column()
        assert column.left == pytest.approx(left / (len(used) - at), abs=1e-6)
        clock.now += seconds
    assert math.isfinite(budget.left)
