"""One calm line above the page: what happened, and the one or two things to do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from app.ui import icons, theme

UNDO_MS = 12_000
"""How long an undo is offered."""

Action = tuple[str, Callable[[], None]]


class NoticeBar(QWidget):
    """Hidden until there is something to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = QLabel(self)
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setTextFormat(self._words.textFormat().PlainText)
        self._words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._buttons: list[QPushButton] = []
        close = QToolButton(self)
        close.setAutoRaise(True)
        close.setAccessibleName("Dismiss")
        close.setToolTip("Dismiss")
        icons.set_icon(close, "close", "secondary", 16)
        close.clicked.connect(self.hide)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(theme.SPACE_L, theme.SPACE_S, theme.SPACE_S, theme.SPACE_S)
        self._layout.setSpacing(theme.SPACE_S)
        self._layout.addWidget(self._icon)
        self._layout.addWidget(self._words, 1)
        self._layout.addWidget(close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self._about = ""
        self.hide()

    @property
    def text(self) -> str:
        """The sentence shown."""
        return self._words.text()

    def say(
        self,
        sentence: str,
        actions: Sequence[Action] = (),
        *,
        about: str = "",
        failed: bool = True,
        ms: int = 0,
    ) -> None:
        """Show `sentence` in place of the last one. `ms` 0 keeps it until it is dismissed.

        `about` names the matter, so that `settle` can take the notice back when it is over.
        """
        self._about = about
        for button in self._buttons:
            button.deleteLater()
        self._buttons = []
        colours = theme.current()
        self._icon.setVisible(failed)
        if failed:
            self._icon.setPixmap(icons.pixmap("warning", colours.failed, 18, self.devicePixelRatioF()))
        self._words.setText(sentence)
        for place, (label, call) in enumerate(actions):
            button = QPushButton(label, self)
            button.clicked.connect(self.hide)
            button.clicked.connect(call)
            self._layout.insertWidget(2 + place, button)
            self._buttons.append(button)
        self._words.setAccessibleName(sentence)
        self.setAccessibleName(sentence)
        self._timer.stop()
        if ms:
            self._timer.start(ms)
        self.show()

    def settle(self, about: str) -> None:
        """Take back the notice about this matter, if it is the one shown."""
        if self._about == about:
            self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), colours.surface)
        painter.setPen(colours.hairline)
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
