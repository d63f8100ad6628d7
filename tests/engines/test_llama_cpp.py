"""What llama-server alone says: its stopwatch, and in its log when a slot is free again."""

import statistics
import threading
import time

from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    FinishReason,
    Role,
    SamplingParams,
    TextDelta,
)
from tests.engines.test_replies import ask


def test_a_reply_with_its_counts_and_times(loaded):
    text, finished = ask(loaded, "What is the capital of France?")
    assert text
    assert finished.usage is not None
    assert finished.timings is not None
    assert 20 < finished.usage.prompt_tokens < 60
    assert 1 < finished.usage.completion_tokens <= 24
    assert finished.timings.completion_tokens == finished.usage.completion_tokens
    assert finished.timings.tokens_per_second > 1


def test_a_prompt_that_is_not_to_be_cached_is_read_whole_again(loaded):
    def read(*, uncached: bool) -> int:
        messages = [ChatMessage(Role.USER, "Which of the nine bridges is the oldest, and who built it?")]
        request = ChatRequest(messages, SamplingParams(max_tokens=1), uncached=uncached)
        *_, finished = loaded.client.stream(request, Cancellation())
        return finished.timings.prompt_tokens

    whole = read(uncached=True)
    assert read(uncached=False) < whole
    assert read(uncached=True) == whole > 20


def released(loaded):
    return loaded.process.read_log().count("stop processing")


def test_a_cancel_stops_the_server_within_200_ms(loaded):
    """Told by the server's own log: its slot is released."""
    took = []
    for _ in range(3):
        cancellation = Cancellation()
        request = ChatRequest(
            [ChatMessage(Role.USER, "Tell a very long story.")],
            SamplingParams(max_tokens=1500),
            ignore_eos=True,
        )
        events = loaded.client.stream(request, cancellation)
        for _ in range(5):
            assert isinstance(next(events), TextDelta)
        before = released(loaded)  # by now the log has all of earlier requests
        began = time.monotonic()
        cancellation.cancel()
        assert list(events)[-1] == Finished(FinishReason.CANCELLED)
        client_s = time.monotonic() - began
        while released(loaded) == before:
            assert time.monotonic() - began < 5
            threading.Event().wait(0.002)
        took.append(time.monotonic() - began)
        assert client_s < 0.2
    print("cancelled, and the slot released, after", took)
    assert statistics.median(took) < 0.2


def test_a_cancel_while_a_long_prompt_is_read(loaded):
    """Nothing has come yet; whoever asks next does not wait for what nobody wants any more."""
    prompts, cancellation = loaded.process.read_log().count("launch_slot"), Cancellation()
    request = ChatRequest([ChatMessage(Role.USER, f"{time.time_ns()} seven eight nine. " * 20)])
    outcome: list[object] = []
    thread = threading.Thread(target=lambda: outcome.extend(loaded.client.stream(request, cancellation)))
    thread.start()
    deadline = time.monotonic() + 10
    while loaded.process.read_log().count("launch_slot") == prompts:
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)
    began = time.monotonic()
    cancellation.cancel()
    thread.join(5)
    assert time.monotonic() - began < 0.2
    assert outcome == [Finished(FinishReason.CANCELLED)]
    assert ask(loaded, "Hi")[0]
