"""A stretch of a message's words between two code blocks."""

from __future__ import annotations

import re

from PySide6.QtGui import QTextBlock, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextDocumentFragment
from PySide6.QtWidgets import QWidget

from app.ui import theme
from app.ui.chat.inert_text import InertText
from app.ui.chat.markdown_document import line_height, markdown_document

_PLAIN_LINE = re.compile(
    r" {0,8}(?:[-*+] +|\d{1,9}[.)] +)?(?P<words>[^\W\d_][^\W_]*(?:[ ,.;:?!()'\"’“”…–—%/-]|[^\W_])*)"
)
"""A line, perhaps of a list, of words with nothing among them that means something to markdown."""

LONG_STRETCH = 8_000
"""Another stretch is begun after this many characters, so that growing one stays cheap."""


class ProseText(InertText):
    """Frozen markdown that only grows, and behind it an open tail that is drawn anew each time."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.document().setDefaultFont(theme.body_font())
        self.document().setIndentWidth(22)
        self._tail = ""
        self._plain = ""
        self._frozen_end = 0

    def restart(self) -> None:
        """Forget everything."""
        self.begin_again()
        self._tail, self._plain = "", ""
        self._frozen_end = 0

    def freeze(self, source: str) -> None:
        """Append a block for good; it takes the place of the open tail."""
        self._draw(source)
        self._tail = ""
        self._frozen_end = self._end()

    def set_tail(self, source: str) -> None:
        """Draw `source` behind what is frozen, instead of the tail before."""
        if source != self._tail:
            if not self._extend(source):
                self._draw(source)
            self._tail = source

    def set_plain(self, text: str) -> None:
        """Show `text` as it is, every line and space of it. What is shown already stays."""
        shown = self._plain
        if not shown or not text.startswith(shown):
            self.restart()
            shown = ""
        with self.growing(self._end()) as cursor:
            if not shown:
                form = QTextBlockFormat()
                line_height(form, theme.SIZE_BODY * theme.LINE_HEIGHT)
                cursor.setBlockFormat(form)
            cursor.insertText(text[len(shown) :])
        self._plain = text

    def _without(self, block: QTextBlock) -> QTextBlock:
        """Take an empty block away; the one that stands there now."""
        number, form = block.blockNumber(), block.next().blockFormat()
        cursor = QTextCursor(block)
        cursor.deleteChar()
        cursor.setBlockFormat(form)
        return self.document().findBlockByNumber(number)

    def _end(self) -> int:
        return max(0, self.document().characterCount() - 1)

    def _extend(self, source: str) -> bool:
        """Type the end of `source` behind the tail, if markdown cannot make anything else of it.

        Most of what comes is a few plain words on a line of plain words; parsing the paragraph again for
        each would be most of the cost of a reply. The next mark or line break has all of it parsed again.
        """
        if not self._tail or not source.startswith(self._tail) or "\n" in source[len(self._tail) :]:
            return False
        before = _PLAIN_LINE.fullmatch(self._tail.rpartition("\n")[2].rstrip())
        after = _PLAIN_LINE.fullmatch(source.rpartition("\n")[2].rstrip())
        if before is None or after is None or "www" in after["words"] or "//" in after["words"]:
            return False
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if cursor.currentTable() is not None or not cursor.block().text().endswith(before["words"]):
            return False
        with self.growing(self._end()):
            cursor.insertText(after["words"][len(before["words"]) :])
        return True

    def _draw(self, source: str) -> None:
        with self.growing(self._frozen_end) as cursor:
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            if source.strip():
                made = markdown_document(source, theme.current())
                at_start = self._frozen_end == 0
                if at_start:
                    cursor.setBlockFormat(QTextBlockFormat())
                else:
                    cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
                first = cursor.block().blockNumber()
                cursor.insertFragment(QTextDocumentFragment(made))
                head = self.document().findBlockByNumber(first)
                if not head.text() and made.begin().text():  # a list begins with a block of its own
                    head = self._without(head)
                form = QTextBlockFormat(made.begin().blockFormat())
                form.setObjectIndex(head.blockFormat().objectIndex())
                if at_start:
                    form.setTopMargin(0)
                at_head = QTextCursor(head)
                at_head.setBlockFormat(form)
                at_head.setBlockCharFormat(
                    made.begin().charFormat()
                )  # or a list mark looks like what was before
