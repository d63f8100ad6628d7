"""Small texts from files and programs of the system, which are not to be trusted.

What is not there, cannot be read or cannot be true is None or empty; nothing here raises.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path("/")
MOST_BYTES = 4 << 20
"""/proc/cpuinfo of 1,024 processors has about 2 MB."""
MOST_PROCESSORS = 8192
"""Linux's own CONFIG_NR_CPUS goes no higher on x86."""
PROGRAM_TIMEOUT_S = 2.0


def text(file: Path) -> str:
    """A file's text without the white space around it; empty when it is not there or may not be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES).decode("utf-8", "replace").strip()
    except (OSError, ValueError):  # ValueError: a path with a null character
        return ""


def whole_number(digits: str | None, most: int) -> int | None:
    """The number that `digits` say, if it is one from 0 to `most`."""
    digits = (digits or "").strip()
    # int() refuses thousands of digits with an exception, and takes those of other scripts.
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 20):
        return None
    number = int(digits)
    return number if number <= most else None


def processors(list_text: str) -> frozenset[int]:
    """The numbers in one of Linux's processor lists, "0-3,8" (cpuset(7)); empty if it is none."""
    found: set[int] = set()
    for part in list_text.strip().split(","):
        first, dash, last = part.partition("-")
        begin = whole_number(first, MOST_PROCESSORS)
        end = whole_number(last, MOST_PROCESSORS) if dash else begin
        if begin is None or end is None:
            return frozenset()
        found.update(range(begin, end + 1))
    return frozenset(found)


def program_output(command: Iterable[str], timeout_s: float = PROGRAM_TIMEOUT_S) -> str:
    """What a program writes to standard output, whatever its exit status; empty when it does not start
    or does not end in time."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return done.stdout[:MOST_BYTES].decode("utf-8", "replace")
