"""Regular expressions as grammars. What llama.cpp makes of them is in tests/engines/test_exported_code.py."""

from __future__ import annotations

import pytest

from app.advisor.export import CannotExport
from app.advisor.export.regex_grammar import MAX_LENGTH, check, grammar_of


@pytest.mark.parametrize(
    ("regex", "grammar"),
    [
        ("yes|no", '("y" "e" "s" | "n" "o")'),
        (r"^\d{4}-[01]\d$", '([0-9]){4,4} "-" [01] [0-9]'),
        (r"[^a-c\]\-]+", "([^a-c\\x5D\\x2D])+"),
        (r"\D\W\S", "[^0-9] [^A-Za-z0-9_] [^ \\t\\n\\r\\x0B\\x0C]"),
        (r"a?b*?c{2,}d{,3}", '("a")? ("b")* ("c"){2,} ("d"){0,3}'),
        (r"(?P<name>.)(?:x|)", '([^\\n]) ("x")?'),
        ('"\\\\', '"\\x22" "\\x5C"'),
        ("é家😀\n", '"\\xE9" "\\u5BB6" "\\U0001F600" "\\x0A"'),
        ("[^x]", "[^x]"),
        ("", '""'),
    ],
)
def test_grammars(regex: str, grammar: str) -> None:
    made = grammar_of(regex)
    if regex == r"(?P<name>.)(?:x|)":  # Python's parser may say an empty choice in two ways
        assert made in (f"root ::= {grammar}\n", 'root ::= ([^\\n]) ("x" | "")\n')
    else:
        assert made == f"root ::= {grammar}\n"


@pytest.mark.parametrize(
    ("regex", "what"),
    [
        (r"(a)\1", "groupref"),
        (r"(?=a)a", "assert"),
        (r"(?i)a", "flags"),
        (r"(?i:a)", "flags"),
        (r"a\b", "at"),
        (r"a$b", "at"),
        (r"[\D1]", "class"),
        (r"a{5000}", "1,000"),
    ],
)
def test_what_has_no_grammar_is_refused(regex: str, what: str) -> None:
    with pytest.raises(CannotExport, match=what):
        grammar_of(regex)


@pytest.mark.parametrize("regex", ["(", "a" * (MAX_LENGTH + 1), "[z-a]", "a**", "(?P<a"])
def test_what_is_no_expression_is_refused(regex: str) -> None:
    with pytest.raises(CannotExport):
        check(regex)


def test_groups_within_groups_within_groups_are_refused() -> None:
    with pytest.raises(CannotExport):
        grammar_of("(" * (MAX_LENGTH // 2) + ")" * (MAX_LENGTH // 2))
