"""Options of engines that cannot all be run here, as their own help lists them (help/*.txt say whence)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

HELP = Path(__file__).parent / "help"


def options(name: str) -> dict[str, tuple[str, ...]]:
    """Every option of that help text with the values it takes; empty where it takes any, or none."""
    found: dict[str, tuple[str, ...]] = {}
    for line in (HELP / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            choices = re.search(r"\{([^}]*)\}", line)
            values = tuple(choices[1].split(",")) if choices else ()
            found |= dict.fromkeys(re.findall(r"--[\w.-]+", line), values)
    return found


def unknown(argv: Sequence[str], name: str) -> list[str]:
    """What of `argv` that help text does not know: options, and values that an option does not take."""
    known, refused = options(name), []
    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        option, _, value = word.partition("=")
        if option.startswith("--"):
            value = value or ("" if following.startswith("--") else following)
            if option not in known or (known[option] and value not in known[option]):
                refused.append(word)
    return refused
