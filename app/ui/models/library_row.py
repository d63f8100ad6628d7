"""How a row of the library looks: the name, what is said of it below, and the buttons at its end."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.ui import icons, theme
from app.ui.chat.quiet_button import SIZE, QuietButton
from app.ui.elided_label import direction_of
from app.ui.models.library_table import STATE, State
from app.ui.models.quiet_table import Index, QuietTable

ROW_HEIGHT = 52
_LINE = 20
_ICON = 14
_BAR = 3
DEEDS_WIDTH = 2 * SIZE + 2 * theme.SPACE_S


class NameDelegate(QStyledItemDelegate):
    """Two lines: the name, and its state with the line of what is under way."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        return QSize(120, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colours = theme.current()
        state: State = index.data(STATE)
        inner = option.rect.adjusted(theme.SPACE_S, 0, -theme.SPACE_S, 0)
        top = inner.top() + (ROW_HEIGHT - 2 * _LINE) // 2 - 1
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.body_font())
        painter.setPen(colours.text)
        self._write(painter, option, QRect(inner.left(), top, inner.width(), _LINE), index.data())
        second = QRect(inner.left(), top + _LINE, inner.width(), _LINE)
        ink = getattr(colours, state.role)
        if state.icon:
            at = QRect(0, 0, _ICON, _ICON)
            at.moveCenter(second.center())
            mirrored = option.direction is Qt.LayoutDirection.RightToLeft
            at.moveRight(second.right()) if mirrored else at.moveLeft(second.left())
            ratio = option.widget.devicePixelRatioF()
            painter.drawPixmap(at.topLeft(), icons.pixmap(state.icon, ink, _ICON, ratio))
            cut = _ICON + theme.SPACE_XS
            second = second.adjusted(0, 0, -cut, 0) if mirrored else second.adjusted(cut, 0, 0, 0)
        painter.setFont(theme.tabular_font())
        painter.setPen(ink)
        self._write(painter, option, second, state.words)
        if state.share is not None:
            self._draw_bar(painter, option, inner, state.share)
        painter.restore()

    def _write(self, painter: QPainter, option: QStyleOptionViewItem, where: QRect, words: str) -> None:
        cut = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, where.width())
        side = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft)
        painter.setLayoutDirection(direction_of(words))
        painter.drawText(where, side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute, cut)

    def _draw_bar(self, painter: QPainter, option: QStyleOptionViewItem, inner: QRect, share: float) -> None:
        whole = QRectF(inner.left(), option.rect.bottom() - _BAR - 2, inner.width(), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().hairline)
        painter.drawRoundedRect(whole, _BAR / 2, _BAR / 2)
        filled = QRectF(whole)
        filled.setWidth(max(float(_BAR), whole.width() * min(1.0, share)))
        if option.direction is Qt.LayoutDirection.RightToLeft:
            filled.moveRight(whole.right())
        painter.setBrush(theme.current().accent)
        painter.drawRoundedRect(filled, _BAR / 2, _BAR / 2)


class RowDeeds(QWidget):
    """The buttons of one row: they go to the row under the pointer, or to the current one."""

    chat = Signal()
    more = Signal()
    cancel = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._chat = QuietButton("chat", "Chat with it", self)
        self._more = QuietButton("more", "More", self)
        self._cancel = QuietButton("close", "Cancel", self)
        self._chat.clicked.connect(self.chat)
        self._more.clicked.connect(self.more)
        self._cancel.clicked.connect(self.cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_XS)
        layout.addStretch(1)
        for button in (self._chat, self._more, self._cancel):
            button.set_revealed(True)
            layout.addWidget(button)
        self.setFixedSize(DEEDS_WIDTH, SIZE)
        self.hide()

    @property
    def focused(self) -> bool:
        """Whether the keyboard is on one of them."""
        return any(button.hasFocus() for button in (self._chat, self._more, self._cancel))

    def show_for(self, name: str, *, usable: bool, working: bool) -> None:
        """Speak of the model `name`; one that is not `usable` cannot be chatted with."""
        self._chat.setVisible(usable and not working)
        self._more.setVisible(not working)
        self._cancel.setVisible(working)
        self._chat.setAccessibleName(f"Chat with {name}")
        self._more.setAccessibleName(f"More to do with {name}")
        self._cancel.setAccessibleName(f"Cancel what is under way with {name}")
        self.show()


class LibraryRows(QuietTable):
    """The table itself: tells of keys and of the menu, and where its rows went."""

    delete_wanted = Signal()
    menu_wanted = Signal(QPoint)
    """Where on the screen."""
    moved = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:  # Backspace is a slip too easily made
            self.delete_wanted.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            at = self.visualRect(self.currentIndex()).center() if self.currentIndex().isValid() else QPoint()
        else:
            at = self.viewport().mapFromGlobal(event.globalPos())
            self.setCurrentIndex(self.indexAt(at))
        self.menu_wanted.emit(self.viewport().mapToGlobal(at))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and event.reason() is not Qt.FocusReason.MouseFocusReason:
            self.setCurrentIndex(self.model().index(0, 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.moved.emit()
