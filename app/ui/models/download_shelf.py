"""The slim shelf under the page: what is being downloaded, how far it is, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.domain.download import Download, DownloadState
from app.ui import icons, theme
from app.ui.models.download_row import DownloadRow

_SHOWN, _SHOWN_LOW = 3, 1
"""How many are shown at once, and in a window of less than `_LOW` pixels."""
_LOW = 620
_MOST_OF_WINDOW = 0.4
_RANK = {
    DownloadState.RUNNING: 0,
    DownloadState.VERIFYING: 0,
    DownloadState.RETRYING: 0,
    DownloadState.FAILED: 1,
    DownloadState.DONE: 2,
    DownloadState.PAUSED: 3,
    DownloadState.WAITING: 4,
}
"""Who is shown first where not all are."""


class DownloadShelf(QWidget):
    """Hidden while there is nothing to download. Every number in a signal is a `Download.id`."""

    pause_requested = Signal(int)
    resume_requested = Signal(int)
    cancel_requested = Signal(int)
    """It is not wanted any more: what came of it may go."""
    retry_requested = Signal(int)
    forget_requested = Signal(int)
    """A done one may leave the shelf: a person said so, or it was shown for a while."""
    token_requested = Signal(str)
    """Repository that needs a token."""
    log_requested = Signal(str, str)
    """Sentence, detail."""
    chat_requested = Signal(object)
    """The `Variant` of a done one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Downloads")
        self._rows: dict[int, DownloadRow] = {}
        self._all = False
        self._inside = QWidget(self)
        self._list = QVBoxLayout(self._inside)
        self._list.setContentsMargins(0, theme.SPACE_XS, 0, theme.SPACE_XS)
        self._list.setSpacing(0)
        self._list.addStretch(1)  # no row is higher than it needs to be
        self._inside.installEventFilter(self)
        self._scroll = QScrollArea(self)
        self._scroll.setWidget(self._inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for page in (self._scroll.viewport(), self._inside):
            page.setAutoFillBackground(False)
        self._more = QToolButton(self)
        self._more.setAutoRaise(True)
        self._more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._more.clicked.connect(self._show_all)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_S, 1, 0, theme.SPACE_XS)  # 1: the hairline
        layout.setSpacing(0)
        layout.addWidget(self._scroll)
        layout.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeading)
        self.hide()

    def set_downloads(self, downloads: Sequence[Download]) -> None:
        """Show how these stand now; may be called several times a second."""
        there = {download.id for download in downloads}
        for number in [number for number in self._rows if number not in there]:
            self._take_away(number)
        for download in downloads:
            if download.id in self._rows:
                self._rows[download.id].set_download(download)
            else:
                self._add(download)
        if len(self._rows) <= self._room():
            self._all = False
        self._choose()
        self.setVisible(bool(self._rows))

    def _add(self, download: Download) -> None:
        row = DownloadRow(download, self._inside)
        row.pause_requested.connect(self.pause_requested)
        row.resume_requested.connect(self.resume_requested)
        row.cancel_requested.connect(self.cancel_requested)
        row.retry_requested.connect(self.retry_requested)
        row.forget_requested.connect(self.forget_requested)
        row.token_requested.connect(self.token_requested)
        row.log_requested.connect(self.log_requested)
        row.chat_requested.connect(self.chat_requested)
        self._rows[download.id] = row
        self._list.insertWidget(self._list.count() - 1, row)

    def _take_away(self, number: int) -> None:
        row = self._rows.pop(number)
        focus = row.focusWidget()
        if focus is not None and focus.hasFocus():
            row.focusNextChild()
        row.hide()
        self._list.removeWidget(row)
        row.deleteLater()

    def _choose(self) -> None:
        """Show the most important ones, each in the place where it always was."""
        rows = list(self._rows.values())
        room = len(rows) if self._all else self._room()
        ranked = sorted(rows, key=lambda row: (not row.held, _RANK[row.download.state]))
        shown = set(ranked[:room])
        for row in rows:
            row.setVisible(row in shown)
        hidden = len(rows) - len(shown)
        self._more.setVisible(hidden > 0 or self._all)
        self._more.setText("Show fewer" if self._all else f"and {hidden} more")
        icons.set_icon(self._more, "chevron-down" if self._all else "chevron-up", "secondary", 14)
        self._fit()

    def _room(self) -> int:
        return _SHOWN_LOW if self.window().height() < _LOW else _SHOWN

    def _fit(self) -> None:
        self._list.activate()
        width = self._scroll.viewport().width()
        needed = self._list.heightForWidth(width) if self._list.hasHeightForWidth() else -1
        if needed < 0:
            needed = self._list.sizeHint().height()
        most = max(64, int(self.window().height() * _MOST_OF_WINDOW))
        height = min(needed, most)
        if self._scroll.minimumHeight() != height:
            self._scroll.setFixedHeight(height)

    def _show_all(self) -> None:
        self._all = not self._all
        self._choose()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # A row may put its parts below each other only once it has its new width.
        if watched is self._inside and event.type() is QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), colours.surface)
        painter.fillRect(0, 0, self.width(), 1, colours.hairline)
