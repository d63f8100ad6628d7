"""Text on the page that can be read, selected and copied, and can do nothing by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, QRectF, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QPalette,
    QTextCursor,
    QTextDocument,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QTextEdit, QWidget

from app.ui import theme

_PAGE_KEYS = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
_END_KEYS = (Qt.Key.Key_Home, Qt.Key.Key_End)


class InertDocument(QTextDocument):
    """Loads nothing, whatever its text asks for.

    The answer to every request is one transparent pixel and not nothing: Qt looks for a file of that
    name itself when it gets nothing.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.setDocumentMargin(0)
        self.setUndoRedoEnabled(False)

    def loadResource(self, kind: int, name: QUrl | str) -> object:  # noqa: ARG002
        return _nothing()


class InertText(QTextBrowser):
    """Read-only text as high as its words; the page around it scrolls, it does not.

    Links are told by `anchorClicked` and never opened. Page keys, Ctrl+Home and Ctrl+End, the wheel and
    the context menu belong to the page.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setDocument(InertDocument(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)
        self._changed_from = 0.0
        layout = self.document().documentLayout()
        layout.update.disconnect()
        layout.update.connect(self._repaint)
        self.begin_again()

    def begin_again(self) -> None:
        """Become empty, in the colours of the theme: words keep theirs when they are selected."""
        self.document().clear()
        colours = theme.current()
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Base, QColor(Qt.GlobalColor.transparent))
        palette.setColor(QPalette.ColorRole.Highlight, colours.selection())
        palette.setColor(QPalette.ColorRole.HighlightedText, colours.text)
        self.setPalette(palette)

    def height_for(self, width: int) -> int:
        """Lay the words out in `width` pixels and say how high they are."""
        if self.lineWrapColumnOrWidth() != width:
            self.setLineWrapColumnOrWidth(width)
        return math.ceil(self.document().size().height()) if self.document().characterCount() > 1 else 0

    @contextmanager
    def growing(self, position: int) -> Iterator[QTextCursor]:
        """Edit from `position` on; what stands before stays on the screen as it is.

        A document whose height changes asks for all of it to be painted again, which for a reply that is
        being written is most of what it costs.
        """
        cursor = QTextCursor(self.document())
        cursor.setPosition(position)
        before = cursor.block().previous()
        block = before if before.isValid() else cursor.block()
        self._changed_from = self.document().documentLayout().blockBoundingRect(block).top()
        cursor.beginEditBlock()
        try:
            yield cursor
        finally:
            cursor.endEditBlock()
            self._changed_from = 0.0
            if position == 0:  # the caret stood where the first words went, and went along with them
                self.moveCursor(QTextCursor.MoveOperation.Start)

    def _repaint(self, area: QRectF) -> None:
        page = self.viewport()
        top = int(max(area.top(), self._changed_from))
        page.update(0, top, page.width(), math.ceil(min(area.bottom(), page.height())) - top)

    def loadResource(self, kind: int, name: QUrl | str) -> object:  # noqa: ARG002
        return _nothing()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
        if (plain and event.key() in _PAGE_KEYS) or (control and event.key() in _END_KEYS):
            event.ignore()
        else:
            super().keyPressEvent(event)


def _nothing() -> QImage:
    pixel = QImage(1, 1, QImage.Format.Format_ARGB32)
    pixel.fill(Qt.GlobalColor.transparent)
    return pixel
