"""Colours for code, worked out in slices so that a long block never holds the window up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QColor, QTextBlock, QTextCharFormat, QTextDocument, QTextLayout

from app.ui import theme

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LARGEST = 100_000
"""Longer code, in characters, stays plain."""

_SLICE_S = 0.002
_WAIT_MS = 15
_GROWTH = 1.5
_FIRST = 240

# Role of a token type's beginning -> (light, dark); each readable on a code card.
PALETTE: dict[str, tuple[str, str]] = {
    "Token.Comment": ("#65676F", "#9A9CA6"),
    "Token.Keyword": ("#9A2A8B", "#E59BDC"),
    "Token.Operator.Word": ("#9A2A8B", "#E59BDC"),
    "Token.Literal.String": ("#1F6B3A", "#8FD3A0"),
    "Token.Literal.Number": ("#9A4A00", "#F0B27A"),
    "Token.Name.Function": ("#1D56B8", "#8FBBFF"),
    "Token.Name.Class": ("#1D56B8", "#8FBBFF"),
    "Token.Name.Builtin": ("#0B6470", "#7CCFDA"),
    "Token.Name.Decorator": ("#9A4A00", "#F0B27A"),
    "Token.Name.Tag": ("#1D56B8", "#8FBBFF"),
    "Token.Name.Attribute": ("#0B6470", "#7CCFDA"),
    "Token.Generic.Deleted": ("#B3261E", "#FF9A91"),
    "Token.Generic.Inserted": ("#1F6B3A", "#8FD3A0"),
    "Token.Generic.Heading": ("#1D56B8", "#8FBBFF"),
}


class Highlighter(QObject):
    """Colours one document of code.

    While code is being written it is read again from its beginning only when it has grown by half: all
    readings together cost no more than a few of the last one.
    """

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._document = document
        self._language = ""
        self._read = 0
        self._tokens: Iterator[tuple[Any, str]] | None = None
        self._block = QTextBlock()
        self._ranges: list[QTextLayout.FormatRange] = []
        self._column = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._work)

    def restart(self, language: str) -> None:
        """Other code, in another language, comes now."""
        self._language = language
        self._read = 0
        self._stop()

    def grown(self, length: int) -> None:
        """The open code is `length` characters long now."""
        if self._tokens is None and length >= max(_FIRST, self._read * _GROWTH):
            self._begin(length)

    def complete(self, length: int) -> None:
        """The code ends; colour all of it."""
        if length != self._read:
            self._begin(length)

    def _begin(self, length: int) -> None:
        self._read = length
        self._tokens = None
        if self._language and length <= LARGEST:
            self._timer.start(0)

    def _stop(self) -> None:
        self._timer.stop()
        self._tokens = None

    def _work(self) -> None:
        if self._tokens is None:
            found = _looked_up(self._language)
            if not found.done():
                self._timer.start(_WAIT_MS)
                return
            lexer = found.result()
            if lexer is None:
                self._stop()
                return
            self._timer.start(0)
            self._tokens = iter(lexer.get_tokens(self._document.toPlainText()))
            self._block, self._ranges, self._column = self._document.begin(), [], 0
        formats = _formats(theme.current().dark)
        until = time.perf_counter() + _SLICE_S
        first = self._block.position()
        for kind, text in self._tokens:
            self._add(_format_of(str(kind), formats), text)
            if time.perf_counter() > until:
                break
        else:
            self._end_line()
            self._stop()
        end = self._block.position() + self._block.length() if self._block.isValid() else -1
        end = min(end, self._document.characterCount()) if end >= 0 else self._document.characterCount()
        self._document.markContentsDirty(first, max(0, end - first))

    def _add(self, colours: QTextCharFormat | None, text: str) -> None:
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if number:
                self._end_line()
            length = len(line) if line.isascii() else len(line.encode("utf-16-le")) // 2
            if colours is not None and length:
                span = QTextLayout.FormatRange()
                span.start, span.length, span.format = self._column, length, colours
                self._ranges.append(span)
            self._column += length

    def _end_line(self) -> None:
        if self._block.isValid():
            self._block.layout().setFormats(self._ranges)
            self._block = self._block.next()
        self._ranges, self._column = [], 0


_reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pygments")


@lru_cache(maxsize=64)
def _looked_up(language: str) -> Future[Lexer | None]:
    """Importing pygments and building a lexer take up to 300 ms; the window must not wait for them."""
    return _reader.submit(lexer_for, language)


def lexer_for(language: str) -> Lexer | None:
    """Pygments' reader of `language`, None for plain text and for what it does not know."""
    # Imported when the first code is shown, so that a start does not pay for it.
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer: Lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return None if lexer.name == "Text only" else lexer


@lru_cache(maxsize=2)
def _formats(dark: bool) -> dict[str, QTextCharFormat]:
    made: dict[str, QTextCharFormat] = {}
    for prefix, colours in PALETTE.items():
        made[prefix] = QTextCharFormat()
        made[prefix].setForeground(QColor(colours[dark]))
    return made


def _format_of(kind: str, formats: dict[str, QTextCharFormat]) -> QTextCharFormat | None:
    while kind:
        if (found := formats.get(kind)) is not None:
            return found
        kind = kind.rpartition(".")[0]
    return None
