"""The core of tests/engines for an engine that is loaded on a GPU: what it must do besides being fast.

Each function returns what it saw; an AssertionError or an unexpected error is a failure.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import threading
import time
from collections.abc import Callable

import psutil

from app.domain.errors import ContextOverflow, EngineGone, RequestRefused
from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    FinishReason,
    Role,
    SamplingParams,
    StreamEvent,
    TextDelta,
)
from app.engines.base import HOST
from app.engines.loaded_model import LoadedModel
from app.engines.openai_client import Address, OpenAIClient
from tests.gpu.load import ask, measure

Seen = str


def stream_and_usage(loaded: LoadedModel) -> Seen:
    """A reply comes in pieces, and usage is exact."""
    pieces = list(_stream(loaded, "Tell me a story.", 40))
    last = pieces[-1]
    assert isinstance(last, Finished)
    assert last.usage is not None
    assert last.usage.completion_tokens == 40
    assert last.reason is FinishReason.LENGTH
    texts = sum(isinstance(piece, TextDelta) for piece in pieces)
    assert texts > 3, texts
    return f"{texts} pieces for 40 tokens"


def counting(loaded: LoadedModel) -> Seen:
    """The engine counts a prompt as it bills it, or says that it cannot."""
    messages = [ChatMessage(Role.SYSTEM, "Sei kurz."), ChatMessage(Role.USER, "Grüße, Zoë 家 🦊")]
    counted = loaded.client.count_prompt_tokens(messages)
    *_, last = loaded.client.stream(ChatRequest(messages, SamplingParams(max_tokens=4)), Cancellation())
    assert isinstance(last, Finished)
    assert last.usage is not None
    assert counted in (None, last.usage.prompt_tokens)
    return f"counted {counted}, billed {last.usage.prompt_tokens}"


def overflow(loaded: LoadedModel) -> Seen:
    """More than the context is refused as such, and the engine goes on."""
    try:
        ask(loaded, "word " * 2 * loaded.context_length)
    except ContextOverflow as error:
        assert ask(loaded, "Hi", 4).completion_tokens == 4
        return error.detail[:200]
    raise AssertionError("it took more than its context")


def wrong_key(loaded: LoadedModel) -> Seen:
    """Without the key nobody is answered."""
    stranger = OpenAIClient(Address(HOST, port_of(loaded), "guessed", loaded.name), loaded.adapter.dialect)
    try:
        list(stranger.stream(ChatRequest([ChatMessage(Role.USER, "Hi")]), Cancellation()))
    except RequestRefused as error:
        return f"{error.status}: {error.message}"
    raise AssertionError("it answered a stranger")


def cancel(loaded: LoadedModel) -> Seen:
    """After a cancel the client is back at once, and vLLM has no request left soon after."""
    cancellation = Cancellation()
    events = loaded.client.stream(_request("Tell a very long story.", 3000), cancellation)
    for _ in range(5):
        assert isinstance(next(events), TextDelta)
    assert running(loaded) in (1, None)
    began = time.perf_counter()
    cancellation.cancel()
    assert list(events)[-1] == Finished(FinishReason.CANCELLED)
    client_s = time.perf_counter() - began
    free_s = wait_until(lambda: running(loaded) in (0, None), 10.0)
    return f"client back after {client_s * 1000:.0f} ms, engine free after {free_s * 1000:.0f} ms"


def eight_at_once(loaded: LoadedModel) -> Seen:
    """Eight replies side by side are faster than one after another."""
    alone, together = measure(loaded, 1), measure(loaded, 8)
    factor = together.tokens_per_second / alone.tokens_per_second
    assert factor >= 3, factor
    return f"{factor:.1f} times one alone"


def killed_while_streaming(loaded: LoadedModel) -> Seen:
    """`kill -9` of the engine breaks the reply off with a sentence; nothing it started is left."""
    family = psutil.Process(loaded.process.pid).children(recursive=True)
    events = loaded.client.stream(_request("Tell a very long story.", 3000), Cancellation())
    next(events)
    os.kill(family[0].pid, signal.SIGKILL)
    try:
        list(events)
    except EngineGone as error:
        said = error.message
    else:
        raise AssertionError("the reply ended as if nothing had happened")
    gone, alive = psutil.wait_procs(family, timeout=10)
    assert not alive, alive
    return f"“{said}”, {len(gone)} processes gone"


CHECKS: tuple[Callable[[LoadedModel], Seen], ...] = (
    stream_and_usage,
    counting,
    overflow,
    wrong_key,
    cancel,
    eight_at_once,
)
"""Those that leave the engine as it was."""


def running(loaded: LoadedModel) -> int | None:
    """Requests that vLLM computes or keeps waiting now; None of an engine without such a metric."""
    connection = http.client.HTTPConnection(HOST, port_of(loaded), timeout=5.0)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    found = re.findall(r"^vllm:num_requests_(?:running|waiting)(?:\{[^}]*\})? ([\d.]+)", text, re.MULTILINE)
    return sum(int(float(number)) for number in found) if found else None


def port_of(loaded: LoadedModel) -> int:
    """Where it listens."""
    return loaded.client._address.port


def wait_until(condition: Callable[[], bool], limit_s: float) -> float:
    """Seconds until `condition` held; an AssertionError after `limit_s`."""
    began = time.perf_counter()
    while not condition():
        assert time.perf_counter() - began < limit_s, f"not after {limit_s} s"
        threading.Event().wait(0.005)
    return time.perf_counter() - began


def _request(words: str, tokens: int) -> ChatRequest:
    return ChatRequest(
        [ChatMessage(Role.USER, words)], SamplingParams(temperature=0.0, max_tokens=tokens), True
    )


def _stream(loaded: LoadedModel, words: str, tokens: int) -> list[StreamEvent]:
    return list(loaded.client.stream(_request(words, tokens), Cancellation()))
