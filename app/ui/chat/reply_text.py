"""The words and code of one reply, one under the other, drawn only where they can be seen."""

from __future__ import annotations

from bisect import bisect_right

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app.domain.markdown_blocks import Block, Code, MarkdownStream, Prose
from app.ui import theme
from app.ui.chat.code_block import CodeBlock
from app.ui.chat.inert_text import InertText
from app.ui.chat.prose import LONG_STRETCH, ProseText

_SPARE = 3
"""Parts of a kind kept for other stretches; one long reply must not leave hundreds behind."""

_FAR = 2_000
"""A part this many pixels out of sight gives its widget back."""

Part = ProseText | CodeBlock


class _Stretch:
    """Blocks that share one widget, when they have one: prose up to a length, or one piece of code."""

    __slots__ = ("blocks", "code", "height", "length", "part", "width")

    def __init__(self, *, code: bool) -> None:
        self.code = code
        self.blocks: list[Block] = []
        self.length = 0
        self.part: Part | None = None
        self.height = 0
        self.width = 0  # that `height` was measured for; 0: it is a guess

    def add(self, block: Block) -> None:
        self.blocks.append(block)
        self.length += len(block.source)

    def guess(self, width: int) -> int:
        if self.code:
            return 50 + 19 * sum(block.source.count("\n") for block in self.blocks)
        return 21 + int(self.length * 7.4 * 21 * 1.15 / max(width, 100))


class ReplyText(QWidget):
    """Shows markdown blocks. Blocks far out of sight are a guess of their height and nothing else."""

    link_activated = Signal(QUrl)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self._stretches: list[_Stretch] = []
        self._ends: list[int] = []  # where each stretch ends, as far as nothing changed
        self._spare_prose: list[ProseText] = []
        self._spare_code: list[CodeBlock] = []
        self._drawn = 0
        self._open_code = False
        self._width = 0
        self._name = ""
        self.changes = 0
        """Counts the parts that came and went."""

    @property
    def parts(self) -> list[Part]:
        """The widgets there are, in reading order."""
        return [stretch.part for stretch in self._stretches if stretch.part is not None]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show yet."""
        return not self._stretches

    def restart(self, name: str) -> None:
        """Become empty; `name` is what a screen reader calls the words."""
        self._name = name
        for stretch in self._stretches:
            self._give_back(stretch)
        self._stretches, self._ends = [], []
        self._drawn, self._open_code = 0, False

    def show_blocks(self, blocks: list[Block]) -> None:
        """Take those of `blocks` that are not shown yet; `reveal` draws them where they are in sight."""
        if len(blocks) == self._drawn:
            return
        self._touch(len(self._stretches) - 1)
        for block in blocks[self._drawn :]:
            if isinstance(block, Prose):
                if block.source.strip():
                    self._freeze(self._prose_stretch(), block)
            else:
                self._freeze(self._code_stretch(), block)
                self._open_code = False
        self._drawn = len(blocks)

    def follow(self, markdown: MarkdownStream) -> None:
        """Draw what is new in a text that is being written."""
        last = self._stretches[-1] if self._stretches else None
        if last and isinstance(last.part, ProseText) and len(markdown.blocks) > self._drawn:
            first = markdown.blocks[self._drawn]
            if isinstance(first, Code):  # the tail it showed was withheld or has gone into a block
                last.part.set_tail("")
        self.show_blocks(markdown.blocks)
        self._touch(len(self._stretches) - 1)
        if (language := markdown.open_language) is not None:
            code = self._part(self._code_stretch(), language)
            self._open_code = True
            assert isinstance(code, CodeBlock)
            code.append(markdown.code_after(code.length), markdown.open_half_line)
            return
        tail = markdown.tail
        last = self._stretches[-1] if self._stretches else None
        if isinstance(tail, Prose) and tail.source.strip():
            prose = self._part(self._prose_stretch())
            assert isinstance(prose, ProseText)
            prose.set_tail(tail.source)
        elif last and isinstance(last.part, ProseText):
            last.part.set_tail("")

    def reveal(self, top: int, bottom: int) -> int:
        """Draw what lies between `top` and `bottom`; how much what begins above `top` has grown by it."""
        if len(self.parts) == len(self._stretches) and bottom - top + 2 * _FAR > self.height_for(self._width):
            return 0
        self.height_for(self._width)
        at = bisect_right(self._ends, top)
        grown = 0
        while at < len(self._stretches) and (self._ends[at - 1] if at else 0) < bottom:
            stretch = self._stretches[at]
            if stretch.part is None:
                before = stretch.height
                self._part(stretch)
                self._touch(at)
                self.height_for(self._width)
                if (self._ends[at - 1] if at else 0) < top:
                    grown += stretch.height - before
            at += 1
        self._forget(top - _FAR, bottom + _FAR)
        return grown

    def height_for(self, width: int) -> int:
        """Arrange the parts in `width` pixels and say how high they are together."""
        if width != self._width:
            self._width, self._ends = width, []
        y = self._ends[-1] if self._ends else 0
        for stretch in self._stretches[len(self._ends) :]:
            part = stretch.part
            if part is not None:
                stretch.height, stretch.width = part.height_for(width), width
            elif not stretch.width:
                stretch.height = stretch.guess(width)
            if stretch.height and y:
                y += theme.SPACE_M
            if part is not None:
                part.setGeometry(0, y, width, stretch.height)
            y += stretch.height
            self._ends.append(y)
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

    def _touch(self, at: int) -> None:
        """What stands from stretch `at` on must be arranged again."""
        del self._ends[max(0, at) :]

    def _freeze(self, stretch: _Stretch, block: Block) -> None:
        stretch.add(block)
        if stretch.part is not None:
            _draw(stretch.part, block)
        stretch.width = 0 if stretch.part is None else stretch.width

    def _prose_stretch(self) -> _Stretch:
        last = self._stretches[-1] if self._stretches else None
        if last is None or last.code or last.length >= LONG_STRETCH:
            return self._next_stretch(code=False)
        return last

    def _code_stretch(self) -> _Stretch:
        return self._stretches[-1] if self._open_code else self._next_stretch(code=True)

    def _next_stretch(self, *, code: bool) -> _Stretch:
        if self._stretches and isinstance(prose := self._stretches[-1].part, ProseText):
            prose.set_tail("")
        self._stretches.append(_Stretch(code=code))
        return self._stretches[-1]

    def _part(self, stretch: _Stretch, language: str = "") -> Part:
        """The widget of `stretch`, with all its blocks drawn."""
        if stretch.part is not None:
            return stretch.part
        self.changes += 1
        if stretch.code:
            code = self._spare_code.pop() if self._spare_code else CodeBlock(self)
            first = stretch.blocks[0] if stretch.blocks else None
            code.restart(first.language if isinstance(first, Code) else language)
            stretch.part = code
        else:
            prose = self._spare_prose.pop() if self._spare_prose else self._new_prose()
            prose.restart()
            prose.setAccessibleName(self._name)
            stretch.part = prose
        for block in stretch.blocks:
            _draw(stretch.part, block)
        stretch.part.show()
        return stretch.part

    def _new_prose(self) -> ProseText:
        prose = ProseText(self)
        prose.anchorClicked.connect(self.link_activated)
        return prose

    def _forget(self, top: int, bottom: int) -> None:
        """Let go of parts far out of sight, but of the one with the focus and of the last, which may grow."""
        focus = QApplication.focusWidget()
        start = 0
        for stretch, end in zip(self._stretches[:-1], self._ends, strict=False):
            far = end < top or start > bottom
            if far and stretch.part is not None and not (focus and _holds(stretch.part, focus)):
                self._give_back(stretch)
            start = end

    def _give_back(self, stretch: _Stretch) -> None:
        part, stretch.part = stretch.part, None
        if part is None:
            return
        self.changes += 1
        part.hide()
        if isinstance(part, ProseText) and len(self._spare_prose) < _SPARE:
            self._spare_prose.append(part)
        elif isinstance(part, CodeBlock) and len(self._spare_code) < _SPARE:
            self._spare_code.append(part)
        else:
            part.deleteLater()


def _draw(part: Part, block: Block) -> None:
    if isinstance(part, CodeBlock):
        assert isinstance(block, Code)
        part.complete(block.text)
    else:
        part.freeze(block.source)


def _holds(part: QWidget, focus: QWidget) -> bool:
    return part is focus or part.isAncestorOf(focus)
