"""How many pages the KV cache gets. Plain arithmetic: no inference library."""

from __future__ import annotations

PAGE = 64
"""Tokens in a page. A beginning that prompts share is found again by whole pages; Transformers' own 256 would
waste most of a short chat's."""
ROOM = 512
"""Tokens that each reply has room for where all are made at once, a short question's and its answer's."""
SPARE_PART = 4
"""One part in so many of what is free beside a single context may go to that room."""


class ContextTooLarge(Exception):
    """One context alone is more than the memory that is free. Sizes in bytes."""

    def __init__(self, context_length: int, needed: int, free: int) -> None:
        super().__init__(
            f"not enough memory for a context of {context_length} tokens: "
            f"it needs {needed} bytes, {free} are free"
        )


def pages_of(tokens: int) -> int:
    """Pages that hold so many tokens, and the one that is being made."""
    return -(-tokens // PAGE) + 1


def cache_pages(
    context_length: int, sequences: int, page_bytes: int, free: int, wished: int | None = None
) -> int:
    """Pages for `sequences` replies at once, of memory of which `free` bytes are left.

    All replies share one whole context; more than that if `wished` bytes hold more, or, without a wish, if
    `ROOM` for each is more and a quarter of what is left holds it. Where replies need more together, the
    latest wait and are read again later. Raises ContextTooLarge.
    """
    one = pages_of(context_length)
    if one * page_bytes > free:
        raise ContextTooLarge(context_length, one * page_bytes, free)
    if wished is not None:
        most = one * sequences
        pages = min(most, wished // page_bytes)
    else:
        spare = (free - one * page_bytes) // SPARE_PART // page_bytes
        pages = min(pages_of(min(ROOM, context_length)) * sequences, one + spare)
    return max(one, pages, sequences)
