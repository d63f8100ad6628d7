"""Conversations and their messages.

Messages form a tree: each knows the one it follows, so a regenerated reply stands beside the old one
and nothing is ever overwritten. A conversation's *path* is the line from its first message to its
current leaf; the path is what is shown and what is sent. Identity (`id`) is given by storage.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.generation import Role, SamplingParams
from app.domain.metrics import GenerationMetrics

TITLE_LENGTH = 60
"""Longest title made from a first message, in characters; longer ones are cut at a word."""

UNTITLED = "New chat"


class MessageState(StrEnum):
    """Where a message stands. A person's own messages are always complete."""

    STREAMING = "streaming"
    COMPLETE = "complete"
    CUT = "cut"
    """Ended by the longest reply or by a full context, not by the model."""
    STOPPED = "stopped"
    """Ended by the person; what had come is kept."""
    INTERRUPTED = "interrupted"
    """Ended by a failure (`Message.error` says which); what had come is kept."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as stored. Times are seconds since the epoch.

    `left_out` counts the messages at the beginning of the path (the system prompt not among them) that
    did not fit into the context when this reply was made.
    """

    id: int
    parent_id: int | None
    role: Role
    text: str
    created_at: float
    state: MessageState = MessageState.COMPLETE
    reasoning: str = ""
    model: str | None = None
    engine: str | None = None
    error: str | None = None
    left_out: int = 0
    metrics: GenerationMetrics | None = None


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A row of the conversation list."""

    id: int
    title: str
    last_used_at: float


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation without its messages.

    `model` is the library name of the model it last used, or a name that an attached server has for it;
    `engine` the id of the engine that a person chose for it, None while the choice is the app's.
    """

    id: int
    title: str
    created_at: float
    last_used_at: float
    system_prompt: str = ""
    params: SamplingParams = SamplingParams()
    model: str | None = None
    draft: str = ""
    engine: str | None = None


def title_from(first_message: str) -> str:
    """A title from a conversation's first message: its first line of words, cut at a word."""
    line = next((" ".join(part.split()) for part in first_message.splitlines() if part.strip()), "")
    line = line.lstrip("#>*-` ").strip() or line
    if not line:
        return UNTITLED
    if len(line) <= TITLE_LENGTH:
        return line
    cut = line[: TITLE_LENGTH - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[TITLE_LENGTH // 2 :] else cut
    return at_word.rstrip(" ,;:.") + "…"
