"""Texts without the keys that may stand in them, before they are kept.

Whoever runs an engine keeps its key out of arguments and logs; here it is made sure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

GONE = "…"

_SECRET = r"(?:api[-_]?key|auth[-_]?token|hf[-_]?token|password|secret)"
_OPTION = re.compile(rf"(?i)--?[\w-]*{_SECRET}")
_IN_TEXT = re.compile(
    rf"(?i)(--?[\w-]*{_SECRET}\s*[= ]\s*|\b\w*{_SECRET}[\"']?\s*[=:]\s*|\bbearer\s+)[^\s,;)\]]+"
)


def keyless_flags(flags: Sequence[str]) -> tuple[str, ...]:
    """Arguments of a program, with `GONE` where the value of a key's option was."""
    kept: list[str] = []
    for flag in flags:
        is_value = bool(kept) and _OPTION.fullmatch(kept[-1]) is not None and not flag.startswith("--")
        kept.append(GONE if is_value else keyless_text(flag))
    return tuple(kept)


def keyless_text(text: str) -> str:
    """A log, with `GONE` where the value of a key was."""
    return _IN_TEXT.sub(rf"\1{GONE}", text)
