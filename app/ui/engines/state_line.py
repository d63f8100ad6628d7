"""A state in words with its icon, figures behind it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.ui import icons, theme
from app.ui.elided_label import ElidedLabel
from app.ui.spinner import Spinner

_ICON = 15
_LINE = 20


class StateLine(QWidget):
    """Words in a colour of the theme, which never stand alone: an icon or the word itself says it, too."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._role, self._icon_name = "secondary", ""
        self._icon = QLabel(self)
        self._icon.setFixedSize(_ICON, _LINE)
        self._spinner = Spinner(self)
        self._words = QLabel(self)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setFont(theme.body_font(theme.SIZE_MONO))
        self._words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._between = QLabel("·", self)
        self._between.setForegroundRole(self._between.foregroundRole().PlaceholderText)
        self._figures = ElidedLabel(self)
        self._figures.setFont(theme.tabular_font(theme.SIZE_MONO))
        self._figures.setForegroundRole(self._figures.foregroundRole().PlaceholderText)
        self._figures.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_XS)
        layout.addWidget(self._icon)
        layout.addWidget(self._spinner)
        layout.addWidget(self._words)
        layout.addWidget(self._between)
        layout.addWidget(self._figures, 1)
        layout.addStretch(0)
        self.setFixedHeight(_LINE)
        self._spinner.hide()
        theme.source().changed.connect(self._colour)

    @property
    def text(self) -> str:
        """All of it."""
        return " · ".join(part for part in (self._words.text(), self._figures.text()) if part)

    def say(self, words: str, role: str, icon: str = "", figures: str = "", *, waiting: bool = False) -> None:
        """Say it in the theme's colour `role`; while `waiting`, something turns in front of it."""
        self._role, self._icon_name = role, icon
        self._words.setText(words)
        self._figures.setText(figures)
        self._figures.setVisible(bool(figures))
        self._between.setVisible(bool(figures and words))
        self._spinner.setVisible(waiting)
        self._spinner.set_busy(waiting)
        self._icon.setVisible(bool(icon) and not waiting)
        self._colour()

    def name_words(self, name: str) -> None:
        """What a reader hears of it: figures that change all the time are left out."""
        self._words.setAccessibleName(name)
        self._figures.setAccessibleName(name)

    def _colour(self) -> None:
        ink = getattr(theme.current(), self._role)
        palette = self._words.palette()
        palette.setColor(self._words.foregroundRole(), ink)
        self._words.setPalette(palette)
        if self._icon_name:
            self._icon.setPixmap(icons.pixmap(self._icon_name, ink, _ICON, self.devicePixelRatioF()))
