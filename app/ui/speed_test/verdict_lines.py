"""A verdict in plain words, each sentence with the figures it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.benchmark.verdict import VerdictLine
from app.ui import theme
from app.ui.engines.wrapped import Wrapped


class VerdictLines(QWidget):
    """Text to select and copy."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[Wrapped] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(line.text() for line in self._lines)

    def set_lines(self, lines: Sequence[VerdictLine]) -> None:
        """Say these."""
        for label in self._lines:
            self._layout.removeWidget(label)
            label.hide()
            label.deleteLater()
        self._lines = []
        for line in lines:
            self._add(line.text, theme.SIZE_BODY, quiet=False)
            if line.evidence:
                self._add(" · ".join(line.evidence), theme.SIZE_SECONDARY, quiet=True)

    def _add(self, said: str, size: int, *, quiet: bool) -> None:
        label = Wrapped(self, said, size=size, quiet=quiet)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setContentsMargins(0, 0 if quiet else theme.SPACE_XS, 0, 0)
        self._layout.addWidget(label)
        self._lines.append(label)
