"""One reply after another, for the models whose memory Transformers cannot yet keep in pages.

These are those with a recurrent state (Mamba, and hybrids such as Qwen3-Next) in place of some or all of the
KV cache. Their requests wait for each other.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList
from transformers.generation.streamers import BaseStreamer

from app.engine_servers.generation import GenerationFailed, room_for_reply
from app.engine_servers.sampling import Sampling
from app.engine_servers.token_choice import PENALTY_WINDOW, Chooser

STOP_TIMEOUT_S = 2.0
"""How long a step that is under way is waited for at the end."""
_PAGED = {"full_attention", "sliding_attention"}
"""Kinds of layers whose memory can be kept in pages."""


def is_single(model: Any) -> bool:
    """Whether `model` makes one reply at a time."""
    kinds = getattr(model.config.get_text_config(), "layer_types", None) or ()
    return bool(model._is_stateful) or not _PAGED.issuperset(kinds)


class _Ended(Exception):
    """Nobody wants this reply any more."""


@dataclass(slots=True)
class _Wanted:
    """One reply that is wanted. What goes into `arrived`: tokens, an error, or None at the end."""

    prompt: list[int]
    longest: int
    sampling: Sampling
    arrived: Callable[[list[int] | Exception | None], None]
    ended: threading.Event = field(default_factory=threading.Event)


class SingleGeneration:
    """See `Generation`. Lengths in tokens."""

    def __init__(self, model: Any, *, context_length: int, end_tokens: Sequence[int]) -> None:
        self.context_length = context_length
        self.end_tokens = frozenset(end_tokens)
        self._model = model
        self._queue: queue.Queue[_Wanted | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="generation", daemon=True)
        self._now: _Wanted | None = None
        self._active: set[int] = set()
        # Between two layers, so that a cancel is felt while a long prompt is read, too.
        for layer in model.modules():
            if type(layer).__name__.endswith(("Layer", "Block")):
                layer.register_forward_pre_hook(self._check)

    @property
    def running(self) -> bool:
        """See `Generation.running`."""
        return self._thread.is_alive()

    @property
    def active(self) -> int:
        """See `Generation.active`."""
        return len(self._active)

    def start(self, ended: Callable[[], None]) -> None:
        """See `Generation.start`. A reply that fails takes nothing with it: the thread goes on."""
        del ended
        self._thread.start()

    async def settle(self) -> int:
        """See `Generation.settle`. A prompt is read in one step; a cancel is felt within it."""
        async for _ in self.tokens([1] * 16, Sampling(temperature=0.0, max_tokens=2, ignore_end=True)):
            pass
        return self.context_length

    async def tokens(
        self, prompt: Sequence[int], sampling: Sampling, *, cached: bool = True
    ) -> AsyncGenerator[list[int], None]:
        """See `Generation.tokens`. Nothing is kept of a prompt here."""
        del cached
        longest = room_for_reply(prompt, self.context_length, sampling)
        arrived: asyncio.Queue[list[int] | Exception | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def arrive(what: list[int] | Exception | None) -> None:
            loop.call_soon_threadsafe(arrived.put_nowait, what)

        wanted = _Wanted(list(prompt), longest, sampling, arrive)
        self._active.add(id(wanted))
        self._queue.put(wanted)
        try:
            while (what := await arrived.get()) is not None:
                if isinstance(what, Exception):
                    raise GenerationFailed(str(what)) from what
                yield what
        finally:
            wanted.ended.set()

    def stop(self) -> None:
        """See `Generation.stop`."""
        self._queue.put(None)
        if self._now is not None:
            self._now.ended.set()
        self._thread.join(STOP_TIMEOUT_S)

    def _work(self) -> None:
        while (wanted := self._queue.get()) is not None:
            self._now = wanted
            last: Exception | None = None
            try:
                if not wanted.ended.is_set():
                    self._generate(wanted)
            except _Ended:
                pass
            except Exception as error:  # the one who asked is told, the next one may fare better
                last = error
            finally:
                self._active.discard(id(wanted))
            wanted.arrived(last)

    def _generate(self, wanted: _Wanted) -> None:
        chooser = Chooser(wanted.sampling, self._model.device)

        def choose(tokens: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            latest = [int(token) for token in tokens[0, -PENALTY_WINDOW:]]
            only = torch.full_like(scores, -torch.inf)
            only[0, chooser.choose(scores[0].float(), latest)] = 0.0
            return only

        ends = [] if wanted.sampling.ignore_end else sorted(self.end_tokens)
        prompt = torch.tensor([wanted.prompt], device=self._model.device)
        self._model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            generation_config=GenerationConfig(
                do_sample=False, max_new_tokens=wanted.longest, eos_token_id=ends or None, pad_token_id=0
            ),
            logits_processor=LogitsProcessorList([choose]),
            streamer=_Streamer(wanted),
        )

    def _check(self, *_: Any) -> None:
        if self._now is not None and self._now.ended.is_set():
            raise _Ended


class _Streamer(BaseStreamer):  # type: ignore[misc]  # it has no types here
    """Passes tokens on as they come. The first that it is given are the prompt's."""

    def __init__(self, wanted: _Wanted) -> None:
        self._wanted = wanted
        self._prompt_came = False

    def put(self, value: torch.Tensor) -> None:
        """Tokens, of the prompt or new."""
        if self._wanted.ended.is_set():
            raise _Ended
        if self._prompt_came:
            self._wanted.arrived([int(token) for token in value.flatten()])
        self._prompt_came = True

    def end(self) -> None:
        """Nothing is held back here."""
