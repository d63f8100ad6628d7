"""One reply as the OpenAI API frames it: whole, or as server-sent events."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from app.engine_servers.chat_request import Request
from app.engine_servers.generation import Generation, GenerationFailed
from app.engine_servers.text_stream import Decoder, TextStream


@dataclass(frozen=True, slots=True)
class Style:
    """How a kind of reply is written: its object's names, its id's beginning, and what holds the text."""

    whole: str
    piece: str
    id_prefix: str
    text_whole: Callable[[str], dict[str, Any]]
    text_piece: Callable[[str], dict[str, Any]]


CHAT = Style(
    whole="chat.completion",
    piece="chat.completion.chunk",
    id_prefix="chatcmpl",
    text_whole=lambda text: {"message": {"role": "assistant", "content": text}},
    text_piece=lambda text: {"delta": {"content": text} if text else {}},
)
COMPLETION = Style(
    whole="text_completion",
    piece="text_completion",
    id_prefix="cmpl",
    text_whole=lambda text: {"text": text},
    text_piece=lambda text: {"text": text},
)


class Reply:
    """One reply: its text, what was counted of it, why it ended."""

    def __init__(
        self,
        style: Style,
        model: str,
        decoder: Decoder,
        generation: Generation,
        prompt: list[int],
        request: Request,
    ) -> None:
        self._style = style
        self._model = model
        self._generation = generation
        self._text = TextStream(decoder, request.stop)
        self._prompt = prompt
        self._request = request
        self._made = 0
        self._reason = "length"
        self._id = f"{style.id_prefix}-{uuid.uuid4().hex}"
        self._created = int(time.time())

    async def pieces(self) -> AsyncGenerator[str, None]:
        """The text as it comes; a piece may be empty. Closing the iterator ends the reply.

        Raises PromptTooLong and GenerationFailed.
        """
        sampling = self._request.sampling
        tokens_of = self._generation.tokens(self._prompt, sampling, cached=self._request.cached)
        async with aclosing(tokens_of) as tokens:
            async for fresh in tokens:
                self._made += len(fresh)
                text = self._text.feed(fresh)
                ended = fresh[-1] in self._generation.end_tokens and not sampling.ignore_end
                if ended or self._text.stopped:
                    self._reason = "stop"
                yield text
                if self._text.stopped:
                    return
        text = self._text.finish()
        if self._text.stopped:
            self._reason = "stop"
        yield text

    async def events(self, first: str, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        """The reply as server-sent events; `first` is the piece that has come already."""
        opening = self._style.text_piece(first)
        if "delta" in opening:
            opening["delta"] = {"role": "assistant", "content": first}
        yield self._event([{"index": 0, **opening, "finish_reason": None}])
        try:
            async for text in pieces:
                if text:
                    yield self._event([{"index": 0, **self._style.text_piece(text), "finish_reason": None}])
        except GenerationFailed as error:
            yield _event({"error": {"code": 500, "type": "server_error", "message": str(error)}})
            return
        yield self._event([{"index": 0, **self._style.text_piece(""), "finish_reason": self._reason}])
        if self._request.include_usage:
            yield self._event([], usage=self._usage())
        yield "data: [DONE]\n\n"

    def whole(self, text: str) -> dict[str, Any]:
        """The reply as one object."""
        choice = {"index": 0, **self._style.text_whole(text), "finish_reason": self._reason}
        return {**self._frame(self._style.whole, [choice]), "usage": self._usage()}

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> str:
        return _event({**self._frame(self._style.piece, choices), **more})

    def _frame(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }

    def _usage(self) -> dict[str, int]:
        asked = len(self._prompt)
        return {
            "prompt_tokens": asked,
            "completion_tokens": self._made,
            "total_tokens": asked + self._made,
        }


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"
