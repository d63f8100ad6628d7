"""The OpenAI HTTP API over one model."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.engine_servers.chat_request import (
    BadRequest,
    read_json,
    read_messages,
    read_prompt,
    read_request,
)
from app.engine_servers.chat_template import ChatTemplate, TemplateFailed
from app.engine_servers.generation import Generation, GenerationFailed, PromptTooLong
from app.engine_servers.replies import CHAT, COMPLETION, Reply, Style

LARGEST_BODY = 16 * 1024 * 1024
"""Bytes of a request; a conversation is far smaller."""


@dataclass(frozen=True, slots=True)
class Served:
    """The model that is served."""

    name: str
    tokenizer: Any
    vocabulary: int
    template: ChatTemplate
    generation: Generation


def application(served: Served, key: str) -> Starlette:
    """The API; `key` is what requests have to bring."""
    app = Starlette(
        routes=[
            Route("/health", partial(_health, served)),
            Route("/v1/models", partial(_models, served)),
            Route("/requests", partial(_requests, served)),
            Route("/v1/chat/completions", partial(_chat, served), methods=["POST"]),
            Route("/v1/chat/completions/input_tokens", partial(_count, served), methods=["POST"]),
            Route("/v1/completions", partial(_complete, served), methods=["POST"]),
        ],
        exception_handlers={
            BadRequest: _refuse(400, "invalid_request_error"),
            TemplateFailed: _refuse(400, "invalid_request_error"),
            PromptTooLong: _too_long,
            GenerationFailed: _refuse(500, "server_error"),
        },
    )
    app.add_middleware(_OnlyWithKey, key=key)
    return app


async def _health(served: Served, _: Request) -> Response:
    if not served.generation.running:
        return _error(503, "unavailable_error", "The model has stopped.")
    return JSONResponse({"status": "ok"})


async def _models(served: Served, _: Request) -> Response:
    model = {"id": served.name, "object": "model", "owned_by": "edgewise"}
    return JSONResponse({"object": "list", "data": [model]})


async def _requests(served: Served, _: Request) -> Response:
    return JSONResponse({"active": served.generation.active})


async def _count(served: Served, request: Request) -> Response:
    prompt = await _chat_prompt(served, await _body(request))
    return JSONResponse({"input_tokens": len(prompt)})


async def _chat(served: Served, request: Request) -> Response:
    return await _unless_gone(request, _answer(served, request, CHAT, _chat_prompt))


async def _complete(served: Served, request: Request) -> Response:
    return await _unless_gone(request, _answer(served, request, COMPLETION, _plain_prompt))


async def _answer(
    served: Served,
    request: Request,
    style: Style,
    read: Callable[[Served, dict[str, Any]], Awaitable[list[int]]],
) -> Response:
    body = await _body(request)
    wanted = read_request(body)
    prompt = await read(served, body)
    reply = Reply(style, served.name, served.tokenizer, served.generation, prompt, wanted)
    pieces = reply.pieces()
    try:
        first = await anext(pieces)  # a refusal has to come before the status line does
        if not wanted.stream:
            return JSONResponse(reply.whole(first + "".join([text async for text in pieces])))
    except BaseException:
        await pieces.aclose()
        raise
    return StreamingResponse(_closing(reply.events(first, pieces), pieces), media_type="text/event-stream")


async def _closing(events: AsyncGenerator[str, None], pieces: Any) -> AsyncGenerator[str, None]:
    """`events`, and the reply behind them ended at once when nobody reads on."""
    async with aclosing(pieces):
        async for event in events:
            yield event


async def _unless_gone(request: Request, answer: Any) -> Response:
    """`answer`, which is given up should the client go before it is there.

    A stream that has begun ends with its client by itself; the first token of a long prompt may take minutes.
    """
    working: asyncio.Task[Response] = asyncio.ensure_future(answer)
    body_read = request.state.body_read = asyncio.Event()

    async def gone() -> None:
        await body_read.wait()  # until then the messages are the body's, and are read by `_body`
        while (await request.receive())["type"] != "http.disconnect":
            pass

    leaving = asyncio.ensure_future(gone())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return Response(status_code=499)  # nobody reads it
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _body(request: Request) -> dict[str, Any]:
    data = bytearray()
    try:
        async for piece in request.stream():
            data += piece
            if len(data) > LARGEST_BODY:
                raise BadRequest("The request is too large.")
    except ClientDisconnect:
        raise BadRequest("The request broke off.") from None
    if hasattr(request.state, "body_read"):
        request.state.body_read.set()
    return read_json(bytes(data))


async def _chat_prompt(served: Served, body: dict[str, Any]) -> list[int]:
    messages = read_messages(body)

    def work() -> list[int]:
        return _tokens(served, served.template.render(messages), special=False)

    return await asyncio.to_thread(work)


async def _plain_prompt(served: Served, body: dict[str, Any]) -> list[int]:
    prompt = read_prompt(body)
    if isinstance(prompt, str):
        return await asyncio.to_thread(_tokens, served, prompt, special=True)
    return _known(served, prompt)


def _tokens(served: Served, text: str, *, special: bool) -> list[int]:
    """The tokens of `text`; `special` ones that begin a text are added, which a template does itself."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest("The text holds half of a character (a lone surrogate).") from None
    return _known(served, served.tokenizer(text, add_special_tokens=special)["input_ids"])


def _known(served: Served, tokens: list[int]) -> list[int]:
    """`tokens`, each of which the model has: one that it has not would end it, and everybody's replies."""
    if tokens and max(tokens) >= served.vocabulary:
        raise BadRequest("prompt: this model has no such token.")
    return tokens


class _OnlyWithKey:
    """Lets nothing but /health through without the key, and nobody who thinks this is another host."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            host = headers.get(b"host", b"").rsplit(b":", 1)[0]
            given = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
            if host not in (b"127.0.0.1", b"localhost"):  # a web page whose name was made to lead here
                await _error(403, "forbidden", "Wrong host.")(scope, receive, send)
                return
            if scope["path"] != "/health" and not hmac.compare_digest(given, self._key):
                await _error(401, "authentication_error", "Wrong API key.")(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _error(status: int, kind: str, message: str, **more: object) -> Response:
    return JSONResponse(
        {"error": {"code": status, "type": kind, "message": message, **more}}, status_code=status
    )


def _refuse(status: int, kind: str) -> Any:
    async def handle(_: Request, error: Exception) -> Response:
        return _error(status, kind, str(error))

    return handle


async def _too_long(_: Request, error: Exception) -> Response:
    """As llama-server says it."""
    assert isinstance(error, PromptTooLong)
    return _error(
        400,
        "exceed_context_size_error",
        str(error),
        n_prompt_tokens=error.prompt_tokens,
        n_ctx=error.context_length,
    )
