"""What every real engine answers, through the client that the app uses: one suite for all of them."""

import re
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
from tests.engines.real_engines import CONTEXT

GREEDY = SamplingParams(temperature=0.0, max_tokens=24, seed=1)


def ask(served, question, params=GREEDY, *, ignore_eos=False, system=None) -> tuple[str, Any]:
    """The reply's text and how it ended."""
    messages = [ChatMessage(Role.USER, question)]
    if system:
        messages.insert(0, ChatMessage(Role.SYSTEM, system))
    *deltas, last = served.client.stream(ChatRequest(messages, params, ignore_eos), Cancellation())
    assert isinstance(last, Finished)
    return "".join(delta.text for delta in deltas), last


def test_a_reply_comes_piece_by_piece_with_its_counts(served):
    request = ChatRequest([ChatMessage(Role.USER, "What is the capital of France?")], GREEDY)
    *deltas, finished = served.client.stream(request, Cancellation())
    assert len(deltas) > 3
    assert all(isinstance(delta, TextDelta) for delta in deltas)
    assert 20 < finished.usage.prompt_tokens < 60
    assert 1 < finished.usage.completion_tokens <= 24


def test_usage_is_what_the_server_counts(served):
    messages = [ChatMessage(Role.SYSTEM, "Sei kurz."), ChatMessage(Role.USER, "Grüße, Zoë 家 🦊")]
    counted = served.client.count_prompt_tokens(messages)
    _, finished = ask(served, messages[1].content, system=messages[0].content)
    assert finished.usage.prompt_tokens == counted
    assert counted is not None
    assert counted <= token_bound(messages)


def test_a_fixed_length_for_measuring(served):
    params = SamplingParams(temperature=0.0, max_tokens=40)
    _, finished = ask(served, "Say: ok", params, ignore_eos=True)
    assert finished.reason is FinishReason.LENGTH
    assert finished.usage.completion_tokens == 40


def test_a_seed_makes_a_reply_again(served):
    params = SamplingParams(temperature=1.5, top_k=0, top_p=1.0, min_p=0.0, max_tokens=16, seed=7)
    first = ask(served, "Invent a name.", params)[0]
    assert ask(served, "Invent a name.", params)[0] == first
    others = {
        ask(served, "Invent a name.", SamplingParams(1.5, 1.0, 0, 0.0, 1.0, 16, n))[0] for n in (8, 9, 10)
    }
    assert others != {first}


def test_characters_of_several_tokens_arrive_whole(served):
    """The model is led to repeat what it has hardly seen; every emoji takes several byte tokens."""
    text, _ = ask(served, "Repeat exactly: 🦊 家 ü 🦊 家 ü 🦊 家 ü", SamplingParams(0.0, max_tokens=30))
    assert re.search("[🦊家ü]", text)
    assert "\ufffd" not in text


def test_more_than_the_context(served):
    with pytest.raises(ContextOverflow, match="longer than the model's context") as caught:
        ask(served, "word " * 3 * CONTEXT)
    # Not every engine tells them.
    assert caught.value.context_length in (CONTEXT, None)
    assert caught.value.prompt_tokens is None or caught.value.prompt_tokens > 3 * CONTEXT
    assert ask(served, "Hi")[0], "the engine goes on"


def test_a_long_prompt_and_a_reply_that_fills_the_context(served):
    question = "one two three four five. " * 70
    text, finished = ask(served, question, SamplingParams(max_tokens=None), ignore_eos=True)
    assert text
    assert finished.reason is FinishReason.LENGTH
    assert CONTEXT - 150 < finished.usage.prompt_tokens < CONTEXT
    assert finished.usage.prompt_tokens + finished.usage.completion_tokens in (CONTEXT, CONTEXT + 1)


def test_a_cancel_ends_the_stream_at_once_and_the_engine_goes_on(served):
    for _ in range(3):
        cancellation = Cancellation()
        request = ChatRequest(
            [ChatMessage(Role.USER, "Tell a very long story.")],
            SamplingParams(max_tokens=400),
            ignore_eos=True,
        )
        events = served.client.stream(request, cancellation)
        for _ in range(5):
            assert isinstance(next(events), TextDelta)
        began = time.monotonic()
        cancellation.cancel()
        assert list(events)[-1] == Finished(FinishReason.CANCELLED)
        assert time.monotonic() - began < 0.2
    assert ask(served, "Hi")[0]


def test_eight_at_once(served):
    replies: dict[int, tuple[str, Finished]] = {}

    def one(number):
        replies[number] = ask(served, f"Say the number {number}.", SamplingParams(0.0, max_tokens=12))

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert sorted(replies) == list(range(8))
    assert all(text and finished.usage for text, finished in replies.values())


@pytest.mark.parametrize("params", [SamplingParams(temperature="hot"), SamplingParams(top_k=[1])])  # type: ignore[arg-type]
def test_parameters_it_cannot_take_are_refused(served, params):
    with pytest.raises(RequestRefused) as caught:
        ask(served, "Hi", params)
    assert 400 <= caught.value.status < 600
    assert caught.value.message.startswith("The engine refused the request: ")


def address(served, key):
    return Address("127.0.0.1", served.client._address.port, key, "x")


def test_without_the_key_nobody_is_answered(served):
    stranger = OpenAIClient(address(served, "guessed"), served.adapter.dialect)
    with pytest.raises(RequestRefused, match="refused the API key") as caught:
        list(stranger.stream(ChatRequest([ChatMessage(Role.USER, "Hi")]), Cancellation()))
    assert caught.value.status == 401
    if served.adapter.dialect.count_path.startswith(
        "/v1"
    ):  # vLLM's /tokenize is outside of what its key guards
        with pytest.raises(RequestRefused, match="refused the API key"):
            stranger.count_prompt_tokens([ChatMessage(Role.USER, "Hi")])


def test_the_key_is_in_no_argument_and_no_log(served):
    key = served.client._address.api_key
    assert len(key) >= 40
    for process in psutil.process_iter(["cmdline"]):
        assert not any(key in argument for argument in process.info["cmdline"] or ())
    assert key not in served.process.read_log()


def test_two_engines_at_once(served, model, load):
    """Each is a process of its own, and neither waits for the other."""
    other = load()
    mine: list[object] = []
    request = ChatRequest([ChatMessage(Role.USER, "Tell a story.")], SamplingParams(max_tokens=120))
    thread = threading.Thread(target=lambda: mine.extend(served.client.stream(request, Cancellation())))
    thread.start()
    assert ask(other, "Hi")[0]
    thread.join(120)
    assert isinstance(mine[-1], Finished)
    assert other.client._address.port != served.client._address.port


def test_nobody_outside_can_reach_it(served):
    processes = psutil.Process(served.process.pid).children(recursive=True)
    listening = {
        connection.laddr.ip
        for process in processes
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert "127.0.0.1" in listening
    assert listening <= {"127.0.0.1", "::1"}
