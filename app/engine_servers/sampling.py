"""How the next token is to be chosen, as a request says it."""

from __future__ import annotations

from dataclasses import dataclass

_COLDEST = 1e-4
"""Below, logits divided by the temperature could pass the largest number that there is."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """One request's wishes.

    Temperature 0, or next to it, takes the likeliest token. `top_k` 0, `top_p` 1, `min_p` 0 and
    `repeat_penalty` 1 change nothing. `max_tokens` None lets a reply go on to its end or the context's.
    `ignore_end` goes on past the model's end token. The same `seed` chooses the same tokens, None others each
    time.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    max_tokens: int | None = None
    ignore_end: bool = False
    seed: int | None = None

    @property
    def greedy(self) -> bool:
        """Whether nothing is left to chance."""
        return self.temperature < _COLDEST
