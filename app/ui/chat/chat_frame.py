"""The chat page as it is laid out: its parts, where they stand, and how the sides give way."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui import icons, theme
from app.ui.chat.composer import Composer
from app.ui.chat.conversation_list import ConversationList
from app.ui.chat.empty_state import EmptyState
from app.ui.chat.model_picker import ModelPicker
from app.ui.chat.parameters import ParametersPanel
from app.ui.chat.status_line import StatusLine
from app.ui.chat.transcript import TranscriptView
from app.ui.notice_bar import NoticeBar

FOLD_BELOW = 860
"""A narrower page folds the conversation list away."""
_HEADER = 48
_LEAST_TITLE = 96
"""What a title keeps in a narrow header, where the model's name is cut too."""


class ChatFrame(QWidget):
    """Pure view: what stands in it is set from outside, and it tells only of its sides."""

    list_folded = Signal(bool)
    """A person showed the conversation list (True) or folded it away, in a page that has room for it."""
    move_requested = Signal()
    """The conversation is to go on with another engine, or with another form of its model."""
    code_requested = Signal()
    """The conversation is wanted as code that runs elsewhere."""

    def __init__(self, *, list_wanted: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._list_wanted = list_wanted
        # Tab follows the order in which they are made: that of reading.
        self.list = ConversationList(self)
        self._fold = _tool("sidebar", "Conversations", self)
        self._title = _Title(self)
        self.picker = ModelPicker(self)
        self._tune = _tool("sliders", "System prompt and sampling", self)
        self._tune.setCheckable(True)
        self.more = _tool("more", "More to do with this conversation", self)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.more)
        menu.addAction("Continue with another engine…").triggered.connect(self.move_requested)
        menu.addAction("Use this elsewhere…").triggered.connect(self.code_requested)
        self.more.setMenu(menu)
        self.notice = NoticeBar(self)
        self.empty = EmptyState(self)
        self.transcript = TranscriptView(self)
        self.composer = Composer(self)
        self.status = StatusLine(self)
        self.panel = ParametersPanel(self)
        self.panel.hide()

        header = QWidget(self)
        header.setFixedHeight(_HEADER)
        row = QHBoxLayout(header)
        row.setContentsMargins(theme.SPACE_S, 0, theme.SPACE_S, 0)
        row.setSpacing(theme.SPACE_S)
        row.addWidget(self._fold)
        row.addWidget(self._title, 1)
        row.addWidget(self.picker)
        tools = QHBoxLayout()
        tools.setSpacing(0)
        tools.addWidget(self._tune)
        tools.addWidget(self.more)
        row.addLayout(tools)

        self._stack = QStackedWidget(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.transcript)

        column = QWidget(self)
        column.setMaximumWidth(theme.COLUMN_WIDTH)
        under = QVBoxLayout(column)
        under.setContentsMargins(0, theme.SPACE_S, 0, theme.SPACE_XS)
        under.setSpacing(theme.SPACE_XS)
        under.addWidget(self.composer)
        under.addWidget(self.status)
        centred = QHBoxLayout()
        centred.setContentsMargins(theme.SPACE_L, 0, theme.SPACE_L, 0)
        centred.addStretch(1)
        centred.addWidget(column, 1000)
        centred.addStretch(1)

        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(header)
        middle.addWidget(_Hairline(self))
        middle.addWidget(self.notice)
        middle.addWidget(self._stack, 1)
        middle.addLayout(centred)

        across = QHBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(self.list)
        self._list_edge = _Hairline(self, upright=True)
        across.addWidget(self._list_edge)
        across.addLayout(middle, 1)
        self._panel_edge = _Hairline(self, upright=True)
        self._panel_edge.hide()
        across.addWidget(self._panel_edge)
        across.addWidget(self.panel)
        self.picker.move_requested.connect(self.move_requested)
        self._fold.clicked.connect(self.toggle_list)
        self._tune.toggled.connect(self._show_panel)

    def focus_composer(self) -> None:
        """Put the cursor where a person writes."""
        self.composer.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus_search(self) -> None:
        """Put the cursor into the search over titles."""
        self._show_list(True)
        self.list.focus_search()

    def toggle_list(self) -> None:
        """Fold the conversation list away or back."""
        self._show_list(self.list.isHidden())

    def _show_side(self, side: QWidget, edge: QWidget, shown: bool) -> None:
        """The list or the panel; the focus does not stay in what goes."""
        focus = QApplication.focusWidget()
        if not shown and focus is not None and (focus is side or side.isAncestorOf(focus)):
            self.focus_composer()
        side.setVisible(shown)
        edge.setVisible(shown)

    def _show_list(self, shown: bool) -> None:
        self._show_side(self.list, self._list_edge, shown)
        if self.width() >= FOLD_BELOW:
            self._list_wanted = shown
            self.list_folded.emit(shown)
        elif shown:  # there is room for one of them
            self._tune.setChecked(False)

    def _show_panel(self, shown: bool) -> None:
        if shown and self.width() < FOLD_BELOW:
            self._show_list(False)
        self._show_side(self.panel, self._panel_edge, shown)
        if not shown:
            self.panel.form.flush()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= FOLD_BELOW
        was_wide = event.oldSize().width() >= FOLD_BELOW or not event.oldSize().isValid()
        if wide != was_wide or not event.oldSize().isValid():
            self._show_side(self.list, self._list_edge, wide and self._list_wanted)


class _Title(QLabel):
    """The conversation's title, cut with an ellipsis where there is no room."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._full = ""
        self.setFont(theme.body_font(semibold=True))
        self.setTextFormat(Qt.TextFormat.PlainText)
        # Its words must not push the model picker away.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_title(self, title: str) -> None:
        self._full = title
        self.setToolTip(title)
        self.setAccessibleName(title)
        self.setMinimumWidth(min(_LEAST_TITLE, self.fontMetrics().horizontalAdvance(title) + 1))
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideRight, self.width()))


class _Hairline(QWidget):
    """One pixel between two parts."""

    def __init__(self, parent: QWidget, *, upright: bool = False) -> None:
        super().__init__(parent)
        if upright:
            self.setFixedWidth(1)
        else:
            self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        QPainter(self).fillRect(self.rect(), theme.current().hairline)


def _tool(icon: str, name: str, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setAutoRaise(True)
    button.setFixedSize(34, 34)
    button.setAccessibleName(name)
    button.setToolTip(name)
    icons.set_icon(button, icon, "secondary", 20)
    return button
