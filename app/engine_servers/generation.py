"""What generates the tokens of replies, whichever way a model allows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from app.engine_servers.sampling import Sampling


class GenerationFailed(Exception):
    """The model could not go on, such as for want of memory."""


class PromptTooLong(Exception):
    """The prompt leaves no room for a reply. Lengths in tokens."""

    def __init__(self, prompt_tokens: int, context_length: int) -> None:
        super().__init__(f"The prompt has {prompt_tokens} tokens; the context holds {context_length}.")
        self.prompt_tokens = prompt_tokens
        self.context_length = context_length


class Generation(Protocol):
    """One model and the thread that it computes on."""

    context_length: int
    """Tokens of a prompt and its reply together."""
    end_tokens: frozenset[int]
    """Those that the model ends a reply with."""

    @property
    def running(self) -> bool:
        """Whether a request would be answered."""
        ...

    @property
    def active(self) -> int:
        """Requests that are being worked on now, or wait for it."""
        ...

    def start(self, ended: Callable[[], None]) -> None:
        """Begin to generate. `ended` is called, on a thread of its own, should that end before `stop`."""
        ...

    async def settle(self) -> int:
        """Warm the device up and find out how much of a prompt is read in one step.

        Returns how many tokens that are. Raises GenerationFailed.
        """
        ...

    def tokens(
        self, prompt: Sequence[int], sampling: Sampling, *, cached: bool = True
    ) -> AsyncGenerator[list[int], None]:
        """The reply's new tokens as they come. Closing the iterator ends the reply.

        Not `cached`: all of the prompt is read, also what the KV cache holds of it.
        Raises PromptTooLong and GenerationFailed.
        """
        ...

    def stop(self) -> None:
        """End the generating thread, or leave it in a step that takes too long."""
        ...


def room_for_reply(prompt: Sequence[int], context_length: int, sampling: Sampling) -> int:
    """The most tokens that a reply may have. Raises PromptTooLong."""
    room = context_length - len(prompt)
    if room < 1 or not prompt:
        raise PromptTooLong(len(prompt), context_length)
    return min(room, sampling.max_tokens or room)
