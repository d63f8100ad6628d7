import pytest

from app.domain.generation import ServerTimings, Usage
from app.domain.metrics import GenerationMetrics


def test_speed_counts_the_gaps_between_tokens():
    metrics = GenerationMetrics(ttft_s=0.5, duration_s=2.5, prompt_tokens=10, completion_tokens=101)
    assert metrics.tokens_per_second == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("ttft_s", "duration_s", "tokens"),
    [(None, 1.0, 10), (0.5, 1.0, None), (0.5, 1.0, 1), (0.5, 1.0, 0), (1.0, 1.0, 10), (2.0, 1.0, 10)],
)
def test_what_cannot_be_measured_is_none(ttft_s, duration_s, tokens):
    assert GenerationMetrics(ttft_s, duration_s, completion_tokens=tokens).tokens_per_second is None


def test_counts_come_from_the_server():
    metrics = GenerationMetrics.measured(
        ttft_s=0.1, duration_s=1.0, usage=Usage(5, 9), timings=ServerTimings(5, 50.0, 9, 90.0)
    )
    assert metrics == GenerationMetrics(0.1, 1.0, 5, 9, 100.0)


def test_without_counts_nothing_is_invented():
    metrics = GenerationMetrics.measured(ttft_s=None, duration_s=1.0, usage=None, timings=None)
    assert metrics == GenerationMetrics(None, 1.0, None, None, None)
