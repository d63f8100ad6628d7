"""Quiet tabs: words beside each other, the chosen one underlined."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QWidget

from app.ui import theme

_HEIGHT = 48
_LINE = 2


class Tabs(QWidget):
    """One is always chosen; Tab reaches it, the arrow keys walk."""

    chosen = Signal(int)

    def __init__(self, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(_HEIGHT)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_M, 0, theme.SPACE_M, 0)
        layout.setSpacing(theme.SPACE_XS)
        for number, name in enumerate(names):
            tab = _Tab(name, self)
            tab.setChecked(number == 0)
            self._group.addButton(tab, number)
            layout.addWidget(tab)
        layout.addStretch(1)
        self._group.idToggled.connect(self._tell)

    @property
    def current(self) -> int:
        """The chosen one's place."""
        return self._group.checkedId()

    def choose(self, place: int) -> None:
        """Choose it; `chosen` follows if it was another one."""
        self._group.button(place).setChecked(True)

    def focus_current(self) -> None:
        """Give the keyboard to the chosen one."""
        self._group.button(self.current).setFocus(Qt.FocusReason.OtherFocusReason)

    def _tell(self, place: int, checked: bool) -> None:
        if checked:
            self.chosen.emit(place)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, theme.current().hairline)


class _Tab(QAbstractButton):
    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setText(name)
        self.setAccessibleName(name)
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        width = QFontMetrics(theme.body_font(semibold=True)).horizontalAdvance(self.text())
        return QSize(width + 2 * theme.SPACE_M, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pill = QRectF(self.rect()).adjusted(0, 8, 0, -8)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.underMouse() or self.isDown():
            painter.setBrush(colours.wash(0.10 if self.isDown() else 0.06))
            painter.drawRoundedRect(pill, theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        if self.hasFocus():
            painter.setPen(QPen(colours.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(pill.adjusted(0.5, 0.5, -0.5, -0.5), 7, 7)
        painter.setFont(theme.body_font(semibold=self.isChecked()))
        painter.setPen(colours.text if self.isChecked() else colours.secondary)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        if self.isChecked():
            line = QRectF(theme.SPACE_M, self.height() - _LINE, self.width() - 2 * theme.SPACE_M, _LINE)
            painter.fillRect(line, colours.accent)
