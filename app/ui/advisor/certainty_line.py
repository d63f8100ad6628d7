"""What a sentence rests on: an icon, the word for it, and where it is from."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.advisor.guide_answer import Certainty
from app.ui import icons, theme
from app.ui.engines.wrapped import Wrapped

_ICON = 14
_ICONS = {Certainty.MEASURED: "speed", Certainty.FORECAST: "forecast", Certainty.REFERENCE: "book"}


class CertaintyLine(QWidget):
    """Small and quiet, below the sentence."""

    def __init__(self, certainty: Certainty, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._certainty = certainty
        self._icon = QLabel(self)
        self._icon.setFixedSize(_ICON, _ICON + 2)
        self._icon.setAccessibleName(certainty.value)
        self.words = Wrapped(self, words, size=theme.SIZE_SECONDARY, quiet=True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_XS)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.words, 1)
        theme.source().changed.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        colours = theme.current()
        measured = self._certainty is Certainty.MEASURED
        colour = colours.ready if measured else colours.secondary
        self._icon.setPixmap(icons.pixmap(_ICONS[self._certainty], colour, _ICON, self.devicePixelRatioF()))
