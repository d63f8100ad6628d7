"""What a conversation without messages shows: an invitation, and where to begin."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.announce import announce
from app.ui.models.first_run import FirstRun

SUGGESTIONS = (
    "Explain how a lighthouse works to a curious child.",
    "Write a Python function that counts the words of a text.",
    "Suggest three names for a small sailing boat.",
)

_POINTING = "A message needs a model that answers it. What you wrote stays in the field."
_LEAST_WIDTH = 120


class EmptyState(QWidget):
    """Three ways to begin, or, without a model, the way to a first one."""

    suggestion_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pointing = False
        self._heading = QLabel(self)
        self._heading.setFont(theme.body_font(theme.SIZE_TITLE, semibold=True))
        self._words = QLabel(self)
        self._words.setForegroundRole(self._words.foregroundRole().PlaceholderText)
        for label in (self._heading, self._words):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(True)
        self._buttons = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL)
        layout.setSpacing(theme.SPACE_M)
        layout.addStretch(2)
        layout.addWidget(self._heading)
        layout.addWidget(self._words)
        layout.addSpacing(theme.SPACE_M)
        for suggestion in SUGGESTIONS:
            button = _Suggestion(suggestion, self)
            button.setAccessibleDescription("Puts this into the message field")
            button.clicked.connect(self._choose)
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
            self._buttons.append(button)
        self.first_run = FirstRun(self)
        layout.addWidget(self.first_run)
        layout.addStretch(3)
        self.set_has_model(True)

    def set_has_model(self, has_model: bool) -> None:
        """Whether there is any model to speak with."""
        self._heading.setText("What is on your mind?" if has_model else "There is no model yet")
        self._pointing = self._pointing and not has_model
        self._words.setText(
            "Everything stays on this machine." if has_model else _POINTING if self._pointing else ""
        )
        self._words.setVisible(bool(self._words.text()))
        for button in self._buttons:
            button.setVisible(has_model)
        self.first_run.setVisible(not has_model)

    def point_to_offer(self) -> None:
        """A message was to be sent without any model: say so, and lead the keyboard to the way out."""
        self._pointing = True
        self.set_has_model(False)
        self.first_run.take_focus()
        announce(self, _POINTING)

    def _choose(self) -> None:
        button = self.sender()
        if isinstance(button, _Suggestion):
            self.suggestion_chosen.emit(button.suggestion)


class _Suggestion(QPushButton):
    """Cut with an ellipsis where there is no room, not on both sides."""

    def __init__(self, suggestion: str, parent: QWidget) -> None:
        super().__init__(suggestion, parent)
        self.suggestion = suggestion
        self.setAccessibleName(suggestion)
        self._around = self.sizeHint().width() - self.fontMetrics().horizontalAdvance(suggestion)

    def sizeHint(self) -> QSize:
        self.ensurePolished()
        shown = self.fontMetrics().horizontalAdvance(self.text())
        whole = self.fontMetrics().horizontalAdvance(self.suggestion)
        return super().sizeHint() + QSize(whole - shown, 0)

    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST_WIDTH, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.width() - self._around + 1  # widths are rounded: what fits must not be cut
        self.setText(self.fontMetrics().elidedText(self.suggestion, Qt.TextElideMode.ElideRight, room))
