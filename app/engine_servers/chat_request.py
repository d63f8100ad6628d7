"""What a request asks for, checked. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.engine_servers.sampling import Sampling

ROLES = ("system", "developer", "user", "assistant", "tool")
MOST_STOP_WORDS = 16
LONGEST_STOP_WORD = 1000
"""Characters. Each piece of a reply is compared with the beginnings of every stop word."""

_NOT_OFFERED = ("tools", "functions", "logit_bias", "grammar", "json_schema")
"""Would change the reply; to leave them out silently would be to lie."""


class BadRequest(Exception):
    """A request that cannot be answered; the text says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of one reply. The prompt, messages or text, is not among it."""

    sampling: Sampling
    stop: tuple[str, ...]
    stream: bool
    include_usage: bool
    """Only a stream can do without."""
    cached: bool
    """Whether the beginning of the prompt may be taken from the KV cache, as llama.cpp's `cache_prompt`."""


def read_json(data: bytes) -> dict[str, Any]:
    """The JSON object in a request's body. Raises BadRequest."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise BadRequest("The request is not JSON.") from None
    if not isinstance(body, dict):
        raise BadRequest("The request is not a JSON object.")
    return body


def read_request(body: Mapping[str, Any]) -> Request:
    """The request, of either kind, apart from its prompt. Raises BadRequest."""
    for name in _NOT_OFFERED:
        if body.get(name):
            raise BadRequest(f"{name}: this engine does not offer that.")
    if body.get("n") not in (None, 1):
        raise BadRequest("n: this engine makes one reply to a request.")
    if body.get("logprobs"):
        raise BadRequest("logprobs: this engine does not offer that.")
    wanted = body.get("response_format")
    if wanted is not None and (not isinstance(wanted, dict) or wanted.get("type") != "text"):
        raise BadRequest("response_format: this engine offers text alone.")
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise BadRequest("stream_options: an object is needed.")
    return Request(
        sampling=_sampling(body),
        stop=_stop(body),
        stream=_flag(body, "stream"),
        include_usage=_flag(options or {}, "include_usage"),
        cached=_flag(body, "cache_prompt", default=True),
    )


def read_messages(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """The messages of a chat, each with its role and its text. Raises BadRequest."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages: a list with at least one message is needed.")
    return [_message(message) for message in messages]


def read_prompt(body: Mapping[str, Any]) -> str | list[int]:
    """The prompt of a plain completion: a text, or its tokens. Raises BadRequest."""
    prompt = body.get("prompt")
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and prompt and all(_is_whole(token) and token >= 0 for token in prompt):
        return prompt
    raise BadRequest("prompt: a text or a list of tokens is needed.")


def _message(message: object) -> dict[str, str]:
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        raise BadRequest(f"messages: each needs a role, one of {', '.join(ROLES)}.")
    content = message.get("content")
    if isinstance(content, list) and all(
        isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
        for part in content
    ):
        content = "\n".join(part["text"] for part in content)
    if not isinstance(content, str):
        raise BadRequest("messages: each needs a content that is text.")
    return {"role": message["role"], "content": content}


def _sampling(body: Mapping[str, Any]) -> Sampling:
    longest = "max_tokens" if body.get("max_tokens") is not None else "max_completion_tokens"
    seed = _whole(body, "seed", -1, (1 << 64) - 1)
    return Sampling(
        temperature=_number(body, "temperature", 0.0, 100.0, 1.0),
        top_p=_number(body, "top_p", 0.0, 1.0, 1.0),
        top_k=max(0, _whole(body, "top_k", -1, 1 << 30) or 0),
        min_p=_number(body, "min_p", 0.0, 1.0, 0.0),
        repeat_penalty=_number(body, "repeat_penalty", 0.01, 100.0, 1.0),
        max_tokens=_whole(body, longest, 1, 1 << 30),
        ignore_end=_flag(body, "ignore_eos"),
        seed=None if seed == -1 else seed,  # -1 is llama.cpp's word for "another each time"
    )


def _number(body: Mapping[str, Any], name: str, least: float, most: float, default: float) -> float:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadRequest(f"{name}: a number from {least:g} to {most:g} is needed.")
    return float(value)


def _whole(body: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is not None and not (_is_whole(value) and least <= value <= most):
        raise BadRequest(f"{name}: a whole number from {least} to {most} is needed.")
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _flag(body: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadRequest(f"{name}: true or false is needed.")
    return default if value is None else value


def _stop(body: Mapping[str, Any]) -> tuple[str, ...]:
    stop = body.get("stop")
    words = [] if stop is None else [stop] if isinstance(stop, str) else stop
    if (
        not isinstance(words, list)
        or len(words) > MOST_STOP_WORDS
        or not all(isinstance(word, str) and len(word) <= LONGEST_STOP_WORD for word in words)
    ):
        raise BadRequest(f"stop: a text or a list of at most {MOST_STOP_WORDS} is needed.")
    return tuple(words)
