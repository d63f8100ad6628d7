"""The words and code of one reply, one under the other; finished blocks are drawn once."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtWidgets import QWidget

from app.domain.markdown_blocks import Block, Code, MarkdownStream, Prose
from app.ui import theme
from app.ui.chat.code_block import CodeBlock
from app.ui.chat.inert_text import InertText
from app.ui.chat.prose import ProseText

_SPARE = 2
"""Parts of a kind kept for the next text; one long reply must not leave hundreds behind."""

Part = ProseText | CodeBlock


class ReplyText(QWidget):
    """Shows markdown blocks. Its parts are used again for the next reply."""

    link_activated = Signal(QUrl)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self.parts: list[Part] = []
        self._spare_prose: list[ProseText] = []
        self._spare_code: list[CodeBlock] = []
        self._drawn = 0
        self._open_code = False
        self._arranged: list[int] = []  # where each part ends that did not change since
        self._width = 0
        self._name = ""

    def restart(self, name: str) -> None:
        """Become empty; `name` is what a screen reader calls the words."""
        self._name = name
        for part in self.parts:
            part.hide()
            spare: list[ProseText] | list[CodeBlock] = (
                self._spare_prose if isinstance(part, ProseText) else self._spare_code
            )
            if len(spare) < _SPARE:
                spare.append(part)  # type: ignore[arg-type]
            else:
                part.deleteLater()
        self.parts = []
        self._drawn, self._open_code = 0, False
        self._arranged = []

    def show_blocks(self, blocks: list[Block]) -> None:
        """Draw those of `blocks` that are not drawn yet."""
        del self._arranged[max(0, len(self.parts) - 1) :]  # only the last part still changes
        for block in blocks[self._drawn :]:
            if isinstance(block, Prose):
                if block.source.strip():
                    self._prose().freeze(block.source)
            else:
                self._code(block.language).complete(block.text)
                self._open_code = False
        self._drawn = len(blocks)

    def follow(self, markdown: MarkdownStream) -> None:
        """Draw what is new in a text that is being written."""
        last = self.parts[-1] if self.parts else None
        if isinstance(last, ProseText) and len(markdown.blocks) > self._drawn:
            first = markdown.blocks[self._drawn]
            if isinstance(first, Code):  # the tail it showed was withheld or has gone into a block
                last.set_tail("")
        self.show_blocks(markdown.blocks)
        if (language := markdown.open_language) is not None:
            code = self._code(language)
            self._open_code = True
            code.append(markdown.code_after(code.length), markdown.open_half_line)
            return
        tail = markdown.tail
        last = self.parts[-1] if self.parts else None
        if isinstance(tail, Prose) and tail.source.strip():
            self._prose().set_tail(tail.source)
        elif isinstance(last, ProseText):
            last.set_tail("")

    def height_for(self, width: int) -> int:
        """Arrange the parts in `width` pixels and say how high they are together."""
        if width != self._width:
            self._width, self._arranged = width, []
        y = self._arranged[-1] if self._arranged else 0
        for part in self.parts[len(self._arranged) :]:
            height = part.height_for(width)
            if height and y:
                y += theme.SPACE_M
            part.setGeometry(0, y, width, height)
            y += height
            self._arranged.append(y)
        return y

    def focus_chain(self) -> list[QWidget]:
        """What Tab goes through, in reading order."""
        chain: list[QWidget] = []
        for part in self.parts:
            chain.extend([part.text, part.copy_button] if isinstance(part, CodeBlock) else [part])
        return chain

    def selected_text(self) -> str:
        """What is selected in any of the parts."""
        for widget in self.focus_chain():
            if isinstance(widget, InertText) and widget.textCursor().hasSelection():
                return widget.textCursor().selection().toPlainText()
        return ""

    def _prose(self) -> ProseText:
        last = self.parts[-1] if self.parts else None
        if isinstance(last, ProseText) and not last.full:
            return last
        if isinstance(last, ProseText):
            last.set_tail("")
        prose = self._spare_prose.pop() if self._spare_prose else self._new_prose()
        prose.restart()
        prose.setAccessibleName(self._name)
        prose.show()
        self.parts.append(prose)
        return prose

    def _new_prose(self) -> ProseText:
        prose = ProseText(self)
        prose.anchorClicked.connect(self.link_activated)
        return prose

    def _code(self, language: str) -> CodeBlock:
        last = self.parts[-1] if self.parts else None
        if self._open_code and isinstance(last, CodeBlock):
            return last
        if isinstance(last, ProseText):
            last.set_tail("")
        code = self._spare_code.pop() if self._spare_code else CodeBlock(self)
        code.restart(language)
        code.show()
        self.parts.append(code)
        return code
