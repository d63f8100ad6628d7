"""A label of one line that gives way: what does not fit is cut with an ellipsis and told by the tool tip."""

from __future__ import annotations

import unicodedata
from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QStyle, QWidget

_LEAST_WIDTH = 40


class ElidedLabel(QLabel):
    """Its text is all of it, also for a screen reader; only what is drawn is cut."""

    def __init__(
        self, parent: QWidget | None = None, elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight
    ) -> None:
        super().__init__(parent)
        self._elide = elide
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        if text != self.text():
            super().setText(text)
            self._tell_cut()

    @property
    def cut(self) -> bool:
        """Whether there is less room than the words need."""
        return self.fontMetrics().horizontalAdvance(self.text()) > self.contentsRect().width()

    def minimumSizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(min(_LEAST_WIDTH, hint.width()), hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._tell_cut()

    def _tell_cut(self) -> None:
        self.setToolTip(plain_tip(self.text()) if self.cut else "")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(self.palette().color(self.foregroundRole()))
        where = self.contentsRect()
        words = self.fontMetrics().elidedText(self.text(), self._elide, where.width())
        side = QStyle.visualAlignment(self.layoutDirection(), self.alignment())
        painter.setLayoutDirection(direction_of(self.text()))
        painter.drawText(where, side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter, words)


def direction_of(text: str) -> Qt.LayoutDirection:
    """Which way `text` runs, by its first letter that has a direction, whichever way the window runs."""
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    first = next((kind for kind in kinds if kind in ("L", "R", "AL")), "L")
    return Qt.LayoutDirection.LeftToRight if first == "L" else Qt.LayoutDirection.RightToLeft


def plain_tip(text: str) -> str:
    """A tool tip that shows `text` as it is: what looks like HTML would be read so, and its images loaded."""
    return f"<p>{escape(text).replace(chr(10), '<br>')}</p>"
