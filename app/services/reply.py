"""One reply in the making: a worker thread fills a buffer, the window's thread drains it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from app.domain.context_window import FittedPrompt, fit_for_reply
from app.domain.conversation import Message, MessageState
from app.domain.errors import EdgewiseError
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
from app.storage.conversations import Conversations

if TYPE_CHECKING:  # the window starts without it
    from app.engines.base import ReadyModel

SAVE_INTERVAL_S = 0.8
"""A reply is saved at least every second; this leaves time for the write itself."""


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """What a reply is to be made from. `history` ends with the question."""

    conversation_id: int
    history: Sequence[Message]
    system_prompt: str
    params: SamplingParams
    model: str | None
    engine: str | None
    """None: the one that suits the model best."""


class Engines(Protocol):
    """What a reply needs of the manager of engines. All may block."""

    def engine_for(self, name: str | None, engine: str | None) -> str:
        """The engine that a reply will be made by, as stored with it."""
        ...

    def acquire(self, name: str | None, engine: str | None, cancellation: Cancellation) -> ReadyModel:
        """A model that is ready and stays so until it is given to `release`. Raises EdgewiseError."""
        ...

    def release(self, model: ReadyModel) -> None:
        """Give it back."""
        ...

    def replied(self, model: ReadyModel, metrics: GenerationMetrics) -> None:
        """Tell that it has made a whole reply, which nothing cut off."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """What came since the last look.

    `message` has its whole text only once it has ended; None if it could not even be placed.
    """

    message: Message | None
    text: str
    reasoning: str
    ended: bool
    failure: EdgewiseError | None
    """Why the reply could not be stored; what the engine did wrong stands in the message itself."""


class Reply:
    """A reply being made. `start` returns at once; `drain` is called from one other thread.

    `wake` is called (on the worker thread) when there is something to drain after a time without: for
    the first token and the end. In between the drainer comes by itself, so no token costs a signal.
    """

    def __init__(
        self,
        request: ReplyRequest,
        store: Conversations,
        engines: Engines,
        wake: Callable[[], None],
    ) -> None:
        self.request = request
        self._store = store
        self._engines = engines
        self._wake = wake
        self._cancellation = Cancellation()
        self._lock = threading.Lock()
        self._message: Message | None = None
        self._left_out = 0
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._drained = self._saved = (0, 0)
        self._refusal: EdgewiseError | None = None
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

    def so_far(self) -> Message | None:
        """The reply with all that was drained of it; None while it has no place yet."""
        with self._lock:
            if self._message is None:
                return None
            text_to, reasoning_to = self._drained
            return replace(
                self._message,
                text="".join(self._text[:text_to]),
                reasoning="".join(self._reasoning[:reasoning_to]),
            )

    def drain(self) -> Progress | None:
        """What is new since the last call; None while there is nothing to show yet.

        Also has what came so far saved when that is due.
        """
        with self._lock:
            if self._message is None and not self._ended:
                return None
            text_from, reasoning_from = self._drained
            self._drained = (len(self._text), len(self._reasoning))
            progress = Progress(
                self._message,
                "".join(self._text[text_from:]),
                "".join(self._reasoning[reasoning_from:]),
                self._ended,
                self._refusal,
            )
            now = time.monotonic()
            running = self._message is not None and self._message.state is MessageState.STREAMING
            if running and self._drained != self._saved and now - self._saved_at >= SAVE_INTERVAL_S:
                assert self._message is not None
                self._saved, self._saved_at = self._drained, now
                # Queued under the lock, so that it cannot come after the worker's final save.
                self._save(self._message, MessageState.STREAMING)
        return progress

    def _run(self) -> None:
        request = self.request
        # The disk takes its milliseconds while the engine is asked; nothing is shown before both are done.
        placing = self._store.append(
            request.conversation_id,
            Role.ASSISTANT,
            "",
            parent_id=request.history[-1].id,
            state=MessageState.STREAMING,
            model=request.model,
            engine=self._engines.engine_for(request.model, request.engine),
        )
        placing.add_done_callback(self._placed)
        first_text: float | None = None
        finished: Finished | None = None
        failure: EdgewiseError | None = None
        loaded: ReadyModel | None = None
        started = time.monotonic()
        try:
            loaded = self._engines.acquire(request.model, request.engine, self._cancellation)
            prompt = self._prompt(loaded)
            self._leave_out(prompt.left_out)
            started = time.monotonic()
            events = loaded.client.stream(ChatRequest(prompt.messages, request.params), self._cancellation)
            for event in events:
                match event:
                    case TextDelta(text):
                        self._add(self._text, text)
                        if first_text is None:
                            first_text = time.monotonic()
                            self._wake()
                    case ReasoningDelta(text):
                        self._add(self._reasoning, text)
                    case Finished():
                        finished = event
        except EdgewiseError as error:
            failure = error
        finally:
            if loaded is not None:
                self._engines.release(loaded)
        ended = time.monotonic()
        try:
            message = placing.result()
        except EdgewiseError as error:
            self._refuse(error)
            return
        metrics = GenerationMetrics.measured(
            ttft_s=first_text - started if first_text is not None else None,
            duration_s=ended - started,
            usage=finished.usage if finished else None,
            timings=finished.timings if finished else None,
        )
        if finished is not None:
            state = _STATES[finished.reason]
        else:
            state = MessageState.STOPPED if self._cancellation.cancelled else MessageState.INTERRUPTED
        error_text = failure.message if failure and state is MessageState.INTERRUPTED else None
        self._end(replace(message, left_out=self._left_out, state=state, error=error_text, metrics=metrics))
        if loaded is not None and finished is not None and finished.reason is not FinishReason.CANCELLED:
            self._engines.replied(loaded, metrics)

    def _prompt(self, loaded: ReadyModel) -> FittedPrompt:
        history = self.request.history
        prompt = fit_for_reply(
            loaded.client,
            [ChatMessage(message.role, message.text) for message in history],
            system_prompt=self.request.system_prompt,
            longest_reply=self.request.params.max_tokens,
            context_length=loaded.context_length,
        )
        # Messages without text are never sent; on the path that is shown they count all the same.
        sent = [index for index, message in enumerate(history) if message.text]
        return replace(prompt, left_out=sent[prompt.left_out] if prompt.left_out else 0)

    def _add(self, pieces: list[str], text: str) -> None:
        with self._lock:
            pieces.append(text)

    def _placed(self, placing: Future[Message]) -> None:
        """The reply has its place in the database, or cannot have one: then nobody shall wait for it."""
        if placing.exception() is not None:
            self._cancellation.cancel()
            return
        with self._lock:
            if self._message is None:  # a reply that failed at once may have ended before this is called
                self._message = replace(placing.result(), left_out=self._left_out)
        self._wake()

    def _leave_out(self, count: int) -> None:
        with self._lock:
            self._left_out = count
            if self._message is not None:
                self._message = replace(self._message, left_out=count)

    def _end(self, message: Message) -> None:
        with self._lock:
            self._message = replace(message, text="".join(self._text), reasoning="".join(self._reasoning))
            saved = self._save(self._message, self._message.state)
        try:
            saved.result()
        except EdgewiseError as error:
            self._refusal = error
        with self._lock:
            self._ended = True
        self._wake()

    def _refuse(self, error: EdgewiseError) -> None:
        with self._lock:
            self._refusal = error
            self._ended = True
        self._wake()

    def _save(self, message: Message, state: MessageState) -> Future[None]:
        return self._store.update_reply(
            message.id,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            state=state,
            error=message.error,
            left_out=message.left_out,
            metrics=message.metrics,
        )


_STATES = {
    FinishReason.STOP: MessageState.COMPLETE,
    FinishReason.LENGTH: MessageState.CUT,
    FinishReason.CANCELLED: MessageState.STOPPED,
}
