"""A field to choose one of a few values, as quiet as the others."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox

from app.ui import icons, theme

_CHEVRON = 14


class Choice(QComboBox):
    """With the app's own chevron; on systems with a style of their own it is theirs."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.style().name() not in ("fusion", ""):  # "" is a style sheet over Fusion
            return
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        x = theme.SPACE_S if mirrored else self.width() - theme.SPACE_S - _CHEVRON
        drawn = icons.pixmap("chevron-down", theme.current().secondary, _CHEVRON, self.devicePixelRatioF())
        QPainter(self).drawPixmap(x, (self.height() - _CHEVRON) // 2 + 1, drawn)
