"""Texts of strangers made fit to stand in a list: one line, of bounded length, that reads as what it is."""

from __future__ import annotations

import unicodedata

_SPACES = frozenset({"Cc", "Zl", "Zp", "Zs"})
"""Unicode categories: control characters (line breaks among them), and what separates."""
_GONE = frozenset({"Cf", "Cs", "Co", "Cn"})
"""Direction overrides and zero width, lone surrogates, private use, unassigned."""
_LOOKED_AT = 8
"""Of a text of at most n characters, 8 n are looked at: a hostile one may be of megabytes."""


def one_line(text: str, most: int) -> str:
    """`text` in at most `most` characters, without line breaks or characters that cannot be seen."""
    if len(text) <= most and text.isprintable() and "  " not in text and text == text.strip(" "):
        return text  # nearly every one; printable means none of the categories above but the common space
    kept = []
    for character in text[: _LOOKED_AT * most]:
        category = unicodedata.category(character)
        if category in _SPACES:
            kept.append(" ")
        elif category not in _GONE:
            kept.append(character)
    line = " ".join("".join(kept).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
