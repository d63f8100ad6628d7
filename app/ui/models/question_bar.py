"""A question asked in its place, without a window in the way."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.ui import icons, theme
from app.ui.announce import announce

_ICON = 18


class QuestionBar(QWidget):
    """Hidden until something is asked. The keyboard goes to the answer that changes nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = QLabel(self)
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._yes = QPushButton(self)
        self._no = QPushButton(self)
        self._yes.clicked.connect(self._agreed)
        self._no.clicked.connect(self.settle)
        self._deed: Callable[[], None] | None = None
        self._before: QWidget | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_L, theme.SPACE_S, theme.SPACE_L, theme.SPACE_S)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(self._icon)
        layout.addWidget(self._words, 1)
        layout.addWidget(self._yes)
        layout.addWidget(self._no)
        theme.source().changed.connect(self._draw_icon)
        self.hide()

    @property
    def text(self) -> str:
        """What is asked; empty while nothing is."""
        return "" if self.isHidden() else self._words.text()

    def ask(
        self, sentence: str, *, yes: str, no: str, deed: Callable[[], None], back_to: QWidget | None = None
    ) -> None:
        """Ask `sentence`; `deed` is done on `yes`. Afterwards the keyboard goes to `back_to`."""
        self._deed, self._before = deed, back_to
        self._yes.setText(yes)
        self._no.setText(no)
        self._draw_icon()
        self.set_sentence(sentence)
        self.show()
        self._no.setFocus(Qt.FocusReason.OtherFocusReason)
        announce(self, sentence)

    def set_sentence(self, sentence: str) -> None:
        """The same question in words that are more exact."""
        self._words.setText(sentence)
        self.setAccessibleName(sentence)
        for button in (self._yes, self._no):
            button.setAccessibleDescription(sentence)

    def settle(self) -> None:
        """It is not asked any more."""
        focus = self.focusWidget()
        had_focus = focus is not None and focus.hasFocus()
        self._deed = None
        if had_focus and self._before is not None:
            self._before.setFocus(Qt.FocusReason.OtherFocusReason)
        self.hide()

    def _agreed(self) -> None:
        deed = self._deed
        self.settle()
        if deed is not None:
            deed()

    def _draw_icon(self) -> None:
        colour = theme.current().busy
        self._icon.setPixmap(icons.pixmap("warning", colour, _ICON, self.devicePixelRatioF()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.settle()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            button = self._yes if self._yes.hasFocus() else self._no
            button.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), colours.surface)
        painter.fillRect(0, 0, self.width(), 1, colours.hairline)
