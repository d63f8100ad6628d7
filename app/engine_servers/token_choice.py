"""The next token of each reply in a batch, chosen as its own request says.

Transformers' continuous batching knows temperature, top-k and top-p per request, and sorts the vocabulary
twice for each of them. This takes their place: the likeliest token where nothing is left to chance, otherwise
a draw from the best few by the request's own generator: a seed holds whoever else is in the batch.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import LogitsProcessorList
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessor,
    ContinuousBatchingLogitsProcessorList,
)

from app.engine_servers.sampling import Sampling

PENALTY_WINDOW = 64
"""Latest tokens that a repeat penalty looks at: llama.cpp's default (common/common.h, penalty_last_n)."""


class Chooser:
    """Chooses the tokens of one reply."""

    def __init__(self, sampling: Sampling, device: torch.device) -> None:
        self.sampling = sampling
        self._generator: torch.Generator | None = None
        if not sampling.greedy:
            self._generator = torch.Generator(device=device)
            if sampling.seed is None:
                self._generator.seed()
            else:
                # Generators take signed numbers of 64 bits, JSON any.
                self._generator.manual_seed(sampling.seed & ((1 << 63) - 1))

    def choose(self, logits: torch.Tensor, latest: list[int]) -> torch.Tensor:
        """The next token, a tensor of one number. `logits` are the vocabulary's, `latest` the last tokens.

        In Transformers' own order: penalty, temperature, top-k, top-p, min-p.
        """
        wish = self.sampling
        if wish.repeat_penalty != 1.0 and latest:
            logits = _penalized(logits, latest, wish.repeat_penalty)
        if wish.greedy:
            return logits.argmax().view(1)
        size = logits.size(0)
        kept = min(wish.top_k, size) if wish.top_k else size
        narrow = wish.top_p < 1.0 or kept < size
        # Sorted, the likeliest first; without a bound the order does not matter.
        best, tokens = logits.topk(kept) if narrow else (logits, None)
        probabilities = torch.softmax(best / wish.temperature, dim=0)
        dropped = torch.zeros_like(probabilities, dtype=torch.bool)
        if wish.top_p < 1.0:
            dropped |= probabilities.cumsum(0) - probabilities >= wish.top_p
        if wish.min_p > 0.0:
            dropped |= probabilities < wish.min_p * probabilities.max()
        if narrow:
            dropped[0] = False  # there is always a likeliest token, also for a top-p of 0
        drawn = probabilities.masked_fill(dropped, 0.0).multinomial(1, generator=self._generator)
        return drawn if tokens is None else tokens[drawn]


class ChoosePerRequest(ContinuousBatchingLogitsProcessor):  # type: ignore[misc]  # it has no types here
    """Leaves each reply's row of logits with one token that can be drawn: the one its `Chooser` chose."""

    supported_kwargs: dict[str, type] = {"chooser": Chooser}  # noqa: RUF012  # as the base class has it
    ignored_kwargs: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._replies: list[Any] = []

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """Nothing travels in the batch's tensor of arguments."""
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> torch.Tensor:
        """Remember whose rows come next. Batches are made one after another, so these are the next call's."""
        self._replies = [request.state for request in requests_with_new_token]
        return torch.zeros(len(self._replies), dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        """`scores` with all but the chosen token of each row impossible."""
        del tensor_arg
        chosen = [
            reply.logit_processor_kwargs["chooser"].choose(row, _latest(reply))
            for row, reply in zip(scores, self._replies, strict=False)  # a batch may end in rows of nobody
        ]
        only = torch.full_like(scores, -torch.inf)
        if len(chosen) < scores.size(0):
            only[len(chosen) :] = scores[len(chosen) :]
        if chosen:
            rows = torch.arange(len(chosen), device=scores.device)
            only[rows, torch.cat(chosen)] = 0.0
        return only


def choose_per_request() -> ContinuousBatchingLogitsProcessorList:
    """What a continuous batching manager needs so that each request brings a `Chooser`."""
    processors = ContinuousBatchingLogitsProcessorList(LogitsProcessorList([ChoosePerRequest()]))
    processors.tensors_required = 1
    return processors


def _latest(reply: Any) -> list[int]:
    latest = reply.initial_tokens[-PENALTY_WINDOW:] + reply.generated_tokens[-PENALTY_WINDOW:]
    return [int(token) for token in latest[-PENALTY_WINDOW:]]


def _penalized(logits: torch.Tensor, tokens: list[int], penalty: float) -> torch.Tensor:
    """`logits` with those of `tokens` made less likely, as CTRL (Keskar et al., 2019) has it."""
    places = torch.tensor(sorted(set(tokens)), device=logits.device)
    penalized = logits.clone()
    at = logits[places]
    penalized[places] = torch.where(at < 0, at * penalty, at / penalty)
    return penalized
