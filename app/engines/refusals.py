"""What a server says no with, in words for a person."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from app.domain.errors import (
    ContextOverflow,
    EngineGone,
    EngineTimeout,
    KeyRefused,
    RequestRefused,
    ServerBlocked,
)
from app.engines.address import Address

WEB_PAGE = "text/html"
JSON = "application/json"


def read_answer(raw: bytes) -> dict[str, Any]:
    """The JSON object of an answer that is not a stream; what is not one comes as its text."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"error": {"message": raw.decode(errors="replace").strip()}}


def refusal(status: int, answer: dict[str, Any], address: Address) -> RequestRefused:
    """The failure to raise for an error that the server answered with."""
    who = address.who
    raw_error = answer.get("error")
    error: dict[str, Any] = (
        raw_error if isinstance(raw_error, dict) else {"message": str(raw_error or answer)}
    )
    said = str(error.get("message", ""))[:2000]
    detail = json.dumps(answer, ensure_ascii=False)[:20000]
    # llama.cpp says it by type, vLLM and others in words.
    if error.get("type") == "exceed_context_size_error" or (
        status == HTTPStatus.BAD_REQUEST and "context length" in said
    ):
        prompt, length = error.get("n_prompt_tokens"), error.get("n_ctx")
        return ContextOverflow(
            "This is longer than the model's context. Shorten it, or load the model with more context.",
            status=status,
            prompt_tokens=prompt if isinstance(prompt, int) else None,
            context_length=length if isinstance(length, int) else None,
            detail=detail,
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return key_refused(status, address, detail)
    return RequestRefused(f"{who} refused the request: {said or status}", status=status, detail=detail)


def key_refused(status: int, address: Address, detail: str) -> KeyRefused:
    """The server wants a key, or another one."""
    if not address.server:
        return KeyRefused("The engine refused the API key.", status=status, detail=detail)
    if address.api_key:
        sentence = f"{address.who} refused the key. Ask whoever runs the server for one that is valid."
    else:
        sentence = f"{address.who} wants a key. Ask whoever runs the server for one."
    return KeyRefused(sentence, status=status, detail=detail)


def elsewhere(status: int, location: str, address: Address) -> RequestRefused:
    """The server sends us to another address, which nobody told us to trust with a key."""
    return RequestRefused(
        f"{address.who} refers to another address, and Edgewise gives what is meant for one server to no"
        f" other. Attach the other address instead: {location[:200] or 'it does not say which'}",
        status=status,
    )


def blocked(who: str) -> ServerBlocked:
    """The offline switch is on, and `who` is on another computer."""
    return ServerBlocked(
        f"Edgewise is offline, and {who} is on another computer: nothing was sent. Switch offline off in the"
        " settings, or choose a model of this computer."
    )


def compressed(address: Address) -> EngineGone:
    """A compressed answer may be a thousand times as long as it looks."""
    return EngineGone(
        f"{address.who} sent a compressed answer, which was not asked for. A proxy in between may do that."
    )


def web_page(address: Address) -> EngineGone:
    """What is there is for people, not for programs."""
    return EngineGone(
        f"{address.who} answered with a web page instead of a reply. Its address may be that of a website,"
        " or one has to log in to the network first."
    )


def lost(error: OSError, address: Address) -> EngineGone:
    """The failure to raise when the connection broke after it was made."""
    if isinstance(error, TimeoutError):
        what_to_do = "Try again later." if address.server else "It may be overloaded or stuck: restart it."
        return EngineTimeout(f"{address.who} sent nothing for too long. {what_to_do}", detail=str(error))
    return EngineGone(f"{address.who} broke off in the middle of its reply.", detail=str(error))
