"""What is asked of an engine and what it answers, whichever engine it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """Who speaks, as the OpenAI API names it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn as an engine sees it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How the next token is chosen. The defaults are llama.cpp's own (common/common.h).

    `max_tokens` None lets the model go on until it ends or the context is full; `seed` None picks a new
    one each time.
    """

    temperature: float = 0.8
    top_p: float = 0.95
    top_k: int = 40
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    max_tokens: int | None = None
    seed: int | None = None

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain values, for storage."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> SamplingParams:
        """The inverse of `to_dict`; unknown keys and values outside their range fall back to defaults."""
        kept: dict[str, float | int | None] = {}
        for spec in PARAMETERS:
            value = values.get(spec.name)
            if value is None and spec.optional and spec.name in values:
                kept[spec.name] = None
            elif (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and spec.minimum <= value <= spec.maximum  # never true of NaN
            ):
                kept[spec.name] = int(value) if spec.whole else float(value)
        return cls(**kept)  # type: ignore[arg-type]  # names and types come from PARAMETERS


@dataclass(frozen=True, slots=True)
class Parameter:
    """One sampling parameter as a person meets it: its range, its step and what it does."""

    name: str
    label: str
    explanation: str
    minimum: float
    maximum: float
    step: float
    whole: bool = False
    optional: bool = False
    """None is allowed and means "leave it to the engine"."""


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "temperature", "Temperature",
        "How adventurous the wording is. 0 always takes the likeliest token.", 0.0, 2.0, 0.05,
    ),
    Parameter(
        "top_p", "Top P",
        "Keeps the likeliest tokens that together reach this probability. 1 keeps all.", 0.0, 1.0, 0.01,
    ),
    Parameter(
        "top_k", "Top K",
        "Keeps this many of the likeliest tokens. 0 keeps all.", 0, 1000, 1, whole=True,
    ),
    Parameter(
        "min_p", "Min P",
        "Drops tokens less likely than this share of the likeliest one. 0 drops none.", 0.0, 1.0, 0.01,
    ),
    Parameter(
        "repeat_penalty", "Repeat penalty",
        "Makes tokens that were just used less likely. 1 is off.", 0.5, 2.0, 0.01,
    ),
    Parameter(
        "max_tokens", "Longest reply",
        "Stops a reply after this many tokens. Empty: until the model ends it.",
        1, 1_000_000, 1, whole=True, optional=True,
    ),
    Parameter(
        "seed", "Seed",
        "The same seed with the same question gives the same reply. Empty: a new one each time.",
        0, 2**32 - 2, 1, whole=True, optional=True,
    ),
)  # fmt: skip

assert tuple(p.name for p in PARAMETERS) == tuple(f.name for f in fields(SamplingParams))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request for a reply. `ignore_eos` makes a reply exactly `max_tokens` long, for measuring; with
    `uncached` its prompt is read as if none like it had been seen before, by engines that can be told."""

    messages: Sequence[ChatMessage]
    params: SamplingParams = SamplingParams()
    ignore_eos: bool = False
    uncached: bool = False


class FinishReason(StrEnum):
    """Why a reply ended."""

    STOP = "stop"
    """The model ended it."""
    LENGTH = "length"
    """The longest reply or the context was reached."""
    CANCELLED = "cancelled"
    """A person stopped it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the engine counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class ServerTimings:
    """The engine's own stopwatch (llama.cpp's `timings`), free of HTTP and of this client.

    `prompt_tokens` are those evaluated for this request; those found in the prompt cache are not among
    them. Times are in milliseconds.
    """

    prompt_tokens: int
    prompt_ms: float
    completion_tokens: int
    completion_ms: float

    @property
    def tokens_per_second(self) -> float | None:
        """Decode speed, None when too short to tell."""
        return self.completion_tokens / self.completion_ms * 1000 if self.completion_ms > 0 else None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply; whole code points, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of what the model thinks before it replies."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every stream that was not cut off by an error."""

    reason: FinishReason
    usage: Usage | None = None
    timings: ServerTimings | None = None


StreamEvent = TextDelta | ReasoningDelta | Finished


class Cancellation:
    """A switch that one thread throws and another one feels at once.

    The reader registers what must happen to wake it (closing its connection); it happens on the thread
    that cancels, exactly once, and immediately if the switch was thrown before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._wake: Callable[[], None] | None = None

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Throw the switch. Calling it again does nothing."""
        with self._lock:
            wake, self._wake = (None if self._cancelled else self._wake), None
            self._cancelled = True
        if wake is not None:
            wake()

    def on_cancel(self, wake: Callable[[], None] | None) -> None:
        """Call `wake` when the switch is thrown; None forgets it."""
        with self._lock:
            if not self._cancelled:
                self._wake = wake
                return
        if wake is not None:
            wake()


class ChatBackend(Protocol):
    """Anything that can reply: every engine's client, whichever server stands behind it."""

    def stream(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[StreamEvent]:
        """Yield the reply as it comes, ending with `Finished`.

        Blocks; call it on a worker thread. A cancelled stream ends with `FinishReason.CANCELLED`.
        Raises `RequestRefused` (`ContextOverflow` among them), `EngineGone` or `EngineTimeout`.
        """
        ...

    def count_prompt_tokens(self, messages: Sequence[ChatMessage]) -> int | None:
        """Tokens that `messages` take with the model's chat template, None if this engine cannot tell."""
        ...
