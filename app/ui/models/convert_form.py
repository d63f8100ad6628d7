"""What dialogs have in common that make a model from another, or measure one: they wait for an offer."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.announce import announce
from app.ui.engines.wrapped import Wrapped

_WIDTH = 520


class OfferDialog(QDialog):
    """A title, what it is about, and a state in the place of what is not known yet. Grows with its words."""

    def __init__(self, window_title: str, title: str, about: str, wait: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(window_title)
        self.setMinimumWidth(_WIDTH)
        heading = Wrapped(self, title)
        heading.setFont(theme.body_font(theme.SIZE_HEADING, semibold=True))
        self._state = Wrapped(self, wait, quiet=True)
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_L)
        self._rows.setSpacing(theme.SPACE_M)
        for part in (heading, Wrapped(self, about, quiet=True), self._state):
            self._rows.addWidget(part)

    @property
    def state(self) -> str:
        """What is said in the place of a choice; empty where there is one."""
        return "" if self._state.isHidden() else self._state.text()

    def set_problem(self, sentence: str) -> None:
        """Why there is nothing to choose."""
        self._state.setText(sentence)
        self._state.set_quiet(False)
        self._state.show()
        self._grow()
        announce(self, sentence)

    def _grow(self) -> None:
        """As high as its words need, once their layout knows of them."""
        QTimer.singleShot(0, self, self._fit)

    def _fit(self) -> None:
        self._rows.activate()
        needed = self._rows.totalHeightForWidth(self.width())
        if needed > self.height():
            self.resize(self.width(), needed)
