"""The settings' part about newer versions: what this one is, one look, and whether to look once a day."""

from __future__ import annotations

from urllib.parse import urlsplit

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.domain.announcement import Announcement, Installed, Stage
from app.services.update_session import UpdateSession
from app.services.updates import NOT_PUBLISHED, installed
from app.ui import theme, words
from app.ui.announce import announce
from app.ui.engines.wrapped import Wrapped

_SYSTEMS = {"linux": "Linux", "windows": "Windows", "macos": "macOS"}


class UpdatesGroup(QWidget):
    """Shows an `UpdateSession`; downloads and installs nothing."""

    daily_changed = Signal()
    """`daily` was switched."""

    def __init__(self, session: UpdateSession, *, daily: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._installed = installed()
        self._said = ""
        published = session.stage is not Stage.NOT_PUBLISHED
        version = Wrapped(self, _version(session, self._installed))
        self.look = QPushButton("Look for a newer version", self)
        self.look.clicked.connect(session.look)
        self._status = Wrapped(self)
        self._notes = Wrapped(self)
        self._file = Wrapped(self, quiet=True, size=theme.SIZE_SECONDARY)
        self._page = QPushButton("Open its page", self)
        self._page.setAccessibleDescription("Opens the page of the newer version in your browser")
        self._page.clicked.connect(self._open_page)
        self.daily = QCheckBox("Look once a day", self)
        self.daily.setChecked(daily)
        self.daily.toggled.connect(lambda _: self.daily_changed.emit())
        host = urlsplit(session.release.home).hostname or ""
        hint = (
            f"Asks {host} for one small file. It learns your address on the internet, as from any visit, and "
            "nothing else. Edgewise never asks on its own unless you switch this on."
        )
        self._hint = Wrapped(self, hint, quiet=True, size=theme.SIZE_SECONDARY)
        for text in (version, self._status, self._notes, self._file):
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for part in (self.look, self.daily, self._hint):
            part.setVisible(published)
        head = QHBoxLayout()
        head.addWidget(version, 1, Qt.AlignmentFlag.AlignVCenter)
        head.addWidget(self.look)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_S)
        layout.addLayout(head)
        for part in (self._status, self._notes, self._file):
            layout.addWidget(part)
        layout.addWidget(self._page, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.daily)
        layout.addWidget(self._hint)
        session.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        stage, newer = self._session.stage, self._session.announcement
        shown = newer if stage is Stage.NEWER else None
        self.look.setEnabled(stage is not Stage.OFFLINE)
        said = self._sentence(stage)
        self._status.setText(said)
        self._status.setVisible(bool(said))
        self._notes.setText(shown.notes if shown else "")
        self._notes.setVisible(bool(shown and shown.notes))
        self._file.setText(self._file_words(shown) if shown else "")
        self._file.setVisible(shown is not None)
        self._page.setVisible(shown is not None)
        if said != self._said and self.isVisible():
            announce(self, said)
        self._said = said

    def _sentence(self, stage: Stage) -> str:
        session = self._session
        if stage is Stage.NEWER and session.announcement is not None:
            return (
                f"There is a newer version: Edgewise {session.announcement.version} of "
                f"{session.announcement.day}."
            )
        if stage is Stage.FAILED and session.problem is not None:
            return session.problem.message
        return {
            Stage.NOT_PUBLISHED: NOT_PUBLISHED,
            Stage.OFFLINE: "You work offline, so nobody is asked for a newer version.",
            Stage.LOOKING: "Looking…",
            Stage.NEWEST: "This is the newest version.",
        }.get(stage, "")

    def _file_words(self, newer: Announcement) -> str:
        file = newer.file_for(self._installed)
        if file is None:
            return "Its page says how to get it. Your chats, models and settings stay."
        return (
            f"For this computer: {file.name}, {words.size(file.size)}. Your chats, models and settings stay."
        )

    def _open_page(self) -> None:
        if self._session.announcement is not None:
            QDesktopServices.openUrl(QUrl(self._session.announcement.page))


def _version(session: UpdateSession, here: Installed) -> str:
    version = f"Edgewise {session.release.version}"
    if session.stage is Stage.NOT_PUBLISHED or here.system is None:
        return version
    return f"{version}, for {_SYSTEMS[here.system]}" + (
        f" on {here.architecture}" if here.architecture else ""
    )
