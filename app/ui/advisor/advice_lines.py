"""Which way for high, low and bursty traffic: derived, beside what the comparison says."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.advisor.cost_advice import ShapeAdvice
from app.ui import icons, theme
from app.ui.advisor.column import selectable
from app.ui.engines.wrapped import Wrapped

_ICON = 16
_ICONS = {True: ("check", "ready"), False: ("info", "busy"), None: ("book", "secondary")}
_NAMES = {True: "the comparison agrees", False: "the comparison says otherwise", None: "not comparable"}


class AdviceLines(QWidget):
    """A paragraph for each shape of traffic."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[_Line] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme.SPACE_M)

    @property
    def texts(self) -> list[str]:
        """What each says."""
        return [line.text for line in self._lines]

    def set_advice(self, advice: Sequence[ShapeAdvice]) -> None:
        """Show these."""
        for line in self._lines[len(advice) :]:
            line.hide()
            line.deleteLater()
        del self._lines[len(advice) :]
        for place, one in enumerate(advice):
            if place == len(self._lines):
                self._lines.append(_Line(self))
                self._layout.addWidget(self._lines[-1])
                self._lines[-1].show()
            self._lines[place].set_advice(one)


class _Line(QWidget):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._agrees: bool | None = None
        self._derived = selectable(Wrapped(self))
        self._icon = QLabel(self)
        self._icon.setFixedSize(_ICON, _ICON + 2)
        self._said = selectable(Wrapped(self, size=theme.SIZE_MONO))
        self._would = selectable(Wrapped(self, size=theme.SIZE_SECONDARY, quiet=True))
        said = QHBoxLayout()
        said.setSpacing(theme.SPACE_XS)
        said.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        said.addWidget(self._said, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._derived)
        layout.addLayout(said)
        layout.addWidget(self._would)
        theme.source().changed.connect(self._draw)

    @property
    def text(self) -> str:
        return f"{self._derived.text()} {self._said.text()} {self._would.text()}".strip()

    def set_advice(self, advice: ShapeAdvice) -> None:
        self._agrees = advice.agrees
        self._derived.setText(advice.sentence)
        self._said.setText(advice.comparison)
        self._would.setText(" ".join(advice.would_change))
        self._would.setVisible(bool(advice.would_change))
        self._icon.setAccessibleName(_NAMES[advice.agrees])
        self._draw()

    def _draw(self) -> None:
        name, role = _ICONS[self._agrees]
        colour = getattr(theme.current(), role)
        self._icon.setPixmap(icons.pixmap(name, colour, _ICON, self.devicePixelRatioF()))
