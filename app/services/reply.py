"""One reply in the making: a worker thread fills a buffer, the window's thread drains it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from app.domain.context_window import fit
from app.domain.conversation import Message, MessageState
from app.domain.errors import EdgewiseError, EngineGone
from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    FinishReason,
    ReasoningDelta,
    Role,
    SamplingParams,
    TextDelta,
)
from app.domain.metrics import GenerationMetrics
from app.engines.loaded_model import LoadedModel
from app.storage.conversations import Conversations

SAVE_INTERVAL_S = 0.8
"""A reply is saved at least every second; this leaves time for the write itself."""
REPLY_SHARE = 4
"""A quarter of the context is kept free for the reply, unless a shorter longest reply is set."""


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """What a reply is to be made from. `history` ends with the question."""

    conversation_id: int
    history: Sequence[Message]
    system_prompt: str
    params: SamplingParams
    model: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """What came since the last look. `message` is the reply as far as it is, `text` only what is new."""

    message: Message
    text: str
    reasoning: str
    ended: bool


class Reply:
    """A reply being made. `start` returns at once; `drain` is called from one other thread.

    `wake` is called (on the worker thread) when there is something to drain after a time without: for
    the first token and the end. In between the drainer comes by itself, so no token costs a signal.
    """

    def __init__(
        self,
        request: ReplyRequest,
        store: Conversations,
        acquire: Callable[[str | None, Cancellation], LoadedModel],
        wake: Callable[[], None],
    ) -> None:
        self.request = request
        self._store = store
        self._acquire = acquire
        self._wake = wake
        self._cancellation = Cancellation()
        self._lock = threading.Lock()
        self._message: Message | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._drained = (0, 0)
        self._ended = False
        self._saved_at = 0.0
        self._thread = threading.Thread(target=self._run, name="reply", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the reply early; what has come is kept. The end arrives through `drain`."""
        self._cancellation.cancel()

    def join(self) -> None:
        """Block until the reply is stored."""
        self._thread.join()

    def drain(self) -> Progress | None:
        """What is new since the last call; None while there is nothing to show yet.

        Also has what came so far saved when that is due.
        """
        with self._lock:
            if self._message is None:
                return None
            text_from, reasoning_from = self._drained
            self._drained = (len(self._text), len(self._reasoning))
            progress = Progress(
                self._message,
                "".join(self._text[text_from:]),
                "".join(self._reasoning[reasoning_from:]),
                self._ended,
            )
            now = time.monotonic()
            due = not self._ended and self._drained != (0, 0) and now - self._saved_at >= SAVE_INTERVAL_S
            if due:
                self._saved_at = now
                # Under the lock, so that it cannot be queued behind the worker's final save.
                self._save(self._message, MessageState.STREAMING)
        return progress

    def _run(self) -> None:
        request = self.request
        question = request.history[-1]
        placed = self._store.append(
            request.conversation_id,
            Role.ASSISTANT,
            "",
            parent_id=question.id,
            state=MessageState.STREAMING,
            model=request.model,
        )
        started = time.monotonic()
        first_text: float | None = None
        finished: Finished | None = None
        error: EdgewiseError | None = None
        left_out = 0
        try:
            message = placed.result()
            self._show(message)
            loaded = self._acquire(request.model, self._cancellation)
            message = replace(message, model=loaded.model.name, engine=loaded.adapter.id)
            prompt = self._prompt(loaded)
            left_out = prompt_left_out = prompt.left_out
            self._show(replace(message, left_out=prompt_left_out))
            started = time.monotonic()
            for event in loaded.client.stream(
                ChatRequest(prompt.messages, request.params), self._cancellation
            ):
                match event:
                    case TextDelta(text):
                        if first_text is None:
                            first_text = time.monotonic()
                        self._add(self._text, text)
                    case ReasoningDelta(text):
                        self._add(self._reasoning, text)
                    case Finished():
                        finished = event
        except EdgewiseError as caught:
            error = caught
        if placed.exception() is not None:
            # Nothing was stored, so there is no message to end: the error itself is all there is to show.
            self._fail(placed)
            return
        self._end(placed.result(), started, first_text, finished, error, left_out)

    def _prompt(self, loaded: LoadedModel):  # type: ignore[no-untyped-def]
        messages = [
            ChatMessage(message.role, message.text)
            for message in self.request.history
            if message.text or message.role is Role.USER
        ]
        if self.request.system_prompt.strip():
            messages.insert(0, ChatMessage(Role.SYSTEM, self.request.system_prompt))
        share = loaded.context_length // REPLY_SHARE
        kept_free = min(self.request.params.max_tokens or share, share)
        return fit(messages, loaded.context_length - kept_free, _counter(loaded))

    def _show(self, message: Message) -> None:
        with self._lock:
            self._message = message
        self._wake()
