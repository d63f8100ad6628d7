from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine_servers.cache_size import PAGE, ROOM, ContextTooLarge, cache_pages, pages_of

SIZES = st.integers(min_value=1, max_value=1 << 20)
PLENTY = 1 << 40


@given(context=SIZES)
def test_a_context_and_the_token_that_is_made_fit(context):
    assert pages_of(context) * PAGE > context
    assert (pages_of(context) - 2) * PAGE < context


def test_everybody_shares_one_context():
    assert cache_pages(32 * ROOM, 8, 1000, PLENTY) == pages_of(32 * ROOM)


def test_where_a_context_is_small_each_has_room_for_a_question():
    assert cache_pages(1024, 8, 1000, PLENTY) == 8 * pages_of(ROOM)
    assert cache_pages(128, 8, 1000, PLENTY) == 8 * pages_of(128)


def test_with_little_memory_that_room_is_less():
    one = pages_of(1024)
    assert cache_pages(1024, 8, 1000, one * 1000) == one
    assert cache_pages(1024, 8, 1000, one * 1000 + 12_000) == one + 3


def test_a_wish_is_kept_to():
    one = pages_of(2048)
    assert cache_pages(2048, 8, 1000, PLENTY, wished=(one + 5) * 1000) == one + 5
    assert cache_pages(2048, 8, 1000, PLENTY, wished=PLENTY) == 8 * one, "nobody could use more"
    assert cache_pages(2048, 8, 1000, PLENTY, wished=1) == one


def test_each_reply_has_a_page_at_least():
    assert cache_pages(64, 64, 1000, 10_000) == 64


def test_a_context_beyond_the_memory_is_refused():
    with pytest.raises(ContextTooLarge, match="for a context of 4096 tokens: it needs 65000 bytes"):
        cache_pages(4096, 1, 1000, 64_999)


@given(context=SIZES, sequences=st.integers(1, 128), page=SIZES, free=st.integers(0, PLENTY))
def test_one_context_always_fits_and_the_memory_holds_it(context, sequences, page, free):
    one = pages_of(context)
    try:
        pages = cache_pages(context, sequences, page, free)
    except ContextTooLarge:
        assert one * page > free
    else:
        assert one <= pages <= max(one * sequences, sequences)
        assert pages * page <= free or pages == sequences
