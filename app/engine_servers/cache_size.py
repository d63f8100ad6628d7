"""How many pages the KV cache gets. Plain arithmetic: no inference library."""

from __future__ import annotations

PAGE = 256
"""Tokens in a page, as Transformers has it by default. A shared beginning is found again by whole pages."""
SPARE_PART = 4
"""One part in so many of what is free beside a single context goes to the contexts of further replies."""


class ContextTooLarge(Exception):
    """One context alone is more than the memory that is free. Sizes in bytes."""

    def __init__(self, context_length: int, needed: int, free: int) -> None:
        super().__init__(
            f"not enough memory for a context of {context_length} tokens: "
            f"it needs {needed} bytes, {free} are free"
        )


def pages_of(context_length: int) -> int:
    """Pages that hold one context of so many tokens, and the token that is being made."""
    return -(-context_length // PAGE) + 1


def cache_pages(
    context_length: int, sequences: int, page_bytes: int, free: int, wished: int | None = None
) -> int:
    """Pages for `sequences` replies at once, of memory of which `free` bytes are left.

    One whole context always; as many more as `wished` bytes hold, or else a quarter of what is then left, up
    to a whole context each. Where replies need more together, the latest wait and are read again later.
    Raises ContextTooLarge.
    """
    one = pages_of(context_length)
    if one * page_bytes > free:
        raise ContextTooLarge(context_length, one * page_bytes, free)
    spare = (free - one * page_bytes) // SPARE_PART if wished is None else wished - one * page_bytes
    more = max(0, spare // page_bytes)
    return max(one + min(more, one * (sequences - 1)), sequences)
