from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine_servers.cache_size import PAGE, ContextTooLarge, cache_pages, pages_of

SIZES = st.integers(min_value=1, max_value=1 << 20)


@given(context=SIZES)
def test_a_context_and_the_token_that_is_made_fit(context):
    assert pages_of(context) * PAGE > context
    assert (pages_of(context) - 2) * PAGE < context


def test_with_plenty_of_memory_everybody_has_a_whole_context():
    assert cache_pages(2048, 8, 1000, 1 << 40) == 8 * pages_of(2048)


def test_with_little_memory_one_context_is_shared():
    one = pages_of(2048)
    assert cache_pages(2048, 8, 1000, one * 1000) == one


def test_a_quarter_of_what_is_left_goes_to_others():
    one = pages_of(2048)
    assert cache_pages(2048, 8, 1000, one * 1000 + 12_000) == one + 3


def test_a_wish_is_kept_to():
    one = pages_of(2048)
    assert cache_pages(2048, 8, 1000, 1 << 40, wished=(one + 5) * 1000) == one + 5
    assert cache_pages(2048, 8, 1000, 1 << 40, wished=1) == one


def test_each_reply_has_a_page_at_least():
    assert cache_pages(128, 64, 1000, 10_000) == 64


def test_a_context_beyond_the_memory_is_refused():
    with pytest.raises(ContextTooLarge, match="for a context of 4096 tokens: it needs 17000 bytes"):
        cache_pages(4096, 1, 1000, 16_999)


@given(context=SIZES, sequences=st.integers(1, 128), page=SIZES, free=st.integers(0, 1 << 40))
def test_one_context_always_fits_and_the_memory_holds_it(context, sequences, page, free):
    one = pages_of(context)
    try:
        pages = cache_pages(context, sequences, page, free)
    except ContextTooLarge:
        assert one * page > free
    else:
        assert one <= pages <= max(one * sequences, sequences)
        assert pages * page <= free or pages == sequences
