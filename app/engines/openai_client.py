"""The one client of all engines: OpenAI's chat API over HTTP, streamed.

`http.client` rather than a larger library: a stream must be cancelled from another thread within
milliseconds, also while the engine has not answered yet, and for that the client must own its socket.
Every request has a connection of its own, so closing it is all that a cancel takes.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from app.domain.errors import ContextOverflow, EngineGone, EngineTimeout, RequestRefused
from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    FinishReason,
    ReasoningDelta,
    ServerTimings,
    StreamEvent,
    TextDelta,
    Usage,
)
from app.engines.sse import EventTooLong, SseDecoder

MAX_ANSWER_BYTES = 1024 * 1024
"""Longest answer read that is not a stream."""


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
    """Path that counts the tokens of a list of messages as `input_tokens` (llama.cpp) or `count` (vLLM)."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine listens. The key is left out of its repr, and so of logs and tracebacks."""

    host: str
    port: int
    api_key: str = field(repr=False)
    model: str = "default"


class OpenAIClient:
    """A `ChatBackend` for any server that speaks OpenAI's chat API. Safe to use from several threads.

    Times are in seconds. `first_byte_timeout_s` is long: a slow machine may read a long prompt for
    minutes before it has anything to say, and a person can always stop it. `idle_timeout_s` counts
    between two pieces of a reply that has begun.
    """

    def __init__(
        self,
        address: Address,
        dialect: Dialect,
        *,
        connect_timeout_s: float = 5.0,
        first_byte_timeout_s: float = 900.0,
        idle_timeout_s: float = 120.0,
    ) -> None:
        self._address = address
        self._dialect = dialect
        self._connect_timeout_s = connect_timeout_s
        self._first_byte_timeout_s = first_byte_timeout_s
        self._idle_timeout_s = idle_timeout_s

    def stream(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[StreamEvent]:
        """See `ChatBackend.stream`."""
        if cancellation.cancelled:
            yield Finished(FinishReason.CANCELLED)
            return
        connection = self._connect()
        sock = connection.sock
        cancellation.on_cancel(lambda: _shut(sock))
        try:
            yield from self._events(connection, sock, self._body(request))
        except (OSError, http.client.HTTPException, EngineGone) as error:
            if not cancellation.cancelled:
                raise _lost(error) from error
            yield Finished(FinishReason.CANCELLED)
        finally:
            cancellation.on_cancel(None)
            connection.close()
            sock.close()

    def count_prompt_tokens(self, messages: Sequence[ChatMessage]) -> int | None:
        """See `ChatBackend.count_prompt_tokens`."""
        if self._dialect.count_path is None:
            return None
        connection = self._connect()
        try:
            connection.request(
                "POST",
                self._dialect.count_path,
                body=json.dumps({"messages": _messages(messages)}),
                headers=self._headers(),
            )
            with connection.getresponse() as response:
                answer = _answer(response)
                if response.status != http.HTTPStatus.OK:
                    raise _refusal(response.status, answer)
        except (OSError, http.client.HTTPException) as error:
            raise _lost(error) from error
        finally:
            connection.close()
        count = answer.get("input_tokens", answer.get("count"))
        return count if _is_count(count) else None

    def _connect(self) -> http.client.HTTPConnection:
        address = self._address
        connection = http.client.HTTPConnection(address.host, address.port, timeout=self._connect_timeout_s)
        try:
            connection.connect()
        except OSError as error:
            raise EngineGone("The engine does not answer. It may have stopped.", detail=str(error)) from error
        assert connection.sock is not None
        connection.sock.settimeout(self._first_byte_timeout_s)
        _linger(connection.sock, _RESET)
        return connection

    def _events(
        self, connection: http.client.HTTPConnection, sock: socket.socket, body: dict[str, Any]
    ) -> Iterator[StreamEvent]:
        connection.request(
            "POST", "/v1/chat/completions", body=json.dumps(body).encode(), headers=self._headers()
        )
        # Closed here: an error's traceback may keep this frame, and the engine would go on writing.
        with connection.getresponse() as response:
            if response.status != http.HTTPStatus.OK:
                raise _refusal(response.status, _answer(response))
            reason: FinishReason | None = None
            usage: Usage | None = None
            timings: ServerTimings | None = None
            try:
                for event in self._json_events(response, sock):
                    usage = _usage(event) or usage
                    timings = _timings(event) or timings
                    for choice in _objects(event.get("choices")):
                        delta = choice.get("delta")
                        if isinstance(delta, dict):
                            yield from _deltas(delta)
                        if ended := choice.get("finish_reason"):
                            reason = FinishReason.LENGTH if ended == "length" else FinishReason.STOP
            except (OSError, http.client.HTTPException):
                if reason is None:  # otherwise the reply is whole, and only its [DONE] is missing
                    raise
            _linger(sock, _IN_PEACE)
        yield Finished(reason or FinishReason.STOP, usage, timings)

    def _json_events(
        self, response: http.client.HTTPResponse, sock: socket.socket
    ) -> Iterator[dict[str, Any]]:
        """The events up to [DONE]; one that holds an error is raised."""
        decoder = SseDecoder()
        finished = False
        while chunk := response.read1(65536):
            sock.settimeout(self._idle_timeout_s)
            for data in _decoded(decoder, chunk):
                if data == "[DONE]":
                    return
                event = _json_object(data)
                if event.get("error") is not None:
                    raise _refusal(http.HTTPStatus.INTERNAL_SERVER_ERROR, event)
                finished = finished or any(c.get("finish_reason") for c in _objects(event.get("choices")))
                yield event
        if not finished:
            raise EngineGone("The engine broke off in the middle of its reply.")

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
        return body

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Authorization": f"Bearer {self._address.api_key}"}


def _messages(messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
    return [{"role": m.role.value, "content": m.content} for m in messages]


_RESET = (1, 0)
_IN_PEACE = (0, 0)


def _linger(sock: socket.socket, on_and_seconds: tuple[int, int]) -> None:
    """With `_RESET`, closing tells an engine at once that nobody reads on, even one that is blocked because
    it wrote more than was read; it would else wait for a minute (Linux: until FIN_WAIT2 is over)."""
    with suppress(OSError):
        layout = "HH" if sys.platform == "win32" else "ii"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, *on_and_seconds))


def _shut(sock: socket.socket) -> None:
    """Wake the thread that reads from `sock`; closing alone would leave it blocked."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _decoded(decoder: SseDecoder, chunk: bytes) -> Iterator[str]:
    try:
        yield from decoder.feed(chunk)
    except EventTooLong as error:
        raise EngineGone("The engine sent an event that is too long to be a reply.") from error


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EngineGone("The engine sent something that is not JSON.", detail=text[:2000]) from error
    if not isinstance(value, dict):
        raise EngineGone("The engine sent something that is not a reply.", detail=text[:2000])
    return value


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _deltas(delta: dict[str, Any]) -> Iterator[StreamEvent]:
    # llama.cpp and vLLM name it reasoning_content, newer vLLM reasoning.
    reasoning = delta.get("reasoning_content") or delta.get("reasoning")
    if isinstance(reasoning, str) and reasoning:
        yield ReasoningDelta(reasoning)
    content = delta.get("content")
    if isinstance(content, str) and content:
        yield TextDelta(content)


def _usage(event: dict[str, Any]) -> Usage | None:
    usage = event.get("usage")
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return Usage(prompt, completion) if _is_count(prompt) and _is_count(completion) else None


def _timings(event: dict[str, Any]) -> ServerTimings | None:
    timings = event.get("timings")
    if not isinstance(timings, dict):
        return None
    prompt_n, prompt_ms, predicted_n, predicted_ms = (
        timings.get(name) for name in ("prompt_n", "prompt_ms", "predicted_n", "predicted_ms")
    )
    if not (
        _is_count(prompt_n) and _is_count(predicted_n) and _is_time(prompt_ms) and _is_time(predicted_ms)
    ):
        return None
    return ServerTimings(prompt_n, float(prompt_ms), predicted_n, float(predicted_ms))


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _answer(response: http.client.HTTPResponse) -> dict[str, Any]:
    """The JSON object of an answer that is not a stream; what is not one comes as its text."""
    raw = response.read(MAX_ANSWER_BYTES)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"error": {"message": raw.decode(errors="replace").strip()}}


def _refusal(status: int, answer: dict[str, Any]) -> RequestRefused:
    raw_error = answer.get("error")
    error: dict[str, Any] = (
        raw_error if isinstance(raw_error, dict) else {"message": str(raw_error or answer)}
    )
    said = str(error.get("message", ""))[:2000]
    detail = json.dumps(answer, ensure_ascii=False)[:20000]
    # llama.cpp says it by type, vLLM and others in words.
    if error.get("type") == "exceed_context_size_error" or (
        status == http.HTTPStatus.BAD_REQUEST and "context length" in said
    ):
        prompt, length = error.get("n_prompt_tokens"), error.get("n_ctx")
        return ContextOverflow(
            "This is longer than the model's context. Shorten it, or load the model with more context.",
            status=status,
            prompt_tokens=prompt if isinstance(prompt, int) else None,
            context_length=length if isinstance(length, int) else None,
            detail=detail,
        )
    if status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
        return RequestRefused("The engine refused the API key.", status=status, detail=detail)
    return RequestRefused(f"The engine refused the request: {said or status}", status=status, detail=detail)


def _lost(error: Exception) -> EngineGone:
    if isinstance(error, EngineGone):
        return error
    if isinstance(error, TimeoutError):
        return EngineTimeout(
            "The engine sent nothing for too long. It may be overloaded or stuck: restart it.",
            detail=str(error),
        )
    return EngineGone("The engine broke off in the middle of its reply.", detail=str(error))
