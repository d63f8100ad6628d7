"""What a real engine answers, through the client that the app uses."""

import re
import statistics
import threading
import time
from typing import Any

import psutil
import pytest

from app.domain.context_window import token_bound
from app.domain.errors import ContextOverflow, RequestRefused
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
from app.engines.openai_client import Address, OpenAIClient
from tests.engines.conftest import CONTEXT

GREEDY = SamplingParams(temperature=0.0, max_tokens=24, seed=1)


def ask(loaded, question, params=GREEDY, *, ignore_eos=False, system=None) -> tuple[str, Any]:
    """The reply's text and how it ended."""
    messages = [ChatMessage(Role.USER, question)]
    if system:
        messages.insert(0, ChatMessage(Role.SYSTEM, system))
    *deltas, last = loaded.client.stream(ChatRequest(messages, params, ignore_eos), Cancellation())
    assert isinstance(last, Finished)
    return "".join(delta.text for delta in deltas), last


def test_a_reply_with_its_counts_and_times(loaded):
    text, finished = ask(loaded, "What is the capital of France?")
    assert text
    assert finished.usage is not None
    assert finished.timings is not None
    assert 20 < finished.usage.prompt_tokens < 60
    assert 1 < finished.usage.completion_tokens <= 24
    assert finished.timings.completion_tokens == finished.usage.completion_tokens
    assert finished.timings.tokens_per_second > 1


def test_usage_is_what_the_server_counts(loaded):
    messages = [ChatMessage(Role.SYSTEM, "Sei kurz."), ChatMessage(Role.USER, "Grüße, Zoë 家 🦊")]
    counted = loaded.client.count_prompt_tokens(messages)
    _, finished = ask(loaded, messages[1].content, system=messages[0].content)
    assert finished.usage.prompt_tokens == counted
    assert counted is not None
    assert counted <= token_bound(messages)


def test_a_fixed_length_for_measuring(loaded):
    params = SamplingParams(temperature=0.0, max_tokens=40)
    _, finished = ask(loaded, "Say: ok", params, ignore_eos=True)
    assert finished.reason is FinishReason.LENGTH
    assert finished.usage.completion_tokens == 40


def test_a_seed_makes_a_reply_again(loaded):
    params = SamplingParams(temperature=1.5, top_k=0, top_p=1.0, min_p=0.0, max_tokens=16, seed=7)
    first = ask(loaded, "Invent a name.", params)[0]
    assert ask(loaded, "Invent a name.", params)[0] == first
    others = {
        ask(loaded, "Invent a name.", SamplingParams(1.5, 1.0, 0, 0.0, 1.0, 16, n))[0] for n in (8, 9, 10)
    }
    assert others != {first}


def test_characters_of_several_tokens_arrive_whole(loaded):
    """The model is led to repeat what it has hardly seen; every emoji takes several byte tokens."""
    text, _ = ask(loaded, "Repeat exactly: 🦊 家 ü 🦊 家 ü 🦊 家 ü", SamplingParams(0.0, max_tokens=30))
    assert re.search("[🦊家ü]", text)
    assert "\ufffd" not in text


def test_more_than_the_context(loaded):
    with pytest.raises(ContextOverflow, match="longer than the model's context") as caught:
        ask(loaded, "word " * 3 * CONTEXT)
    assert caught.value.context_length == CONTEXT
    assert (caught.value.prompt_tokens or 0) > 3 * CONTEXT
    assert ask(loaded, "Hi")[0], "the engine goes on"


def test_a_long_prompt_and_a_reply_that_fills_the_context(loaded):
    question = "one two three four five. " * 70
    text, finished = ask(loaded, question, SamplingParams(max_tokens=None), ignore_eos=True)
    assert text
    assert finished.reason is FinishReason.LENGTH
    assert CONTEXT - 150 < finished.usage.prompt_tokens < CONTEXT
    assert finished.usage.prompt_tokens + finished.usage.completion_tokens in (CONTEXT, CONTEXT + 1)


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


def test_eight_at_once(loaded):
    replies: dict[int, tuple[str, Finished]] = {}

    def one(number):
        replies[number] = ask(loaded, f"Say the number {number}.", SamplingParams(0.0, max_tokens=12))

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(replies) == list(range(8))
    assert all(text and finished.usage for text, finished in replies.values())


@pytest.mark.parametrize("params", [SamplingParams(temperature="hot"), SamplingParams(top_k=[1])])  # type: ignore[arg-type]
def test_parameters_it_cannot_take_are_refused(loaded, params):
    with pytest.raises(RequestRefused) as caught:
        ask(loaded, "Hi", params)
    assert 400 <= caught.value.status < 600
    assert caught.value.message.startswith("The engine refused the request: ")


def address(loaded, key):
    return Address("127.0.0.1", loaded.client._address.port, key, "x")


def test_without_the_key_nobody_is_answered(loaded):
    stranger = OpenAIClient(address(loaded, "guessed"), loaded.adapter.dialect)
    with pytest.raises(RequestRefused, match="refused the API key") as caught:
        list(stranger.stream(ChatRequest([ChatMessage(Role.USER, "Hi")]), Cancellation()))
    assert caught.value.status == 401
    with pytest.raises(RequestRefused, match="refused the API key"):
        stranger.count_prompt_tokens([ChatMessage(Role.USER, "Hi")])


def test_the_key_is_in_no_argument_and_no_log(loaded):
    key = loaded.client._address.api_key
    assert len(key) >= 40
    for process in psutil.process_iter(["cmdline"]):
        assert not any(key in argument for argument in process.info["cmdline"] or ())
    assert key not in loaded.process.read_log()


def test_it_listens_on_loopback_alone(loaded):
    (engine,) = psutil.Process(loaded.process.pid).children()
    listening = [c.laddr.ip for c in engine.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]
