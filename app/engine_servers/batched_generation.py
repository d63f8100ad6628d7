"""Many replies at once from one Transformers model, by its continuous batching.

Requests join and leave a running batch between two tokens: nobody waits for the end of somebody else's reply.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig

from app.engine_servers.cache_size import PAGE
from app.engine_servers.generation import GenerationFailed, room_for_reply
from app.engine_servers.sampling import Sampling
from app.engine_servers.token_choice import Chooser, choose_per_request

STEP_S = 0.1
"""How long one step may take while a prompt is read: between two a cancel is felt, and others get a token."""
STOP_TIMEOUT_S = 2.0
"""How long a step that is under way is waited for at the end."""
_LEAST_STEP = 16
"""Tokens of a prompt in one step, at least."""
_TRIAL_TOKENS = 32
_WHOLE = "whole-"
"""Beginning of the names of requests whose prompts are read whole."""
_TRIALS = 4
"""The first warms up, and of the others the machine may be busy with something else."""


class BatchedGeneration:
    """See `Generation`.

    `sequences` replies at once have `pages` pages of KV cache between them; more wait. A step reads at most
    `step_tokens` tokens of prompts. Lengths in tokens.
    """

    def __init__(
        self,
        model: Any,
        *,
        context_length: int,
        sequences: int,
        pages: int,
        step_tokens: int,
        end_tokens: Sequence[int],
    ) -> None:
        self.context_length = context_length
        self.end_tokens = frozenset(end_tokens)
        self._device = model.device
        self._least_step = max(_LEAST_STEP, sequences)
        self._manager = model.init_continuous_batching(
            # A draw from what `choose_per_request` leaves: one token.
            GenerationConfig(do_sample=True, eos_token_id=list(end_tokens) or -1),
            ContinuousBatchingConfig(
                page_size=PAGE,
                num_blocks=pages,
                max_batch_tokens=max(step_tokens, self._least_step),
                max_requests_per_batch=sequences,
                allow_block_sharing=True,
                # Would take kernels from the hub: programs that are fetched at run time.
                auto_switch_to_flash=False,
                # Both compute a step before the choices of the last one are known here.
                use_async_batching=False,
                use_cuda_graph=False,
            ),
        )
        self._manager.logit_processor = choose_per_request()
        self._numbers = count(1)
        self._stopping = False

    def start(self, ended: Callable[[], None]) -> None:
        """See `Generation.start`. A step that fails ends it, with all that were in the batch."""
        self._manager.start()

        def watch() -> None:
            self._manager.join(time.perf_counter())
            if not self._stopping:
                ended()

        threading.Thread(target=watch, name="generation-watch", daemon=True).start()

    @property
    def running(self) -> bool:
        """See `Generation.running`."""
        return bool(self._manager.is_running()) and self._manager.background_thread_status.fatal_error is None

    @property
    def active(self) -> int:
        """See `Generation.active`."""
        scheduler = self._manager.batch_processor.scheduler
        return len(scheduler.active_requests) + len(scheduler.waiting_requests)

    async def settle(self) -> int:
        """See `Generation.settle`. From then on a step reads as many tokens of a prompt as take `STEP_S`."""
        one_token = Sampling(temperature=0.0, max_tokens=1, ignore_end=True)
        took = []
        for _ in range(_TRIALS):
            began = time.perf_counter()
            async for _token in self.tokens([1] * _TRIAL_TOKENS, one_token):
                pass
            took.append(time.perf_counter() - began)
        processor = self._manager.batch_processor
        _search_for_some(processor.cache)
        fit = int(_TRIAL_TOKENS * STEP_S / min(took))
        processor.max_batch_tokens = min(processor.max_batch_tokens, max(fit, self._least_step))
        return int(processor.max_batch_tokens)

    async def tokens(
        self, prompt: Sequence[int], sampling: Sampling, *, cached: bool = True
    ) -> AsyncGenerator[list[int], None]:
        """See `Generation.tokens`."""
        longest = room_for_reply(prompt, self.context_length, sampling)
        name = f"{'reply-' if cached else _WHOLE}{next(self._numbers)}"
        arrived: asyncio.Queue[Any] = asyncio.Queue()
        self._manager.register_result_handler(name, arrived.put_nowait)
        finished = False
        try:
            accepted = self._manager.add_request(
                list(prompt),
                request_id=name,
                max_new_tokens=longest,
                streaming=True,
                eos_token_id=-1 if sampling.ignore_end else list(self.end_tokens),
                chooser=Chooser(sampling, self._device),
            )
            if accepted is None or not self.running:
                raise GenerationFailed("The model has stopped.")
            given = 0
            while not finished:
                result = await arrived.get()
                finished = result.is_finished()
                if result.error:
                    raise GenerationFailed(str(result.error))
                fresh = list(result.generated_tokens[given:])
                given += len(fresh)
                if fresh:
                    yield fresh
        finally:
            if not finished:
                self._manager.cancel_request(name)
                # It forgets handlers of requests that finish, not of those that are cancelled.
                self._manager.output_router.result_handlers.pop(name, None)

    def stop(self) -> None:
        """See `Generation.stop`."""
        self._stopping = True
        with suppress(Exception):  # nothing can be done about it any more
            self._manager.stop(block=True, timeout=STOP_TIMEOUT_S, hard_stop=True)


def _search_for_some(cache: Any) -> None:
    """Make `cache` find nothing for requests whose prompts are read whole: by itself it shares with all or
    with none."""
    search = cache.search_prefix_match

    def searched(request_id: str, prompt: list[int]) -> int:
        return 0 if request_id.startswith(_WHOLE) else search(request_id, prompt)

    cache.search_prefix_match = searched


def page_bytes(model: Any) -> int:
    """Bytes that a page of the KV cache takes, all layers together."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    element: int = torch.empty(0, dtype=model.dtype).element_size()
    return int(config.num_hidden_layers * 2 * heads * width * PAGE * element)
