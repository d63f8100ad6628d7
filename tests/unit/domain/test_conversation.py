import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.conversation import TITLE_LENGTH, UNTITLED, title_from


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("How do tides work?", "How do tides work?"),
        ("  How \t do\u00a0tides work?  \nAnd why?", "How do tides work?"),
        ("\n\r\n \n第一行\n第二行", "第一行"),
        ("# Heading\nbody", "Heading"),
        ("- [ ] a list", "[ ] a list"),
        ("> `quoted`", "quoted`"),
        ("---", "---"),
        ("", UNTITLED),
        (" \n\t\n\u2003", UNTITLED),
        ("x" * TITLE_LENGTH, "x" * TITLE_LENGTH),
        ("x" * (TITLE_LENGTH + 1), "x" * (TITLE_LENGTH - 1) + "…"),
        ("word, " * 20, "word, word, word, word, word, word, word, word, word…"),
    ],
)
def test_titles(message, title):
    assert title_from(message) == title


@given(st.text())
def test_a_title_is_one_short_line_of_something(message):
    title = title_from(message)
    assert 0 < len(title) <= TITLE_LENGTH
    assert len(title.splitlines()) == 1
    assert title == " ".join(title.split())


@given(st.text(alphabet="ab ,.", min_size=TITLE_LENGTH + 1))
def test_a_long_title_begins_as_its_message_does(message):
    title = title_from(message)
    shown = " ".join(message.split())
    assert shown.startswith(title.removesuffix("…")) or title == UNTITLED
