"""The window: a rail of pages at the side, the chosen page beside it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QMainWindow,
    QPlainTextEdit,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.domain.conversation import UNTITLED
from app.storage.settings import Settings
from app.ui import icons, theme
from app.ui.chat.page import ChatPage
from app.ui.models.import_dialog import model_paths

if TYPE_CHECKING:
    from app.ui.advisor.page import AdvisorPage
    from app.ui.engines.page import EnginesPage
    from app.ui.models.page import ModelsPage
    from app.ui.settings.page import SettingsPage
    from app.ui.speed_test.page import SpeedTestPage

FIRST_SIZE = QSize(1200, 800)
SMALLEST_SIZE = QSize(720, 480)
RAIL_WIDTH = 56
CHAT, MODELS, ENGINES, SPEED_TEST, ADVISOR, SETTINGS = range(6)
"""The pages' places in the rail and in the stack."""


class MainWindow(QMainWindow):
    """Holds the pages. `closing` comes before it is gone, so that all can be stored.

    All pages but the chat are made when they are first shown: a start must not wait for them.
    """

    settings_changed = Signal(object)
    files_dropped = Signal(list)
    """`Path`s of model files or folders that were dropped onto the window."""
    closing = Signal()

    def __init__(
        self,
        chat: ChatPage,
        make_models_page: Callable[[], ModelsPage],
        make_engines_page: Callable[[], EnginesPage],
        make_speed_test_page: Callable[[], SpeedTestPage],
        make_advisor_page: Callable[[], AdvisorPage],
        make_settings_page: Callable[[], SettingsPage],
        settings: Callable[[], Settings],
    ) -> None:
        super().__init__()
        self._settings = settings
        self.chat = chat
        self.models_page: ModelsPage | None = None
        self.engines_page: EnginesPage | None = None
        self.speed_test_page: SpeedTestPage | None = None
        self.advisor_page: AdvisorPage | None = None
        self.settings_page: SettingsPage | None = None
        self._make_models_page = make_models_page
        self._make_engines_page = make_engines_page
        self._make_speed_test_page = make_speed_test_page
        self._make_advisor_page = make_advisor_page
        self._make_settings_page = make_settings_page
        self.setAcceptDrops(True)
        for field in chat.findChildren(QPlainTextEdit):  # they would take a file's address as text
            field.viewport().installEventFilter(self)
        self.setMinimumSize(SMALLEST_SIZE)
        self.resize(FIRST_SIZE)
        self.setWindowTitle("Edgewise")
        self._pages = QStackedWidget()
        self._rail = _Rail()
        # In the order of the final navigation; a page stands here once it works.
        self._rail.add("chat", "Chat", "Ctrl+1", CHAT)
        self._rail.add("models", "Models", "Ctrl+2", MODELS)
        self._rail.add("engines", "Engines", "Ctrl+3", ENGINES)
        self._rail.add("speed", "Speed test", "Ctrl+4", SPEED_TEST)
        self._rail.add("advisor", "Advisor", "Ctrl+5", ADVISOR)
        self._rail.add("settings", "Settings", "Ctrl+,", SETTINGS, at_end=True)
        self._pages.addWidget(chat)
        self._rail.chosen.connect(self._choose)
        across = QWidget()
        layout = QHBoxLayout(across)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._rail)
        layout.addWidget(self._pages, 1)
        self.setCentralWidget(across)
        chat.title_changed.connect(self._show_title)
        chat.focus_composer()  # writing may begin before a conversation is open
        self._add_actions()
        if geometry := settings().window_geometry:
            self.restoreGeometry(QByteArray(b64decode(geometry)))

    def show_page(self, index: int) -> None:
        """Bring a page to the front, with the keyboard; its rail button follows."""
        self._bring(index)
        page = self._pages.currentWidget()
        if page is self.chat:
            self.chat.focus_composer()
        elif page is not None:
            page.setFocus(Qt.FocusReason.OtherFocusReason)

    def _bring(self, index: int) -> None:
        self._pages.setCurrentWidget(self._page(index))
        self._rail.mark(index)

    def _choose(self, index: int) -> None:
        if self._rail.has_focus():  # whoever walks the rail with the arrows stays there
            self._bring(index)
        else:
            self.show_page(index)

    def _page(self, index: int) -> QWidget:
        if index == MODELS:
            if self.models_page is None:
                self.models_page = self._make_models_page()
                self._pages.addWidget(self.models_page)
            return self.models_page
        if index == ENGINES:
            if self.engines_page is None:
                self.engines_page = self._make_engines_page()
                self._pages.addWidget(self.engines_page)
            return self.engines_page
        if index == SPEED_TEST:
            if self.speed_test_page is None:
                self.speed_test_page = self._make_speed_test_page()
                self._pages.addWidget(self.speed_test_page)
            return self.speed_test_page
        if index == ADVISOR:
            if self.advisor_page is None:
                self.advisor_page = self._make_advisor_page()
                self._pages.addWidget(self.advisor_page)
            return self.advisor_page
        if index == SETTINGS:
            if self.settings_page is None:
                self.settings_page = self._make_settings_page()
                self._pages.addWidget(self.settings_page)
            return self.settings_page
        return self.chat

    def set_working(self, index: int, working: bool) -> None:
        """Whether something goes on in a page that may not be the one in front."""
        self._rail.set_working(index, working)

    def come_forward(self) -> None:
        """Show the window above the others."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def _add_actions(self) -> None:
        standard = QKeySequence.StandardKey
        for name, keys, call in (
            ("New chat", QKeySequence(standard.New), self._new_chat),
            ("Search", QKeySequence(standard.Find), self._search),
            ("Write", QKeySequence("Ctrl+L"), self._write),
            ("Conversations", QKeySequence("Ctrl+B"), self.chat.toggle_list),
            ("Chat", QKeySequence("Ctrl+1"), lambda: self.show_page(CHAT)),
            ("Models", QKeySequence("Ctrl+2"), lambda: self.show_page(MODELS)),
            ("Engines", QKeySequence("Ctrl+3"), lambda: self.show_page(ENGINES)),
            ("Speed test", QKeySequence("Ctrl+4"), lambda: self.show_page(SPEED_TEST)),
            ("Advisor", QKeySequence("Ctrl+5"), lambda: self.show_page(ADVISOR)),
            ("Settings", QKeySequence("Ctrl+,"), lambda: self.show_page(SETTINGS)),
            ("Close", QKeySequence("Ctrl+Q"), self.close),
        ):
            action = QAction(name, self)
            action.setShortcut(keys)
            action.triggered.connect(call)
            self.addAction(action)

    def _new_chat(self) -> None:
        self.show_page(CHAT)
        self.chat.new_chat()

    def _search(self) -> None:
        self.show_page(CHAT)
        self.chat.focus_search()

    def _write(self) -> None:
        self.show_page(CHAT)

    def _show_title(self, title: str) -> None:
        self.setWindowTitle("Edgewise" if title == UNTITLED else f"{title} — Edgewise")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent) and model_paths(
            event.mimeData()
        ):  # entering and moving are drops, too
            if event.type() is QEvent.Type.Drop:
                self.dropEvent(event)
            else:
                event.setDropAction(Qt.DropAction.CopyAction)
                event.accept()
            return True
        return super().eventFilter(watched, event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if model_paths(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = model_paths(event.mimeData())
        if paths:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.files_dropped.emit(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        geometry = b64encode(self.saveGeometry().data()).decode("ascii")
        self.chat.keep_unsaved()
        if self.settings_page is not None:
            self.settings_page.flush()
        self.settings_changed.emit(replace(self._settings(), window_geometry=geometry))
        self.closing.emit()
        super().closeEvent(event)


class _Rail(QWidget):
    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(RAIL_WIDTH)
        self.setAccessibleName("Pages")
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._group.idClicked.connect(self.chosen)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_S, theme.SPACE_M, theme.SPACE_S, theme.SPACE_M)
        layout.setSpacing(theme.SPACE_S)
        self._top = QVBoxLayout()
        self._end = QVBoxLayout()
        layout.addLayout(self._top)
        layout.addStretch(1)
        layout.addLayout(self._end)

    def add(self, icon: str, name: str, keys: str, index: int, *, at_end: bool = False) -> None:
        shown = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
        button = _RailButton(name, shown)
        icons.set_icon(button, icon, "text", 22)
        button.setChecked(index == 0)
        self._group.addButton(button, index)
        (self._end if at_end else self._top).addWidget(button)

    def has_focus(self) -> bool:
        """Whether the keyboard is on one of its buttons."""
        return any(button.hasFocus() for button in self._group.buttons())

    def mark(self, index: int) -> None:
        self._group.button(index).setChecked(True)

    def set_working(self, index: int, working: bool) -> None:
        button = self._group.button(index)
        if isinstance(button, _RailButton):
            button.set_working(working)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), colours.surface)
        edge = 0 if self.layoutDirection() is Qt.LayoutDirection.RightToLeft else self.width() - 1
        painter.fillRect(edge, 0, 1, self.height(), colours.hairline)


class _RailButton(QToolButton):
    """A page's icon, with a dot in its corner while something goes on there."""

    def __init__(self, name: str, keys: str) -> None:
        super().__init__()
        self._name, self._keys = name, keys
        self._working = False
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setFixedSize(40, 40)
        self._say()

    def set_working(self, working: bool) -> None:
        """Whether something goes on."""
        if working != self._working:
            self._working = working
            self._say()
            self.update()

    def _say(self) -> None:
        self.setAccessibleName(f"{self._name}, running" if self._working else self._name)
        self.setToolTip(f"{self._name} ({self._keys}){', running' if self._working else ''}")

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._working:
            return
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colours.surface, 2))
        painter.setBrush(colours.accent)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        painter.drawEllipse(4 if mirrored else self.width() - 14, 4, 10, 10)
