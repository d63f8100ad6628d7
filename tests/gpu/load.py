"""Many requests at once through the app's own client, and what they measured."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass

from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    Role,
    SamplingParams,
    TextDelta,
)
from app.engines.loaded_model import LoadedModel

PROMPT_WORDS, REPLY_TOKENS = 76, 128
"""Some 128 tokens with the chat template, and as many in the reply."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One reply: seconds to its first text and to its end, and the tokens that the engine counted."""

    first_text_s: float
    whole_s: float
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Round:
    """`at_once` replies side by side. Times in seconds; tokens a second over all of them."""

    at_once: int
    tokens_per_second: float
    first_text_p50_s: float
    first_text_worst_s: float
    time_per_token_p50_s: float
    prompt_tokens: int


def ask(loaded: LoadedModel, words: str, tokens: int = REPLY_TOKENS) -> Stream:
    """One reply of exactly `tokens`, greedy, the end token ignored."""
    request = ChatRequest(
        [ChatMessage(Role.USER, words)], SamplingParams(temperature=0.0, max_tokens=tokens), True
    )
    began = time.perf_counter()
    first: float | None = None
    for event in loaded.client.stream(request, Cancellation()):
        if first is None and isinstance(event, TextDelta):
            first = time.perf_counter() - began
        if isinstance(event, Finished):
            whole = time.perf_counter() - began
            assert event.usage is not None
            return Stream(first or whole, whole, event.usage.prompt_tokens, event.usage.completion_tokens)
    raise AssertionError("unreachable: a stream ends with Finished or raises")


def measure(loaded: LoadedModel, at_once: int) -> Round:
    """`at_once` replies, begun together. Their prompts differ from the first word on: no prefix is cached."""
    streams: list[Stream] = []
    ready = threading.Barrier(at_once + 1)

    def one(number: int) -> None:
        words = f"{time.time_ns()} {number} " + "story " * PROMPT_WORDS
        ready.wait()
        streams.append(ask(loaded, words))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(at_once)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    assert len(streams) == at_once, "a reply failed; its traceback stands above"
    return Round(
        at_once,
        sum(s.completion_tokens for s in streams) / took,
        statistics.median(s.first_text_s for s in streams),
        max(s.first_text_s for s in streams),
        statistics.median((s.whole_s - s.first_text_s) / max(1, s.completion_tokens - 1) for s in streams),
        round(statistics.median(s.prompt_tokens for s in streams)),
    )


def middle(rounds: list[Round]) -> Round:
    """The round whose speed is the median's."""
    return sorted(rounds, key=lambda r: r.tokens_per_second)[len(rounds) // 2]
