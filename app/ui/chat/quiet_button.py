"""A small icon button that shows itself only where it is wanted, without ever moving anything."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.ui import icons, theme

SIZE = 28
_ICON = 17
_DONE_MS = 1500


class QuietButton(QAbstractButton):
    """An icon with a name. It keeps its place and its Tab stop even while it is not revealed."""

    confirmed = Signal(bool)
    """True when it begins to say that it is done, False when it has said so."""

    def __init__(self, icon: str, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._icon = icon
        self._name = name
        self._revealed = False
        self._done = False
        self._done_timer: QTimer | None = None
        self.setFixedSize(SIZE, SIZE)
        self.setToolTip(name)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_revealed(self, revealed: bool) -> None:
        """Draw the icon always, or only under the pointer and with the focus."""
        if revealed != self._revealed:
            self._revealed = revealed
            self.update()

    @property
    def drawn(self) -> bool:
        """Whether there is anything to see of it now."""
        return self._revealed or self._done or self.hasFocus() or self.underMouse()

    def confirm(self, word: str) -> None:
        """Say that it is done, for a moment, in the same place."""
        self._done = True
        self.setAccessibleName(word)
        self.setToolTip(word)
        if self._done_timer is None:
            self._done_timer = QTimer(self)
            self._done_timer.setSingleShot(True)
            self._done_timer.timeout.connect(self.settle)
        self._done_timer.start(_DONE_MS)
        self.confirmed.emit(True)
        self.update()

    @property
    def confirming(self) -> bool:
        """Whether it says right now that something is done."""
        return self._done

    def settle(self) -> None:
        """Back to what it was."""
        if not self._done:
            return
        if self._done_timer is not None:
            self._done_timer.stop()
        self._done = False
        self.setAccessibleName(self._name)
        self.setToolTip(self._name)
        self.confirmed.emit(False)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(SIZE, SIZE)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if not self.drawn:
            return
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.wash(0.12 if self.isDown() else 0.07))
            painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        if self.hasFocus():
            painter.setPen(QPen(colours.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ring = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            painter.drawRoundedRect(ring, theme.RADIUS_CONTROL - 1, theme.RADIUS_CONTROL - 1)
        name, ink = ("check", colours.ready) if self._done else (self._icon, colours.secondary)
        at = (SIZE - _ICON) // 2
        painter.drawPixmap(at, at, icons.pixmap(name, ink, _ICON, self.devicePixelRatioF()))
