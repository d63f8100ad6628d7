"""The one client of all engines: OpenAI's chat API over HTTP, streamed.

`http.client` rather than a larger library: a stream must be cancelled from another thread within
milliseconds, also while the engine has not answered yet, and for that the client must own its socket.
Every request has a connection of its own, so closing it is all that a cancel takes.

What HTTP and TLS need is imported with the first request: a start of the window does without.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.domain.errors import EngineGone
from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    FinishReason,
    ServerTimings,
    StreamEvent,
    Usage,
)
from app.engines import refusals
from app.engines.address import Address
from app.engines.openai_events import deltas, is_count, json_object, objects, timings_of, usage_of
from app.engines.sse import EventTooLong, SseDecoder

if TYPE_CHECKING:
    from app.engines.http_exchange import Exchange, Wire

__all__ = ["SALT", "Address", "Dialect", "OpenAIClient"]

MAX_ANSWER_BYTES = 1024 * 1024
"""Longest answer read that is not a stream."""

COUNT_LIMIT_S = 30.0
"""For counting tokens on an attached server, which nobody can stop and a reply waits for."""

SALT = object()
"""In `Dialect.uncached`: a text that no other request has."""

_OK = 200
_REDIRECTS = range(300, 400)
_CANNOT_COUNT = frozenset({400, 403, 404, 405, 422, 501})
"""What servers answer at an endpoint that they do not have or that takes something else in their version, and
proxies at one that they do not let through."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine spells what OpenAI's API leaves open."""

    parameters: Mapping[str, str] = field(
        default_factory=lambda: {
            "temperature": "temperature",
            "top_p": "top_p",
            "max_tokens": "max_tokens",
            "seed": "seed",
        }
    )
    """Our parameter names to the engine's; a parameter that is not listed is not sent."""
    count_path: str | None = None
    """Path that counts the tokens of a list of messages as `input_tokens` (llama.cpp) or `count` (vLLM); it
    begins where the server's own endpoints do."""
    uncached: Mapping[str, object] = field(default_factory=dict)
    """What a request brings whose prompt shall not be looked for in the prompt cache; `SALT` is a text
    of its own. Empty where the engine cannot be told."""


class OpenAIClient:
    """A `ChatBackend` for any server that speaks OpenAI's chat API. Safe to use from several threads.

    Times are in seconds. `first_byte_timeout_s` is long: a slow machine may read a long prompt for
    minutes before it has anything to say, and a person can always stop it. `idle_timeout_s` counts
    between two pieces of a reply that has begun. While `offline` says so, a server on another computer is not
    asked anything, and ServerBlocked is raised.
    """

    def __init__(
        self,
        address: Address,
        dialect: Dialect,
        *,
        connect_timeout_s: float = 5.0,
        first_byte_timeout_s: float = 900.0,
        idle_timeout_s: float = 120.0,
        offline: Callable[[], bool] = lambda: False,
    ) -> None:
        self._address = address
        self._dialect = dialect
        self._connect_timeout_s = connect_timeout_s
        self._first_byte_timeout_s = first_byte_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._offline = offline
        self._lock = threading.Lock()
        self._wire: Wire | None = None

    def stream(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[StreamEvent]:
        """See `ChatBackend.stream`."""
        if cancellation.cancelled:
            yield Finished(FinishReason.CANCELLED)
            return
        try:
            path = self._address.path + "/chat/completions"
            with self._send(path, self._body(request), cancellation) as exchange:
                yield from self._events(exchange)
        except (OSError, EngineGone) as error:
            if not cancellation.cancelled:
                raise self._lost(error) from error
            yield Finished(FinishReason.CANCELLED)

    def count_prompt_tokens(self, messages: Sequence[ChatMessage]) -> int | None:
        """See `ChatBackend.count_prompt_tokens`."""
        if self._dialect.count_path is None:
            return None
        path = self._address.where.root + self._dialect.count_path
        body = {"model": self._address.model, "messages": _messages(messages)}
        cancellation = Cancellation()
        try:
            with (
                _limited(cancellation, COUNT_LIMIT_S if self._address.server else None),
                self._send(path, body, cancellation) as exchange,
            ):
                answer = self._answer(exchange)
                if exchange.status in _CANNOT_COUNT and self._address.server:
                    return None
                self._refuse_other_than_ok(exchange, answer)
                exchange.is_whole()
        except (OSError, EngineGone) as error:
            if cancellation.cancelled:
                return None
            raise self._lost(error) from error
        count = answer.get("input_tokens", answer.get("count"))
        return count if is_count(count) else None

    def _send(self, path: str, body: dict[str, Any], cancellation: Cancellation) -> Exchange:
        from app.engines.http_exchange import Request, Wire

        address = self._address
        if address.where.remote and self._offline():
            raise refusals.blocked(address.who)
        with self._lock:
            if self._wire is None:
                self._wire = Wire(address, connect_timeout_s=self._connect_timeout_s)
            wire = self._wire
        request = Request(path, headers(address), json.dumps(body).encode())
        return wire.send(request, cancellation, first_byte_timeout_s=self._first_byte_timeout_s)

    def _events(self, exchange: Exchange) -> Iterator[StreamEvent]:
        if exchange.status != _OK:
            self._refuse_other_than_ok(exchange, self._answer(exchange))
        self._refuse_what_is_no_stream(exchange)
        reason: FinishReason | None = None
        usage: Usage | None = None
        timings: ServerTimings | None = None
        who = self._address.who
        try:
            for data in self._data(exchange):
                if data == "[DONE]":
                    break
                event = json_object(data, who)
                if event.get("error") is not None:
                    raise refusals.refusal(500, event, self._address)
                usage = usage_of(event) or usage
                timings = timings_of(event) or timings
                for choice in objects(event.get("choices")):
                    delta = choice.get("delta")
                    if isinstance(delta, dict):
                        yield from deltas(delta)
                    if ended := choice.get("finish_reason"):
                        reason = FinishReason.LENGTH if ended == "length" else FinishReason.STOP
            else:
                if reason is None:
                    raise EngineGone(f"{who} broke off in the middle of its reply.")
        except OSError:
            if reason is None:  # otherwise the reply is whole, and only its [DONE] is missing
                raise
        exchange.is_whole()
        yield Finished(reason or FinishReason.STOP, usage, timings)

    def _data(self, exchange: Exchange) -> Iterator[str]:
        """What each event holds, as it comes."""
        decoder = SseDecoder()
        try:
            if chunk := exchange.read():
                exchange.wait_at_most(self._idle_timeout_s)
            while chunk:
                yield from decoder.feed(chunk)
                chunk = exchange.read()
        except EventTooLong as error:
            who = self._address.who
            raise EngineGone(f"{who} sent an event that is too long to be a reply.") from error

    def _answer(self, exchange: Exchange) -> dict[str, Any]:
        return {} if exchange.is_compressed else refusals.read_answer(exchange.read_all(MAX_ANSWER_BYTES))

    def _refuse_other_than_ok(self, exchange: Exchange, answer: dict[str, Any]) -> None:
        if exchange.status in _REDIRECTS:
            raise refusals.elsewhere(exchange.status, exchange.location, self._address)
        if exchange.status != _OK:
            if exchange.content_type == refusals.WEB_PAGE:  # a page of HTML is no sentence
                answer = {"error": {"message": ""}}
            raise refusals.refusal(exchange.status, answer, self._address)
        if exchange.is_compressed:
            raise refusals.compressed(self._address)

    def _refuse_what_is_no_stream(self, exchange: Exchange) -> None:
        if exchange.is_compressed:
            raise refusals.compressed(self._address)
        if exchange.content_type == refusals.WEB_PAGE:
            raise refusals.web_page(self._address)
        if exchange.content_type == refusals.JSON:
            answer = self._answer(exchange)
            if answer.get("error") is not None:
                raise refusals.refusal(500, answer, self._address)
            raise EngineGone(f"{self._address.who} did not stream its reply, as it was asked to.")

    def _lost(self, error: OSError | EngineGone) -> EngineGone:
        return error if isinstance(error, EngineGone) else refusals.lost(error, self._address)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._address.model,
            "messages": _messages(request.messages),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        for ours, theirs in self._dialect.parameters.items():
            value = getattr(request.params, ours)
            if value is not None:
                body[theirs] = value
        if request.ignore_eos:
            body["ignore_eos"] = True
        if request.uncached:
            for name, value in self._dialect.uncached.items():
                body[name] = os.urandom(16).hex() if value is SALT else value
        return body


def headers(address: Address) -> dict[str, str]:
    """What every request says of itself; the key where there is one."""
    values = {"Content-Type": "application/json"}
    if address.api_key:
        values["Authorization"] = f"Bearer {address.api_key}"
    return values


@contextmanager
def _limited(cancellation: Cancellation, seconds: float | None) -> Iterator[None]:
    """Cancel after so many seconds; None is no limit."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, cancellation.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _messages(messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
    return [{"role": m.role.value, "content": m.content} for m in messages]
