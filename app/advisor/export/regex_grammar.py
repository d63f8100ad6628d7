"""Regular expressions as grammars of llama.cpp (GBNF; grammars/README.md in its source).

Python's own parser reads the expression, so that both mean the same; `grammar_of` accepts what a text matches
as a whole. What looks ahead, looks back or refers to an earlier group has no grammar and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from app.advisor.export.values import CannotExport

MAX_LENGTH = 2000
"""Characters of an expression; what a person writes is far shorter."""
MAX_REPEATS = 1000
"""llama.cpp refuses rules that repeat more often than its MAX_REPETITION_THRESHOLD of 2,000."""

_CLASSES = {"CATEGORY_DIGIT": "0-9", "CATEGORY_WORD": "A-Za-z0-9_", "CATEGORY_SPACE": " \\t\\n\\r\\x0B\\x0C"}
"""As with re.ASCII: a grammar has no classes of all of Unicode."""
_OPPOSITE = {"CATEGORY_NOT_DIGIT": "0-9", "CATEGORY_NOT_WORD": "A-Za-z0-9_"} | {
    "CATEGORY_NOT_SPACE": " \\t\\n\\r\\x0B\\x0C"
}
_BEGINNINGS = frozenset({"AT_BEGINNING", "AT_BEGINNING_STRING"})
_ENDS = frozenset({"AT_END", "AT_END_STRING"})


def check(regex: str) -> None:
    """Raises CannotExport unless `regex` is a regular expression of bounded length."""
    if len(regex) > MAX_LENGTH:
        raise CannotExport(f"The regular expression is longer than {MAX_LENGTH:,} characters.")
    try:
        re.compile(regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise CannotExport(f"That is no regular expression: {error}.") from error


def grammar_of(regex: str) -> str:
    """A grammar of all texts that `regex` matches as a whole. Raises CannotExport where there is none."""
    check(regex)
    parsed = parser.parse(regex)
    if parsed.state.flags & ~(re.UNICODE | re.ASCII):
        raise _no_grammar("flags")
    items = list(parsed)
    # All of the text is matched anyway. Elsewhere than at its ends they would forbid something.
    if items and _is_end(items[0], _BEGINNINGS):
        del items[0]
    if items and _is_end(items[-1], _ENDS):
        del items[-1]
    try:
        return f"root ::= {_sequence(items)}\n"
    except RecursionError as error:
        raise _no_grammar("too many groups within groups") from error


def _is_end(item: Any, ends: frozenset[str]) -> bool:
    return str(item[0]) == "AT" and str(item[1]) in ends


def _sequence(parsed: Any) -> str:
    return " ".join(_term(str(operation), argument) for operation, argument in parsed) or '""'


def _term(operation: str, argument: Any) -> str:
    match operation:
        case "LITERAL":
            return f'"{_character(argument, _IN_TEXT)}"'
        case "NOT_LITERAL":
            return f"[^{_character(argument, _IN_CLASS)}]"
        case "ANY":
            return "[^\\n]"
        case "IN":
            return _class(argument)
        case "BRANCH":
            return "(" + " | ".join(_sequence(branch) for branch in argument[1]) + ")"
        case "SUBPATTERN":
            group, added, removed, inner = argument
            if added or removed:
                raise _no_grammar("flags")
            del group
            return f"({_sequence(inner)})"
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _repeat(*argument)
        case _:
            raise _no_grammar(operation.lower().replace("_", " "))


def _repeat(least: int, most: Any, inner: Any) -> str:
    unbounded = most == code.MAXREPEAT
    if max(least, 0 if unbounded else most) > MAX_REPEATS:
        raise _no_grammar(f"more than {MAX_REPEATS:,} repetitions")
    times = {(0, True): "*", (1, True): "+"}.get((least, unbounded))
    if times is None:
        times = "?" if (least, most) == (0, 1) else f"{{{least},{'' if unbounded else most}}}"
    return f"({_sequence(inner)}){times}"


def _class(items: Sequence[Any]) -> str:
    negated = bool(items) and str(items[0][0]) == "NEGATE"
    parts = []
    for operation, argument in items[1:] if negated else items:
        match str(operation):
            case "LITERAL":
                parts.append(_character(argument, _IN_CLASS))
            case "RANGE":
                low, high = argument
                parts.append(f"{_character(low, _IN_CLASS)}-{_character(high, _IN_CLASS)}")
            case "CATEGORY" if str(argument) in _CLASSES:
                parts.append(_CLASSES[str(argument)])
            case "CATEGORY" if len(items) == 1:
                return f"[^{_OPPOSITE[str(argument)]}]"
            case _:
                raise _no_grammar("such a class of characters")
    return f"[{'^' if negated else ''}{''.join(parts)}]"


_IN_TEXT = frozenset('"\\')
_IN_CLASS = frozenset("[]^-\\")


def _character(number: int, special: frozenset[str]) -> str:
    """A character by its code point; as an escape where it means something, or is not plain ASCII."""
    character = chr(number)
    if character.isascii() and character.isprintable() and character not in special:
        return character
    if number <= 0xFF:
        return f"\\x{number:02X}"
    return f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}"


def _no_grammar(what: str) -> CannotExport:
    return CannotExport(f"llama.cpp has no grammar for this regular expression: it uses {what}.")
