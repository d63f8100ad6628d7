"""The speed test's load on real engines: what is asked for comes exactly, and times are the engine's own."""

from __future__ import annotations

from typing import Any

import pytest

from app.benchmark.load_messages import LoadJob
from app.benchmark.load_process import LoadProcess
from app.benchmark.statistics import case_result
from app.domain.generation import Cancellation, ChatMessage, Role
from app.domain.speed_test import Case, Shape

TOKENS = 48
LIMIT_S = 100.0


@pytest.fixture(scope="module")
def load():
    process = LoadProcess.start()
    yield process
    process.close()


def measure(load, engine, requests: int, rounds: int) -> Any:
    """What so many rounds of different questions, each of the same length, come to."""
    client = engine.client
    done, prompt_tokens = [], 0
    for number in range(rounds):
        prompts = tuple(
            (ChatMessage(Role.USER, f"{(number * requests + one) % 10} bridges: which is the oldest?"),)
            for one in range(requests)
        )
        prompt_tokens = client.count_prompt_tokens(prompts[0])
        job = LoadJob(client._address, client._dialect, prompts, TOKENS)
        done.append(load.round(job, Cancellation(), LIMIT_S))
    return case_result(Case(Shape("bridges", prompt_tokens, TOKENS), requests), done)


def test_every_engine_does_exactly_what_is_asked(load, served):
    for requests in (1, 3):
        result = measure(load, served, requests, 2)
        assert (result.problem, result.short_rounds, result.completion_tokens) == ("", 0, TOKENS)
        assert result.ttft.n == 2 * requests
        assert 0 < result.itl.p5 <= result.itl.p95
        assert 0.9 < result.tokens_per_piece < 3
        assert result.total_rate.median > result.output_rate.median > 1


def test_the_times_are_those_of_the_servers_own_stopwatch(load, loaded):
    """Its rate counts the first token, too, which was made with the prompt: n / (n - 1) too high."""
    measure(load, loaded, 1, 1)
    result = measure(load, loaded, 1, 5)
    own = result.server_rate.median * (TOKENS - 1) / TOKENS
    print(f"decode over the server's own: {result.decode_rate / own:.4f}")
    assert result.decode_rate == pytest.approx(own, rel=0.1)
    assert result.duration.median == pytest.approx(result.ttft.median + (TOKENS - 1) / own, rel=0.1)
