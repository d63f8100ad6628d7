from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.markdown_blocks import LONG_LINE, LONG_PROSE, Block, Code, MarkdownStream, Prose, split

LINES = [
    "", " ", "word", "A sentence with `code`.", "# Heading", "- item", "  - nested", "1. one", "2) two",
    "   continued", "> quote", "| a | b |", "|---|---|", "```", "```python", "````", "~~~", "~~~ js x",
    "    ```", "  ```", "- ```sh", "``", "`", "``` a`b", "    indented", "\tx",
    "```\r", "🙂 emoji", "<b>html</b>", "===",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(LINES) | st.text(max_size=12), max_size=30).map("\n".join)
LONG_TEXTS = st.lists(
    st.sampled_from(["x" * 3000, "word " * 500, "\n", "\n\n", "```\n", "- item\n", "| a | b |\n", " "]),
    max_size=12,
).map("".join)


def in_pieces(text: str, sizes: list[int]) -> MarkdownStream:
    stream = MarkdownStream()
    at = 0
    for turn in range(len(text) + 1):
        if at >= len(text):
            break
        size = sizes[turn % len(sizes)]
        stream.feed(text[at : at + size])
        at += size
    return stream


def sources(blocks: list[Block]) -> str:
    return "".join(block.source for block in blocks)


@given(TEXTS, st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_the_pieces_do_not_matter(text: str, sizes: list[int]) -> None:
    stream = in_pieces(text, sizes)
    stream.finish()
    assert stream.blocks == split(text)
    assert sources(stream.blocks) == text
    assert stream.tail is None


@given(LONG_TEXTS, st.integers(1, 5000))
def test_nor_in_texts_too_long_for_a_line(text: str, size: int) -> None:
    stream = in_pieces(text, [size])
    stream.finish()
    assert stream.blocks == split(text)
    assert sources(stream.blocks) == text
    assert all(len(b.source) <= LONG_PROSE + LONG_LINE for b in stream.blocks if isinstance(b, Prose))


@given(TEXTS)
def test_finished_blocks_never_change(text: str) -> None:
    stream = MarkdownStream()
    seen: list[Block] = []
    for char in text:
        stream.feed(char)
        assert stream.blocks[: len(seen)] == seen
        seen = list(stream.blocks)
    stream.finish()
    assert stream.blocks[: len(seen)] == seen


@given(TEXTS)
def test_open_code_is_told_by_what_is_new(text: str) -> None:
    stream = MarkdownStream()
    shown = ""
    for char in text:
        stream.feed(char)
        if stream.open_language is None:
            shown = ""
            continue
        shown += stream.code_after(len(shown))
        tail = stream.tail
        assert isinstance(tail, Code)
        assert tail.text.startswith(shown)
        assert "\n" not in tail.text[len(shown) :]


def test_prose_and_code_stand_apart() -> None:
    blocks = split("Look:\n\n```python title\nx = 1\n\ny = 2\n```\nDone.\n")
    assert blocks == [
        Prose("Look:\n\n"),
        Code("```python title\nx = 1\n\ny = 2\n```\n", "python", "x = 1\n\ny = 2", closed=True),
        Prose("Done.\n"),
    ]


def test_paragraphs_freeze_one_by_one() -> None:
    stream = MarkdownStream()
    stream.feed("One.\n\nTwo.\n\nThr")
    assert stream.blocks == [Prose("One.\n\n")]
    assert stream.tail == Prose("Two.\n\nThr")


def test_a_loose_list_stays_whole() -> None:
    text = "1. one\n\n   more of one\n\n2. two\n\nAfter.\n"
    assert [block.source for block in split(text)] == ["1. one\n\n   more of one\n\n2. two\n\n", "After.\n"]


def test_a_table_stays_whole() -> None:
    rows = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 1000
    assert [block.source for block in split(rows + "\nAfter\n")] == [rows + "\n", "After\n"]


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("````md\n```\ninner\n```\n````\n", "md", "```\ninner\n```"),
        ("~~~\n```\n~~~~\n", "", "```"),
        ("```{.python}\nx\n```", "python", "x"),
        ("```C++\nx\n```", "c++", "x"),
        ("```\r\nx\r\ny\r\n```\r\n", "", "x\ny"),
        ("  ```\n  x\n    y\n z\n  ```\n", "", "x\n  y\nz"),
        ("```\n```\n", "", ""),
        ("```\nnot closed by ```\n```\n", "", "not closed by ```"),
    ],
)
def test_fences(text: str, language: str, code: str) -> None:
    [block] = split(text)
    assert isinstance(block, Code)
    assert (block.language, block.text, block.closed) == (language, code, True)


def test_a_fence_inside_a_list_item_is_code_without_its_indentation() -> None:
    text = "1. Run:\n\n    ```sh\n    make\n      all\n    ```\n\n2. Wait.\n"
    first, code, last = split(text)
    assert code == Code("    ```sh\n    make\n      all\n    ```\n", "sh", "make\n  all", closed=True)
    assert first == Prose("1. Run:\n\n")
    assert last == Prose("\n2. Wait.\n")


def test_a_fence_right_behind_a_list_mark_is_code() -> None:
    assert split("- ```sh\n  make\n  ```\n") == [
        Prose("- "),
        Code("```sh\n  make\n  ```\n", "sh", "make", closed=True),
    ]


def test_code_that_never_closes_is_still_code() -> None:
    assert split("```py\nx = 1\n``") == [Code("```py\nx = 1\n``", "py", "x = 1\n``", closed=False)]


def test_inline_backticks_open_nothing() -> None:
    assert split("```not a fence` here\n") == [Prose("```not a fence` here\n")]
    assert split("para\n\n    ```\n") == [Prose("para\n\n    ```\n")]


def test_a_half_line_that_may_become_a_fence_is_not_shown() -> None:
    stream = MarkdownStream()
    stream.feed("Look:\n``")
    assert stream.tail == Prose("Look:\n")
    stream.feed("`pyth")
    assert stream.tail == Prose("Look:\n")
    stream.feed("on\nx\n``")
    code: Block | None = stream.tail
    assert code == Code("```python\nx\n", "python", "x\n", closed=False)


@pytest.mark.parametrize(
    "text",
    [
        "A paragraph of some words that goes on.\n\n" * 5000,
        "no line break at all " * 10_000,
        "x" * 200_000,
        "line without an empty one\n" * 8000,
        "```\n" + "some = code\n" * 16_000,
        "- item\n\n" * 25_000,
        "| a | b |\n" * 20_000,
        "\n" * 200_000,
    ],
    ids=["paragraphs", "line", "word", "lines", "code", "list", "table", "blank"],
)
def test_long_replies_in_small_pieces_stay_cheap(text: str) -> None:
    def cost(length: int) -> float:
        begin = time.process_time()
        stream = MarkdownStream()
        for at in range(0, length, 4):
            stream.feed(text[at : at + 4])
            stream.code_after(at)
        stream.finish()
        return time.process_time() - begin

    small, whole = cost(20_000), cost(200_000)
    assert whole < max(30 * small, 0.5)
