"""No text ends the literal that it stands in."""

from __future__ import annotations

import ast
import json
import math
import os
import subprocess
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.advisor.export.literals import (
    comment,
    json_text,
    python_call,
    python_dict,
    python_text,
    python_value,
    shell_text,
)

TEXT = st.text(st.characters())  # lone surrogates among them
HOSTILE = (
    "\"\"\"\n'''\\",
    "\\",
    "$(touch /tmp/x) `id` ${HOME} !!",
    "\0\x1b[2J\r\n\u2028\u202e\ud800\U000e0001",
    "JSON\nJSON\n",
    "{values} {0} %s {{",
    "'\"'\"'",
    " " * 200 + "x" * 200,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=12,
)


def with_hostile(test: Any) -> Any:
    for text in HOSTILE:
        test = example(text)(test)
    return test


@with_hostile
@given(TEXT)
def test_python_reads_the_text_again(text: str) -> None:
    line = python_text(text)
    assert ast.literal_eval(line) == text
    assert line.isprintable()


@given(JSON)
@settings(max_examples=200)
def test_python_reads_the_value_again_and_lines_may_move(value: Any) -> None:
    laid_out = python_value(value)
    assert ast.literal_eval(laid_out) == value
    moved = "\n".join("    " + line for line in laid_out.split("\n")).strip()
    assert ast.literal_eval(moved) == value


@with_hostile
@given(TEXT)
def test_a_long_text_is_the_same_in_pieces(text: str) -> None:
    assert ast.literal_eval(python_value({"role": "user", "content": text + "\nend " + text}, "    ")) == {
        "role": "user",
        "content": text + "\nend " + text,
    }


def test_lines_of_a_text_stand_in_lines_of_the_code() -> None:
    assert python_value("one\ntwo") == '(\n    "one\\n"\n    "two"\n)'
    assert python_value("one\n") == '"one\\n"'
    assert all(len(line) <= 88 for line in python_value("word " * 100).split("\n"))


def test_quotes_are_chosen_so_that_little_is_escaped() -> None:
    assert python_text('{"a": 1}') == "'{\"a\": 1}'"
    assert python_text("it's") == '"it\'s"'
    assert python_text('it\'s "a"') == '"it\'s \\"a\\""'


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_what_is_no_number_of_json_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        python_value({"a": [number]})
    with pytest.raises(ValueError, match="JSON"):
        json_text({"a": [number]})


def test_what_json_has_not_is_refused() -> None:
    with pytest.raises(TypeError):
        python_value({"a": object()})


@given(JSON)
def test_json_reads_the_value_again(value: Any) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert text.replace("\n", "").isprintable()


@with_hostile
@given(TEXT)
def test_no_line_of_json_ends_a_text_between_markers(text: str) -> None:
    assert "JSON" not in json_text({"content": text, "list": [text]}).split("\n")


def test_calls_and_dicts_are_on_one_line_where_they_fit() -> None:
    assert python_call("f", {"a": "1"}) == "f(a=1)"
    assert python_dict({"a": "1"}) == '{"a": 1}'
    assert python_call("f", {"a": "1"}, used=85) == "f(\n    a=1,\n)"
    assert python_dict({"a": "1"}, used=85) == '{\n    "a": 1,\n}'


@with_hostile
@given(TEXT)
def test_a_comment_stays_one(text: str) -> None:
    assert comment(text).isprintable()
    assert len(comment(text * 50)) <= 4000 + 1


@pytest.mark.skipif(os.name == "nt", reason="bash")
def test_bash_reads_the_texts_again() -> None:
    texts = [
        *(text.replace("\0", "").replace("\ud800", "") for text in HOSTILE),
        *("".join(map(chr, range(first, first + 64))) for first in range(1, 0x500, 64)),
        "",
        "-n",
        "~",
    ]
    script = "printf '%s\\0' " + " ".join(map(shell_text, texts))
    out = subprocess.run(["bash"], input=script.encode(), capture_output=True, check=True).stdout
    assert out.decode().split("\0")[:-1] == texts


@pytest.mark.skipif(os.name == "nt", reason="bash")
def test_names_of_files_that_are_no_text_are_read_again_as_bytes() -> None:
    name = os.fsdecode(b"/models/caf\xe9\n'.gguf")
    script = f"printf '%s' {shell_text(name)}"
    out = subprocess.run(["bash"], input=script.encode(), capture_output=True, check=True).stdout
    assert out == os.fsencode(name)


def test_no_word_of_a_shell_has_a_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        shell_text("a\0b")
