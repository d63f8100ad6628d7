"""What is written to the terminal, and what must never reach it.

What a model writes is hostile: a terminal obeys control sequences (they move the cursor, rewrite what was
shown, fill the clipboard), and bidirectional overrides make text read as what it is not.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, screen
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, …
    r"|\x1b(?![\[\]PX^_])[ -/]*[0-~]"  # the short ones
)
_UNFINISHED = re.compile(
    r"(?:(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]{0,4096}\x1b?"
    r"|\x1b[ -/]{0,8})\Z"
)
"""A sequence whose end may still come; bounded, so that a model cannot withhold its text for ever."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Every control character but line break and tab, and what overrides the direction of text."""


def harmless(text: str) -> str:
    """`text` as a terminal may show it: no control sequences, no control characters but \\n and \\t."""
    return _CONTROL.sub("", _SEQUENCE.sub("", text))


class HarmlessStream:
    """`harmless` for text that comes in pieces: a sequence may be cut anywhere."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What of the text so far may be shown now."""
        text = _SEQUENCE.sub("", self._held + piece)
        unfinished = _UNFINISHED.search(text)
        end = unfinished.start() if unfinished else len(text)
        self._held = text[end:]
        return _CONTROL.sub("", text[:end])

    def finish(self) -> str:
        """What was held back, made harmless."""
        held, self._held = self._held, ""
        return harmless(held)


class Console:
    """Standard output and standard error, each told apart as a terminal or not."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self.out_is_terminal = self._out.isatty()
        self.err_is_terminal = self._err.isatty()
        self._styled = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._transient = False

    def write(self, text: str) -> None:
        """Write our own or cleaned text to standard output at once."""
        self._out.write(text)
        self._out.flush()

    def line(self, text: str = "") -> None:
        """Write one line to standard output; file names and the like are made harmless."""
        self.write((harmless(text) if self.out_is_terminal else text) + "\n")

    def dim(self, text: str) -> str:
        """`text` set back behind the reply, where standard output is a terminal that can."""
        return f"\x1b[2m{text}\x1b[0m" if self.out_is_terminal and self._styled else text

    def note(self, text: str) -> None:
        """One line about the reply, set back. Only for a person: nothing where output is not a terminal."""
        if self.out_is_terminal:
            self.write(self.dim(harmless(text)) + "\n")

    def error(self, text: str) -> None:
        """One line to standard error."""
        self._err.write((harmless(text) if self.err_is_terminal else text) + "\n")
        self._err.flush()

    def transient(self, text: str) -> None:
        """Say what is being waited for, until `settle`. Only on a terminal that can erase it."""
        if self.err_is_terminal and self._styled:
            self._transient = True
            self._err.write(f"\x1b[2m{harmless(text)}\x1b[0m")
            self._err.flush()

    def settle(self) -> None:
        """Erase what `transient` said."""
        if self._transient:
            self._transient = False
            self._err.write("\r\x1b[K")
            self._err.flush()
