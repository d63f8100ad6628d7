"""Markdown that arrives in pieces, as finished blocks that never change again and one open tail.

A reply is drawn while it is written. Drawing all of it again for every piece costs time that grows with
the square of its length, so the text is cut where nothing that follows can change what stands before:
after a paragraph, a list or a table, and around fenced code. Where the cuts fall depends on the text
alone, never on how it was cut into pieces on its way here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONG_LINE = 4_000
"""A line that goes on for longer than this, in characters, is cut at a word."""

LONG_PROSE = 4_000
"""Prose without a natural cut for longer than this, in characters, is cut before a line."""

LONG_TABLE = 40_000
"""The same for a table, which loses its head when it is cut."""

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)")
_LIST_ITEM = re.compile(r"(?P<indent>[ \t]*)(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$)")
_FENCE_BEGINNING = re.compile(r"[ \t]*(?:`{1,2}|~{1,2}|(?:`{3,}[^`\n]*|~{3,}[^\n]*))\Z")


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs, lists, tables, headings, quotes: anything but fenced code. `source` is markdown."""

    source: str


@dataclass(frozen=True, slots=True)
class Code:
    """Fenced code. `source` has its fences, `text` is the code alone, without a last line break.

    `closed` is false when the text ended before its fence did.
    """

    source: str
    language: str
    text: str
    closed: bool


Block = Prose | Code


class MarkdownStream:
    """Splits a growing markdown text.

    `blocks` holds what is finished and only grows; `tail` is what may still change. After `finish()`
    there is no tail, and the sources of the blocks, joined, are the text that was fed.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._half: list[str] = []  # pieces of the line that has no end yet
        self._half_length = 0
        self._mid_line = False  # that line began in an earlier piece of a long line
        self._lines: list[str] = []  # the open block's lines; its fences are among them
        self._length = 0
        self._blank_before = False
        self._in_list = False
        self._fence: _Fence | None = None
        self._code: list[str] = []

    def feed(self, text: str) -> None:
        """Take the next piece."""
        start = 0
        while start < len(text):
            end = text.find("\n", start) + 1
            room = LONG_LINE - self._half_length
            if end and end - start <= room:
                self._half.append(text[start:end])
                self._end_line("".join(self._half))
                start = end
            elif (end or len(text)) - start < room:
                self._half.append(text[start:])
                self._half_length += len(text) - start
                return
            else:
                self._half.append(text[start : start + room])
                self._cut_long_line("".join(self._half))
                start += room

    def finish(self) -> None:
        """The text ends here: what is open becomes blocks. Nothing may be fed after it."""
        if self._half:
            line = "".join(self._half)
            self._half, self._half_length = [], 0
            self._take(line)
        self._freeze()

    @property
    def tail(self) -> Block | None:
        """The open block, as it stands. A half line that may become a fence is not shown in it yet."""
        half = "".join(self._half)
        if not self._mid_line and _FENCE_BEGINNING.match(half):
            half = ""
        if self._fence is not None:
            return Code(
                "".join(self._lines) + half, self._fence.language, self._open_code(half), closed=False
            )
        source = "".join(self._lines) + half
        return Prose(source) if source else None

    def code_after(self, offset: int) -> str:
        """What the open code has after its first `offset` characters; cheap however long the code is.

        Only complete lines: those never change. Empty when no code is open.
        """
        if self._fence is None:
            return ""
        missing: list[str] = []
        end = self._fence.length
        for line in reversed(self._code):
            if end <= offset:
                break
            end -= len(line)
            missing.append(line if end >= offset else line[offset - end :])
        return "".join(reversed(missing))

    @property
    def open_half_line(self) -> str:
        """The line of open code that has no end yet, without what may become its closing fence."""
        half = "".join(self._half)
        if self._fence is None or (not self._mid_line and _FENCE_BEGINNING.match(half)):
            return ""
        return half if self._mid_line else self._fence.dedent(half)

    @property
    def open_language(self) -> str | None:
        """The language of the code that is open, None when no code is open."""
        return None if self._fence is None else self._fence.language

    def _end_line(self, line: str) -> None:
        self._half, self._half_length = [], 0
        self._take(line)
        self._mid_line = False

    def _cut_long_line(self, line: str) -> None:
        at = line.rfind(" ", LONG_LINE // 2) + 1 or len(line)
        rest = line[at:]
        self._half, self._half_length = ([rest] if rest else []), len(rest)
        self._take(line[:at])
        self._mid_line = True

    def _take(self, line: str) -> None:
        """Add a whole line, or a piece of one too long, to what is open."""
        if self._fence is not None:
            self._take_code(line)
        elif self._mid_line:
            self._take_prose(line)
        elif opening := _opening(line, in_list=self._in_list):
            if opening.before:
                self._take_prose(opening.before)
            self._freeze(keep_list=True)
            self._fence = opening
            self._push(line[len(opening.before) :])
        else:
            self._take_prose(line)

    def _take_prose(self, line: str) -> None:
        blank = not line.strip()
        if self._lines and not blank and self._may_cut_before(line):
            self._freeze()
        if not blank and not self._mid_line:
            if item := _LIST_ITEM.match(line):
                self._in_list = self._in_list or len(item["indent"].expandtabs(4)) < 4
            elif self._blank_before and not line[0].isspace():
                self._in_list = False
        self._blank_before = blank
        self._push(line)

    def _may_cut_before(self, line: str) -> bool:
        """Whether nothing from `line` on can change how the open prose is drawn."""
        if self._length + len(line) > (LONG_TABLE if line.lstrip().startswith("|") else LONG_PROSE):
            return True
        if not self._blank_before or self._mid_line or line[0].isspace():
            return False
        return not (self._in_list and _LIST_ITEM.match(line))

    def _take_code(self, line: str) -> None:
        assert self._fence is not None
        self._push(line)
        if not self._mid_line and self._fence.closed_by(line):
            self._freeze(closed=True, keep_list=True)
            return
        text = line if self._mid_line else self._fence.dedent(line)
        text = text.replace("\r\n", "\n")
        self._code.append(text)
        self._fence.length += len(text)

    def _push(self, line: str) -> None:
        self._lines.append(line)
        self._length += len(line)

    def _open_code(self, half: str) -> str:
        assert self._fence is not None
        text = "".join(self._code)
        return text + (half if self._mid_line else self._fence.dedent(half)) if half else text

    def _freeze(self, *, closed: bool = False, keep_list: bool = False) -> None:
        source = "".join(self._lines)
        if self._fence is not None:
            code = self._open_code("").removesuffix("\n")
            self.blocks.append(Code(source, self._fence.language, code, closed))
        elif source:
            self.blocks.append(Prose(source))
        self._lines, self._length, self._fence, self._code = [], 0, None, []
        self._blank_before = False
        self._in_list = self._in_list and keep_list


@dataclass(slots=True)
class _Fence:
    """An opening fence: what closes it, and how its code is set in."""

    before: str
    indent: int
    mark: str
    language: str
    length: int = 0

    def closed_by(self, line: str) -> bool:
        bare = line.strip()
        return (
            len(bare) >= len(self.mark)
            and set(bare) == {self.mark[0]}
            and len(line) - len(line.lstrip()) <= self.indent + 3
        )

    def dedent(self, line: str) -> str:
        """`line` without as much of the fence's own indentation as it has."""
        start = 0
        while start < self.indent and start < len(line) and line[start] in " \t":
            start += 1
        return line[start:]


def split(text: str) -> list[Block]:
    """The blocks of a complete text."""
    stream = MarkdownStream()
    stream.feed(text)
    stream.finish()
    return stream.blocks


def _opening(line: str, *, in_list: bool) -> _Fence | None:
    """The fence that `line` opens, if it does; perhaps as the first thing of a list item."""
    item = _LIST_ITEM.match(line)
    before = item[0] if item else ""
    found = _FENCE.match(line, len(before))
    if found is None:
        return None
    indent, mark, info = found["indent"], found["fence"], found["info"].strip()
    if mark[0] == "`" and "`" in info:
        return None  # inline code, as CommonMark has it
    if not item and not in_list and len(indent.expandtabs(4)) > 3:
        return None  # code by indentation, which stays in the prose
    language = info.split()[0].strip("{}.").lower() if info.strip("{}. ") else ""
    return _Fence(before, len(before) + len(indent), mark, language)
