import dataclasses
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmark.statistics import case_result, spread
from app.domain.generation import ServerTimings
from app.domain.speed_test import Case, RequestSample, Round, Shape, Spread, Watched

SHAPE = Shape("chat", 128, 4)
TWO = Case(SHAPE, 2)
WATCHED = Watched(memory_peak=7)


def result_of(*values) -> Any:
    return case_result(*values)


def spread_of(values) -> Any:
    return spread(values)


def sample(**changes):
    good = RequestSample(
        began_s=0.0,
        ttft_s=1.0,
        duration_s=2.5,
        gaps_s=(0.4, 0.5, 0.6),
        prompt_tokens=128,
        completion_tokens=4,
        timings=ServerTimings(128, 900.0, 4, 1000.0),
    )
    return dataclasses.replace(good, **changes)


def two(span_s=2.5, **changes):
    return Round((sample(), sample(**changes)), span_s)


# numpy.percentile(values, (50, 5, 95)), numpy 2.3
@pytest.mark.parametrize(
    ("values", "median", "p5", "p95"),
    [
        ([3.0], 3.0, 3.0, 3.0),
        ([2.0, 1.0], 1.5, 1.05, 1.95),
        ([5.0, 1.0, 4.0, 2.0, 3.0], 3.0, 1.2, 4.8),
        ([0.1, 0.4, 0.2, 0.9], 0.3, 0.115, 0.825),
    ],
)
def test_percentiles_lie_between_order_statistics_as_in_numpy(values, median, p5, p95):
    found = spread_of(values)
    assert found.n == len(values)
    assert (found.median, found.p5, found.p95) == pytest.approx((median, p5, p95))


@given(st.lists(st.floats(0, 1e6), min_size=2))
def test_the_median_is_the_median_and_the_percentiles_enclose_it(values):
    found = spread_of(values)
    assert found.median == pytest.approx(statistics.median(values))
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    assert (found.p5, found.p95) == pytest.approx((cuts[0], cuts[-1]))


def test_what_was_not_measured_is_no_zero():
    assert spread_of([]) is None
    assert spread_of([None, None]) is None
    assert spread_of([None, 2.0]) == Spread(2.0, 2.0, 2.0, 1)


def test_every_figure_of_a_case():
    result = result_of(TWO, [two(), two(span_s=5.0)], WATCHED)
    assert (result.case, result.rounds, result.short_rounds, result.problem) == (TWO, 2, 0, "")
    assert result.watched is WATCHED
    assert result.ttft == Spread(1.0, 1.0, 1.0, 4)
    assert result.duration == Spread(2.5, 2.5, 2.5, 4)
    assert result.tpot == Spread(0.5, 0.5, 0.5, 4)
    assert result.decode_rate == 2.0
    assert result.itl.n == 12
    assert result.itl.median == 0.5
    # 8 tokens in 2.5 s and in 5 s, 264 with the prompts'
    assert (result.output_rate.median, result.output_rate.n) == (pytest.approx((3.2 + 1.6) / 2), 2)
    assert result.total_rate.median == pytest.approx((105.6 + 52.8) / 2)
    assert result.server_rate == Spread(4.0, 4.0, 4.0, 4)
    assert (result.prompt_tokens, result.completion_tokens) == (128, 4)
    assert result.tokens_per_piece == 1.0


def test_several_tokens_in_a_piece_are_told():
    result = result_of(TWO, [Round((sample(gaps_s=(1.5,)), sample(gaps_s=(1.5,))), 2.5)])
    assert result.tokens_per_piece == 2.0
    assert result.tpot.median == 0.5  # by tokens, not by pieces


def test_what_the_engine_does_not_tell_is_left_open():
    quiet = sample(prompt_tokens=None, timings=None)
    result = result_of(TWO, [Round((quiet, quiet), 2.5)])
    assert result.short_rounds == 0
    assert result.output_rate is not None
    assert result.total_rate is result.server_rate is result.prompt_tokens is None


def test_nothing_was_done():
    result = result_of(TWO, [])
    assert (result.rounds, result.ttft, result.tokens_per_piece, result.problem) == (0, None, None, "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"completion_tokens": 3}, "1 of 2 replies had 3 tokens instead of the 4 asked for."),
        ({"completion_tokens": 1}, "1 of 2 replies had 1 token instead of the 4 asked for."),
        ({"completion_tokens": 5}, "1 of 2 replies had 5 tokens instead of the 4 asked for."),
        ({"completion_tokens": None}, "The engine did not say how many tokens its replies had."),
        ({"prompt_tokens": 133}, "1 of 2 prompts had 133 tokens instead of the 128 asked for."),
        ({"prompt_tokens": 123}, "1 of 2 prompts had 123 tokens instead of the 128 asked for."),
        ({"ttft_s": None, "gaps_s": ()}, "1 of 2 replies had no text."),
        ({"error": "The engine is full."}, "1 of 2 requests failed: The engine is full."),
    ],
)
def test_a_round_that_falls_short_is_told_and_not_averaged(changes, said):
    short = two(span_s=1.0, **changes)
    result = result_of(TWO, [two(), short, two()])
    assert (result.rounds, result.short_rounds) == (3, 1)
    assert result.problem == f"1 of 3 rounds does not count. {said}"
    assert result.output_rate == Spread(3.2, 3.2, 3.2, 2)
    assert result.ttft.n == 4

    alone = result_of(TWO, [short])
    assert (alone.rounds, alone.short_rounds, alone.problem) == (1, 1, said)
    assert alone.ttft is alone.itl is alone.output_rate is alone.tokens_per_piece is None


@pytest.mark.parametrize("prompt_tokens", [124, 132])
def test_a_few_tokens_more_or_less_in_a_prompt_are_the_templates(prompt_tokens):
    assert not result_of(TWO, [two(prompt_tokens=prompt_tokens)]).short_rounds


def test_a_prompt_is_as_long_as_all_that_stands_in_the_context():
    deep = Case(Shape("chat at 4k", 128, 4, depth=4096), 1)
    assert not result_of(deep, [Round((sample(prompt_tokens=4224 + 126),), 2.5)]).short_rounds
    result = result_of(deep, [Round((sample(prompt_tokens=4224 + 127),), 2.5)])
    assert result.problem == "The prompt had 4,351 tokens instead of the 4,224 asked for."


def test_the_first_cause_is_said_and_how_many_rounds_there_were():
    result = result_of(TWO, [two(error="A."), two(), two(error="B.")])
    assert result.problem == "2 of 3 rounds do not count. 1 of 2 requests failed: A."
