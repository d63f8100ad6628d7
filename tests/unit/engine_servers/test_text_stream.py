"""Tokens to text. The tokenizer here has a token for every run of bytes, so characters split everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine_servers.text_stream import TextStream

SPECIAL = b"\x00end"


class Bytes:
    """A byte-level tokenizer: what a token stands for is made up as it is fed."""

    def __init__(self) -> None:
        self.tokens: list[bytes] = []

    def encode(self, pieces: Sequence[bytes]) -> list[int]:
        begin = len(self.tokens)
        self.tokens += pieces
        return list(range(begin, len(self.tokens)))

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        assert skip_special_tokens
        known = (self.tokens[token] for token in token_ids)
        return b"".join(token for token in known if token != SPECIAL).decode(errors="replace")


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in pairwise(places)]


def fed(pieces: Sequence[bytes], group: int = 1, stop: Sequence[str] = ()) -> tuple[list[str], TextStream]:
    """The texts that come out, `group` tokens going in at a time."""
    tokenizer = Bytes()
    tokens = tokenizer.encode(pieces)
    stream = TextStream(tokenizer, stop)
    texts = [stream.feed(tokens[at : at + group]) for at in range(0, len(tokens), group)]
    return [*texts, stream.finish()], stream


WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd\x00"))
CUTS = st.lists(st.integers(min_value=0, max_value=10_000), max_size=200)


@given(text=WORDS, cuts=CUTS, group=st.integers(min_value=1, max_value=7))
def test_any_split_gives_the_same_text(text, cuts, group):
    texts, _ = fed(split(text.encode(), cuts), group)
    assert "".join(texts) == text


@given(text=WORDS)
def test_a_token_for_every_byte(text):
    texts, _ = fed([bytes([byte]) for byte in text.encode()])
    assert "".join(texts) == text
    assert all("\ufffd" not in piece for piece in texts)


@given(before=WORDS, after=WORDS, word=WORDS.filter(bool), cuts=CUTS)
def test_nothing_of_a_stop_word_or_behind_it(before, after, word, cuts):
    whole = before + word + after
    texts, stream = fed(split(whole.encode(), cuts), stop=[word])
    assert "".join(texts) == whole[: whole.index(word)]
    assert stream.stopped


@given(text=WORDS, words=st.lists(WORDS.filter(bool), max_size=4), cuts=CUTS)
def test_the_first_stop_word_ends_it_or_none(text, words, cuts):
    texts, stream = fed(split(text.encode(), cuts), stop=words)
    found = [word for word in words if word in text]
    assert stream.stopped == bool(found)
    if not found:
        assert "".join(texts) == text
    else:
        assert text.startswith("".join(texts))
        assert not any(word in "".join(texts) for word in words)


def test_text_comes_as_soon_as_it_is_certain():
    texts, _ = fed([b"One ", b"two ", b"st", b"ay"], stop=["stop"])
    assert texts == ["One ", "two ", "", "stay", ""]


def test_what_looked_like_a_stop_word_comes_at_the_end():
    texts, stream = fed([b"One ", b"sto"], stop=["stop"])
    assert texts == ["One ", "", "sto"]
    assert not stream.stopped


def test_an_empty_stop_word_stops_nothing():
    texts, stream = fed([b"One"], stop=[""])
    assert (texts, stream.stopped) == (["One", ""], False)


def test_nothing_comes_after_a_stop_word():
    tokenizer = Bytes()
    stream = TextStream(tokenizer, ["!"])
    assert stream.feed(tokenizer.encode([b"Hi!", b" there"])) == "Hi"
    assert stream.feed(tokenizer.encode([b"more"])) == ""
    assert stream.finish() == ""


def test_special_tokens_are_no_text():
    assert fed([b"One", SPECIAL, b" two"])[0] == ["One", "", " two", ""]


@pytest.mark.parametrize("pieces", [[b"\xff"] * 9, [b"\xf0\x9f"] * 5, [b"a\xc3"] * 4])
def test_bytes_that_are_no_text_do_not_hold_everything_back(pieces):
    texts, _ = fed([*pieces, b" text"])
    assert "\ufffd" in "".join(texts[:-2])
    assert "".join(texts).endswith(" text")


def test_a_long_reply_takes_time_in_proportion():
    """Each piece decodes a few tokens, not all from the start."""

    class Counting(Bytes):
        decoded = 0

        def decode(self, token_ids, *, skip_special_tokens):
            self.decoded += len(token_ids)
            return super().decode(token_ids, skip_special_tokens=skip_special_tokens)

    tokenizer = Counting()
    stream = TextStream(tokenizer)
    for token in tokenizer.encode([b"word "] * 1000):
        stream.feed([token])
    assert tokenizer.decoded < 5000
