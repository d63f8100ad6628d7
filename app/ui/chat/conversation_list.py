"""The list of conversations beside the chat: new, search by title, rename, delete with undo."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.domain.conversation import ConversationSummary
from app.ui import icons, theme

WIDTH = 232
_ID = Qt.ItemDataRole.UserRole
_ROW, _HEADING = 34, 30


class ConversationList(QWidget):
    """Conversations by last use under headings of days."""

    chosen = Signal(int)
    new_requested = Signal()
    renamed = Signal(int, str)
    delete_requested = Signal(int, str)
    left = Signal()
    """A person chose a row with the mouse or Enter and means to write now, not to look further."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        self._summaries: list[ConversationSummary] = []
        self._current: int | None = None
        new = QPushButton("New chat", self)
        new.setAccessibleName("New chat")
        new.setToolTip(f"New chat ({QKeySequence(QKeySequence.StandardKey.New).toString()})")
        icons.set_icon(new, "new-chat", "text", 16)
        new.clicked.connect(self.new_requested)
        self._search = QLineEdit(self)
        self._search.setPlaceholderText("Search titles…")
        self._search.setAccessibleName("Search conversation titles")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._fill)
        self._search.returnPressed.connect(self._choose_first)
        self._list = _List(self)
        self._list.itemSelectionChanged.connect(self._selected)
        self._list.customContextMenuRequested.connect(self._menu)
        self._list.rename_requested.connect(self._rename)
        self._list.delete_requested.connect(self._delete)
        self._list.itemChanged.connect(self._edited)
        self._list.left.connect(self.left)
        # Queued: the row must not go while its editor is being closed.
        self._list.editing_ended.connect(self._fill, Qt.ConnectionType.QueuedConnection)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_M, theme.SPACE_M, theme.SPACE_M, theme.SPACE_M)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(new)
        layout.addWidget(self._search)
        layout.addWidget(self._list, 1)

    def set_summaries(self, summaries: list[ConversationSummary]) -> None:
        """Show these, most recently used first."""
        self._summaries = summaries
        self._fill()

    def set_current(self, conversation_id: int) -> None:
        """Mark the open conversation."""
        self._current = conversation_id
        self._mark()

    def has_focus(self) -> bool:
        """Whether the keyboard speaks to it or to a part of it."""
        return self.focusWidget() is not None and self.focusWidget().hasFocus()

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def _fill(self) -> None:
        if self._list.editing:  # what a person is typing would be lost
            return
        wanted = self._search.text().casefold().strip()
        self._list.blockSignals(True)
        self._list.clear()
        heading = ""
        for summary in self._summaries:
            if wanted and wanted not in summary.title.casefold():
                continue
            day = day_heading(datetime.fromtimestamp(summary.last_used_at).date(), date.today())
            if day != heading:
                heading = day
                title = QListWidgetItem(day)
                title.setFlags(Qt.ItemFlag.NoItemFlags)
                title.setData(Qt.ItemDataRole.AccessibleDescriptionRole, "Heading")
                self._list.addItem(title)
            item = QListWidgetItem(summary.title)
            item.setData(_ID, summary.id)
            item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, day)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            item.setToolTip(summary.title)
            self._list.addItem(item)
        self._list.blockSignals(False)
        self._mark()

    def _mark(self) -> None:
        self._list.blockSignals(True)
        for row in range(self._list.count()):
            item = self._list.item(row)
            if item.data(_ID) is not None and item.data(_ID) == self._current:
                self._list.setCurrentItem(item)
                break
        else:
            self._list.setCurrentRow(-1)
        self._list.blockSignals(False)

    def _selected(self) -> None:
        item = self._list.currentItem()
        if item is not None and item.data(_ID) is not None and item.data(_ID) != self._current:
            self.chosen.emit(item.data(_ID))

    def _choose_first(self) -> None:
        """Enter in the search opens the first row that it found."""
        for row in range(self._list.count()):
            found = self._list.item(row).data(_ID)
            if found is not None:
                if found != self._current:
                    self.chosen.emit(found)
                self.left.emit()
                return

    def _menu(self, at: QPoint) -> None:
        item = self._list.itemAt(at)
        if item is None or item.data(_ID) is None:
            return
        self._list.setCurrentItem(item)
        menu = QMenu(self)
        rename = QAction("Rename", menu)
        rename.setShortcut(QKeySequence(Qt.Key.Key_F2))
        rename.triggered.connect(self._rename)
        delete = QAction("Delete", menu)
        delete.setShortcut(QKeySequence(QKeySequence.StandardKey.Delete))
        delete.triggered.connect(self._delete)
        menu.addActions([rename, delete])
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._list.viewport().mapToGlobal(at))

    def _rename(self) -> None:
        item = self._list.currentItem()
        if item is not None and item.data(_ID) is not None:
            self._list.editItem(item)

    def _edited(self, item: QListWidgetItem) -> None:
        title = " ".join(item.text().split())
        before = next((s.title for s in self._summaries if s.id == item.data(_ID)), "")
        self._list.blockSignals(True)
        item.setText(title or before)
        self._list.blockSignals(False)
        if title and title != before:
            self.renamed.emit(item.data(_ID), title)

    def _delete(self) -> None:
        item = self._list.currentItem()
        if item is not None and item.data(_ID) is not None:
            self.delete_requested.emit(item.data(_ID), item.text())


def day_heading(day: date, today: date) -> str:
    """The heading under which a conversation last used on `day` stands."""
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return "Last 7 days"
    if day > today - timedelta(days=30):
        return "Last 30 days"
    return "Earlier"


class _List(QListWidget):
    rename_requested = Signal()
    delete_requested = Signal()
    editing_ended = Signal()
    left = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Conversations")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setItemDelegate(_Row(self))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformItemSizes(False)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(self.left)

    @property
    def editing(self) -> bool:
        return self.state() is QAbstractItemView.State.EditingState

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self.editing_ended.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            self.rename_requested.emit()
        elif event.key() == Qt.Key.Key_Delete:  # Backspace is a slip too easily made
            self.delete_requested.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not self.editing:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class _Row(QStyledItemDelegate):
    """One quiet line; headings are smaller and cannot be chosen."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002
        return QSize(60, _ROW if index.data(_ID) is not None else _HEADING)

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        del index
        editor.setGeometry(option.rect)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours = theme.current()
        rect: QRect = option.rect
        title = index.data(_ID) is not None
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        state = option.state
        if title and state & state.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.wash(0.09))
            painter.drawRoundedRect(rect, theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        elif title and state & state.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.wash(0.05))
            painter.drawRoundedRect(rect, theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        if title and state & state.State_HasFocus and state & state.State_KeyboardFocusChange:
            painter.setPen(colours.accent)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        painter.setFont(theme.body_font() if title else theme.body_font(theme.SIZE_SECONDARY))
        painter.setPen(colours.text if title else colours.secondary)
        inner = rect.adjusted(theme.SPACE_S, 0 if title else theme.SPACE_XS, -theme.SPACE_S, 0)
        words = painter.fontMetrics().elidedText(
            index.data(),
            Qt.TextElideMode.ElideRight,
            inner.width(),
        )
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, words)
        painter.restore()
