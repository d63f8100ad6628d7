"""Something under way that has no row of its own: an import."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.chat.quiet_button import QuietButton
from app.ui.elided_label import ElidedLabel
from app.ui.models.thin_bar import ThinBar


class WorkStrip(QWidget):
    """A name, words, a line, and a cross to give it up."""

    cancelled = Signal(str)

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = ElidedLabel(self)
        self._title.setText(name)
        self._words = ElidedLabel(self)
        self._words.setFont(theme.tabular_font())
        self._words.setForegroundRole(self._words.foregroundRole().PlaceholderText)
        self._bar = ThinBar(f"Progress of {name}", self)
        self.cross = cross = QuietButton("close", f"Cancel {name}", self)
        cross.setToolTip("Cancel")
        cross.set_revealed(True)
        cross.clicked.connect(lambda: self.cancelled.emit(name))
        line = QHBoxLayout()
        line.setSpacing(theme.SPACE_S)
        line.addWidget(self._title, 1)
        line.addWidget(self._words)
        middle = QVBoxLayout()
        middle.setSpacing(theme.SPACE_XS)
        middle.addLayout(line)
        middle.addWidget(self._bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_S, theme.SPACE_XS, 0, theme.SPACE_XS)
        layout.setSpacing(theme.SPACE_S)
        layout.addLayout(middle, 1)
        layout.addWidget(cross)

    def show_progress(self, said: str, share: float | None) -> None:
        """How far it is."""
        # A name that stays: figures that change by the moment would be read out without end.
        self._words.setAccessibleName(said.split(" · ", 1)[0])
        self._words.setText(said)
        self._bar.set_share(share)
