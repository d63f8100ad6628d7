"""What the events of a streamed reply say, as OpenAI's API and the engines' own additions have it.

A server may send anything: what is of the wrong type is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeGuard

from app.domain.errors import EngineGone
from app.domain.generation import ReasoningDelta, ServerTimings, StreamEvent, TextDelta, Usage


def json_object(text: str, who: str) -> dict[str, Any]:
    """The JSON object that `text` is. Raises EngineGone for anything else that `who` sent."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EngineGone(f"{who} sent something that is not JSON.", detail=text[:2000]) from error
    if not isinstance(value, dict):
        raise EngineGone(f"{who} sent something that is not a reply.", detail=text[:2000])
    return value


def objects(value: object) -> list[dict[str, Any]]:
    """Those of a list that are JSON objects."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def deltas(delta: dict[str, Any]) -> Iterator[StreamEvent]:
    """The pieces of a reply in one choice's `delta`."""
    # llama.cpp and vLLM name it reasoning_content, newer vLLM reasoning.
    reasoning = delta.get("reasoning_content") or delta.get("reasoning")
    if isinstance(reasoning, str) and reasoning:
        yield ReasoningDelta(reasoning)
    content = delta.get("content")
    if isinstance(content, str) and content:
        yield TextDelta(content)


def usage_of(event: dict[str, Any]) -> Usage | None:
    """The tokens that the engine counted, where the event tells."""
    usage = event.get("usage")
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return Usage(prompt, completion) if is_count(prompt) and is_count(completion) else None


def timings_of(event: dict[str, Any]) -> ServerTimings | None:
    """llama.cpp's own stopwatch, where the event has it."""
    timings = event.get("timings")
    if not isinstance(timings, dict):
        return None
    prompt_n, prompt_ms, predicted_n, predicted_ms = (
        timings.get(name) for name in ("prompt_n", "prompt_ms", "predicted_n", "predicted_ms")
    )
    if not (is_count(prompt_n) and is_count(predicted_n) and _is_time(prompt_ms) and _is_time(predicted_ms)):
        return None
    return ServerTimings(prompt_n, float(prompt_ms), predicted_n, float(predicted_ms))


def is_count(value: object) -> TypeGuard[int]:
    """Whether it is a number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1 << 53
