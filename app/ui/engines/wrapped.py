"""Sentences that take as many lines as they need."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QWidget

from app.ui import theme


class Wrapped(QLabel):
    """Plain text at the side where the page begins, whichever way its words run."""

    def __init__(
        self,
        parent: QWidget | None = None,
        said: str = "",
        *,
        size: int = theme.SIZE_BODY,
        quiet: bool = False,
    ) -> None:
        super().__init__(said, parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.tabular_font(size))
        self.set_quiet(quiet)
        self._align()

    def set_quiet(self, quiet: bool) -> None:
        """In the secondary colour, or that of text."""
        role = QPalette.ColorRole
        self.setForegroundRole(role.PlaceholderText if quiet else role.WindowText)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LayoutDirectionChange:
            self._align()

    def _align(self) -> None:
        side = Qt.AlignmentFlag
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        self.setAlignment(
            (side.AlignRight if mirrored else side.AlignLeft) | side.AlignAbsolute | side.AlignTop
        )
