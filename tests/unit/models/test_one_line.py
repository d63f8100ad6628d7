import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.one_line import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Zoë’s 模型 7B", "Zoë’s 模型 7B"),
        ("  two\n\tlines\r\n ", "two lines"),
        ("\x1b[31mred\x07", "[31mred"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half \ud83d of one", "half of one"),
        ("no\u2028line\u2029break\u00a0", "no line break"),
        ("\ue000private", "private"),
        ("", ""),
    ],
)
def test_one_line(text, line):
    assert one_line(text, 50) == line


def test_a_long_text_is_cut():
    assert one_line("word " * 100, 10) == "word word…"
    assert one_line("x" * 10, 10) == "x" * 10
    assert one_line("\n" * 1_000_000 + "late", 10) == ""


@given(st.text(), st.integers(1, 20))
def test_whatever_it_was(text, most):
    line = one_line(text, most)
    assert len(line) <= most
    assert line == line.strip()
    assert all(unicodedata.category(c)[0] != "C" and (c == " " or not c.isspace()) for c in line)
    assert one_line(line, most) == line
