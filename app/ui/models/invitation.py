"""What a page without content says: what is missing, why, and the next step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui import theme

_WIDTH, _LEAST_WIDTH = 460, 240


class Invitation(QWidget):
    """A heading, a sentence or two, and up to three buttons."""

    chosen = Signal(str)
    """The words on the button that was pressed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._said: tuple[str, str, tuple[str, ...]] | None = None
        self._heading = QLabel(self)
        self._heading.setFont(theme.body_font(theme.SIZE_HEADING, semibold=True))
        self._words = QLabel(self)
        self._words.setForegroundRole(self._words.foregroundRole().PlaceholderText)
        for label in (self._heading, self._words):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self._buttons = [QPushButton(self) for _ in range(3)]
        deeds = QHBoxLayout()
        deeds.setSpacing(theme.SPACE_S)
        deeds.addStretch(1)
        for button in self._buttons:
            button.clicked.connect(partial(self._choose, button))
            deeds.addWidget(button)
        deeds.addStretch(1)
        self._column = layout = QVBoxLayout(self)
        layout.setSpacing(theme.SPACE_S)
        layout.addStretch(2)
        layout.addWidget(self._heading)
        layout.addWidget(self._words)
        layout.addSpacing(theme.SPACE_S)
        layout.addLayout(deeds)
        layout.addStretch(3)

    @property
    def text(self) -> str:
        """All its words."""
        return f"{self._heading.text()}. {self._words.text()}"

    def say(self, heading: str, words: str, deeds: Sequence[str] = ()) -> None:
        """Say this, with a button for each of `deeds`."""
        said = (heading, words, tuple(deeds))
        if said == self._said:
            return
        self._said = said
        self._heading.setText(heading)
        self._words.setText(words)
        self.setAccessibleName(self.text)
        for place, button in enumerate(self._buttons):
            button.setText(deeds[place] if place < len(deeds) else "")
            button.setVisible(place < len(deeds))

    def _choose(self, button: QPushButton) -> None:
        self.chosen.emit(button.text())

    def minimumSizeHint(self) -> QSize:
        # Without the margins, which are as wide as there was room for a moment ago.
        return QSize(_LEAST_WIDTH, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        side = max(theme.SPACE_L, (self.width() - _WIDTH) // 2)
        self._column.setContentsMargins(side, theme.SPACE_XL, side, theme.SPACE_XL)
