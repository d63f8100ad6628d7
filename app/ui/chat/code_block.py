"""A card with code: its language, a way to copy it, and sideways scrolling for long lines."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextBlockFormat,
    QTextCursor,
    QWheelEvent,
)
from PySide6.QtWidgets import QLabel, QTextEdit, QWidget

from app.ui import theme
from app.ui.chat.highlighting import Highlighter
from app.ui.chat.inert_text import InertText
from app.ui.chat.markdown_document import line_height
from app.ui.chat.quiet_button import SIZE, QuietButton

_HEADER = 36
_LINE = 19
_NAMES = {
    "c++": "C++", "cpp": "C++", "c#": "C#", "csharp": "C#", "css": "CSS", "html": "HTML", "js": "JavaScript",
    "javascript": "JavaScript", "json": "JSON", "php": "PHP", "py": "Python", "sh": "Shell", "sql": "SQL",
    "ts": "TypeScript", "typescript": "TypeScript", "xml": "XML", "yaml": "YAML",
    "yml": "YAML", "toml": "TOML",
}  # fmt: skip


class CodeText(InertText):
    """The code itself. It scrolls sideways, the page scrolls up and down."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setLineWrapMode(QTextEdit.LineWrapMode.NoWrap)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.document().setDefaultFont(theme.mono_font())

    def height_in(self, width: int) -> int:
        """How high it is in `width` pixels, with a scroll bar if it needs one."""
        size = self.document().size()
        bar = self.horizontalScrollBar().sizeHint().height() if size.width() > width else theme.SPACE_XS
        return round(size.height()) + bar

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta()
        sideways = abs(turn.x()) > abs(turn.y()) or event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if sideways and self.horizontalScrollBar().maximum() > 0:
            QTextEdit.wheelEvent(self, event)
        else:
            event.ignore()


class CodeBlock(QWidget):
    """Code, finished or still being written."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self._label = QLabel(self)
        self._label.setFont(theme.body_font(theme.SIZE_SECONDARY))
        self.copy_button = QuietButton("copy", "Copy code", self)
        self.copy_button.set_revealed(True)
        self.copy_button.clicked.connect(self._copy)
        self._copied = QLabel("Copied", self)
        self._copied.setFont(theme.body_font(theme.SIZE_SECONDARY))
        self._copied.hide()
        self.copy_button.confirmed.connect(self._copied.setVisible)
        self.text = CodeText(self)
        self._highlighter = Highlighter(self.text.document())
        self._half = ""
        self.length = 0
        """Characters of complete lines that are shown."""

    def restart(self, language: str) -> None:
        """Become an empty block of `language`."""
        name = _NAMES.get(language, language.capitalize() if language.isalpha() else language)
        self._label.setText(name[:40] or "Code")
        self.text.setAccessibleName(f"{name} code" if name else "Code")
        self._highlighter.restart(language)
        self.copy_button.settle()
        self._tint()
        self.text.begin_again()
        self.text.horizontalScrollBar().setValue(0)
        form = QTextBlockFormat()
        line_height(form, _LINE)
        QTextCursor(self.text.document()).setBlockFormat(form)
        self.length, self._half = 0, ""

    def append(self, lines: str, half: str) -> None:
        """Add complete `lines`, and show `half` of the next one."""
        if not lines and half == self._half:
            return
        with self.text.growing(self.text.document().characterCount() - 1) as cursor:
            if not lines and half.startswith(self._half):
                cursor.insertText(half[len(self._half) :])
            else:
                cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.insertText(lines + half)
        self._half = half
        self.length += len(lines)
        self._highlighter.grown(self.length)

    def complete(self, text: str) -> None:
        """The code is `text`, all of it; what is shown already stays."""
        shown = self.text.document()
        if self.length <= len(text):
            self.append(text[self.length :], "")
        elif self.length == len(text) + 1:  # its last line break was shown
            cursor = QTextCursor(shown)
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            cursor.deletePreviousChar()
            self.length, self._half = len(text), ""
        self._highlighter.complete(len(text))

    def height_for(self, width: int) -> int:
        """Arrange everything in `width` pixels and say how high it is."""
        inner = width - 2 * theme.SPACE_L
        body = self.text.height_in(inner)
        self.text.setGeometry(theme.SPACE_L, _HEADER, inner, body)
        self.copy_button.move(width - SIZE - theme.SPACE_S, (_HEADER - SIZE) // 2)
        self._label.setGeometry(theme.SPACE_L, 0, width // 2, _HEADER)
        word = self._copied.sizeHint().width()
        self._copied.setGeometry(self.copy_button.x() - word - theme.SPACE_XS, 0, word, _HEADER)
        return _HEADER + body + theme.SPACE_S

    def resizeEvent(self, event: QResizeEvent) -> None:
        # What is drawn stays but for the old lower corners.
        lower = min(event.oldSize().height(), self.height()) - theme.RADIUS_CARD
        self.update(0, lower, self.width(), self.height() - lower)
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.surface)
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS_CARD, theme.RADIUS_CARD)

    def _tint(self) -> None:
        palette = self.palette()
        palette.setColor(self._label.foregroundRole(), theme.current().secondary)
        self._label.setPalette(palette)
        self._copied.setPalette(palette)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.copy_button.confirm("Copied")
