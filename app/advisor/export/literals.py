"""Texts of anybody as literals of Python, JSON, jq and bash, so that none of them can end its literal.

What is not printable is escaped, also where the language would not ask for it: a direction override in a
source makes it read as what it is not.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping, Sequence

WIDTH = 88
"""Columns that lines of code may have; only a piece of text that has no spaces makes longer ones."""
_INDENT = "    "
_MAX_COMMENT = 400

_NAMED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PIECE = re.compile(r"[^ \n]*(?: +|\n|$)")
"""A word with the spaces that follow it, or with the end of its line."""


def python_text(text: str) -> str:
    """`text` as one Python string, on one line."""
    quote = "'" if '"' in text and "'" not in text else '"'
    return quote + "".join(_python_character(character, quote) for character in text) + quote


def python_value(value: object, indent: str = "", used: int = 0) -> str:
    """`value` (of what JSON has) as Python; what does not fit into a line is laid out at `indent`.

    `used` columns of the first line are taken by what stands before it. Raises ValueError for infinities and
    NaN, TypeError for anything that JSON has not.
    """
    if isinstance(value, str):
        return _python_string(value, indent, used)
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int | float):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is no number of JSON")
        return repr(value)
    inner = indent + _INDENT
    if isinstance(value, Mapping):
        opening, closing = "{", "}"
        keys = [f"{python_text(str(key))}: " for key in value]
        values: list[object] = list(value.values())
    elif isinstance(value, Sequence):
        opening, closing = "[", "]"
        keys, values = [""] * len(value), list(value)
    else:
        raise TypeError(f"{type(value).__name__} is nothing that JSON has")
    items = [key + python_value(one, inner, len(key)) for key, one in zip(keys, values, strict=True)]
    line = opening + ", ".join(items) + closing
    if "\n" not in line and len(indent) + used + len(line) <= WIDTH:
        return line
    return opening + "\n" + "".join(f"{inner}{item},\n" for item in items) + indent + closing


def python_call(name: str, arguments: Mapping[str, str], indent: str = "", used: int = 0) -> str:
    """A call with keyword arguments, whose values are expressions as they shall stand there."""
    items = [f"{key}={value}" for key, value in arguments.items()]
    line = f"{name}({', '.join(items)})"
    if "\n" not in line and len(indent) + used + len(line) <= WIDTH:
        return line
    inner = indent + _INDENT
    return f"{name}(\n" + "".join(f"{inner}{item},\n" for item in items) + f"{indent})"


def python_dict(items: Mapping[str, str], indent: str = "", used: int = 0) -> str:
    """A dict, whose values are expressions as they shall stand there."""
    line = "{" + ", ".join(f"{python_text(key)}: {value}" for key, value in items.items()) + "}"
    if "\n" not in line and len(indent) + used + len(line) <= WIDTH:
        return line
    inner = indent + _INDENT
    lines = "".join(f"{inner}{python_text(key)}: {value},\n" for key, value in items.items())
    return "{\n" + lines + indent + "}"


def json_text(value: object, *, indent: int | None = 2) -> str:
    """`value` as JSON. Raises ValueError for infinities and NaN."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    return "".join(c if c == "\n" or c.isprintable() else _json_character(c) for c in text)


def shell_text(text: str) -> str:
    """`text` as one word of bash. Raises ValueError for a NUL, which no word can have."""
    if "\0" in text:
        raise ValueError("a word of a shell cannot have a NUL")
    if text.isprintable():
        return shlex.quote(text)
    # $'…' with the bytes of what is not printable; names of files may have bytes that are no text.
    return "$'" + "".join(map(_shell_character, text)) + "'"


def comment(text: str) -> str:
    """`text` as it may stand behind a "# ": on one line, and readable as what it is."""
    line = "".join(c if c.isprintable() else _python_character(c) for c in text[:_MAX_COMMENT])
    return line if len(text) <= _MAX_COMMENT else line + "…"


def _python_string(text: str, indent: str, used: int) -> str:
    line = python_text(text)
    breaks = text.count("\n", 0, len(text) - 1)
    if not breaks and len(indent) + used + len(line) < WIDTH:
        return line
    inner = indent + _INDENT
    room = WIDTH - len(inner)
    pieces: list[str] = []
    current = ""
    for piece in _PIECE.findall(text):
        if current and (current.endswith("\n") or len(python_text(current + piece)) > room):
            pieces.append(current)
            current = ""
        current += piece
    pieces.append(current)
    if len(pieces) == 1:
        return line
    return "(\n" + "".join(f"{inner}{python_text(piece)}\n" for piece in pieces) + f"{indent})"


def _python_character(character: str, quote: str = "") -> str:
    if character == quote:
        return "\\" + character
    if character in _NAMED:
        return _NAMED[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _json_character(character: str) -> str:
    """Escaped as UTF-16, of which JSON's escapes are made."""
    return json.dumps(character)[1:-1] if ord(character) > 0x7F else f"\\u{ord(character):04x}"


def _shell_character(character: str) -> str:
    if character in "\\'":
        return "\\" + character
    if character.isprintable():
        return character
    data = character.encode(
        "utf-8", "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
    )
    return "".join(f"\\x{byte:02x}" for byte in data)
