"""Prompts of the speed test, counted by the tokenizer of a real model."""

from statistics import mean

import pytest

from app.benchmark.prompts import Prompts, words_of
from app.benchmark.workload import CHAT, SUMMARISE, WRITE
from app.domain.generation import Cancellation, ChatRequest, Finished, SamplingParams
from app.domain.speed_test import Shape

DEEP = Shape("deep", 96, 16, 4000)


@pytest.fixture(scope="module")
def counter(loaded):
    """Counts, and counts how often it was asked."""
    asked = []

    def count(messages):
        asked.append(messages)
        return loaded.client.count_prompt_tokens(messages)

    count.asked = asked  # type: ignore[attr-defined]
    return count


@pytest.mark.parametrize(
    ("shape", "number"), [(WRITE, 32), (CHAT, 32), (SUMMARISE, 16), (DEEP, 4)], ids=lambda it: str(it)[:16]
)
def test_a_prompt_has_the_tokens_that_were_asked(counter, shape, number):
    prompts = Prompts(counter, seed=1)
    assert prompts.refusal(shape) is None
    counter.asked.clear()
    made = prompts.make(shape, number)
    assert len(counter.asked) <= 3.5 * number
    print(shape.name, len(counter.asked) / number, "counts a prompt")
    assert [counter(messages) for messages in made] == [shape.depth + shape.prompt_tokens] * number
    beginnings = {" ".join(messages[-1].content.split()[:4]) for messages in made}
    assert len(beginnings) == number


def test_the_engine_reads_as_many_as_were_counted(counter, loaded):
    (messages,) = Prompts(counter, seed=2).make(CHAT, 1)
    request = ChatRequest(messages, SamplingParams(temperature=0.0, max_tokens=4), ignore_eos=True)
    *_, finished = loaded.client.stream(request, Cancellation())
    assert isinstance(finished, Finished)
    assert finished.usage is not None
    assert finished.usage.prompt_tokens == CHAT.prompt_tokens


def test_estimates_come_close_once_replies_were_seen(counter):
    prompts = Prompts(lambda _: None, seed=3)
    for shape in (CHAT, SUMMARISE):
        for messages in prompts.make(shape, 4):
            prompts.learn(words_of(messages), counter(messages))
    for shape in (CHAT, SUMMARISE):
        counted = [counter(messages) for messages in prompts.make(shape, 16)]
        print(shape.name, "estimated:", counted)
        assert abs(mean(counted) / shape.prompt_tokens - 1) < 0.03
        assert all(abs(it / shape.prompt_tokens - 1) < 0.1 for it in counted)
