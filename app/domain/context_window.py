"""Which messages of a conversation fit into a model's context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.domain.generation import ChatBackend, ChatMessage, Role

TEMPLATE_BYTES = 64
"""Generous bound on what a chat template writes around one message, in tokens (ChatML takes 5)."""
REPLY_SHARE = 4
"""A quarter of the context is kept free for the reply, unless a shorter longest reply is set."""


@dataclass(frozen=True, slots=True)
class FittedPrompt:
    """What to send, and how many of the oldest messages (system prompt apart) stay behind."""

    messages: tuple[ChatMessage, ...]
    left_out: int


def token_bound(messages: Sequence[ChatMessage]) -> int:
    """An upper bound of the tokens `messages` take, without asking the engine.

    Every tokenizer in use falls back to single bytes, so a text never has more tokens than UTF-8 bytes.
    """
    return sum(len(m.content.encode()) + TEMPLATE_BYTES for m in messages)


def fit(
    messages: Sequence[ChatMessage],
    budget: int,
    count: Callable[[Sequence[ChatMessage]], int],
) -> FittedPrompt:
    """Leave out the oldest turns until the rest takes at most `budget` tokens.

    A turn is a person's message with the replies to it; turns are left out whole, so a reply never stands
    without its question. The system prompt and the last turn always stay, even if they alone are too
    long: the engine then says so. `count` is asked about a logarithmic number of candidates, and not at
    all when a bound shows that everything fits.
    """
    if token_bound(messages) <= budget:
        return FittedPrompt(tuple(messages), 0)
    head = 1 if messages and messages[0].role is Role.SYSTEM else 0
    system, rest = messages[:head], messages[head:]
    starts = [i for i, m in enumerate(rest) if m.role is Role.USER]
    if not starts:
        return FittedPrompt(tuple(messages), 0)
    starts[0] = 0  # what stands before the first question goes with it
    low, high = 0, len(starts) - 1  # starts[high] is the fewest messages that may be sent
    while low < high:
        middle = (low + high) // 2
        if count([*system, *rest[starts[middle] :]]) <= budget:
            high = middle
        else:
            low = middle + 1
    return FittedPrompt((*system, *rest[starts[low] :]), starts[low])


def fit_for_reply(
    backend: ChatBackend,
    history: Sequence[ChatMessage],
    *,
    system_prompt: str,
    longest_reply: int | None,
    context_length: int,
) -> FittedPrompt:
    """What to send so that a reply still fits: `system_prompt` and as much of `history` as there is room for.

    Messages without text are not sent. `longest_reply` and `context_length` are in tokens. Raises what
    `backend.count_prompt_tokens` raises.
    """
    messages = [message for message in history if message.content]
    if system_prompt.strip():
        messages.insert(0, ChatMessage(Role.SYSTEM, system_prompt))
    share = context_length // REPLY_SHARE
    kept_free = min(longest_reply or share, share)

    def count(candidate: Sequence[ChatMessage]) -> int:
        counted = backend.count_prompt_tokens(candidate)
        return token_bound(candidate) if counted is None else counted

    return fit(messages, context_length - kept_free, count)
