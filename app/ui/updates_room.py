"""Newer versions in the window: the session behind the settings, and one quiet notice."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.domain.announcement import Announcement
from app.services.background import Background
from app.services.update_session import UpdateSession
from app.services.updates import Updates
from app.storage.paths import Paths
from app.storage.release import this_release
from app.storage.settings import Settings
from app.storage.update_record import UpdateRecord
from app.ui.notice_bar import NoticeBar

ABOUT = "update"


class UpdatesRoom(QObject):
    """Says in `notice` what the daily look found, if a person switched that on."""

    settings_requested = Signal()
    """What is new is told there."""

    def __init__(
        self,
        paths: Paths,
        notice: NoticeBar,
        background: Background,
        settings: Callable[[], Settings],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._notice = notice
        updates = Updates(this_release(), lambda: settings().offline)
        self.session = UpdateSession(updates, UpdateRecord(paths.updates), background, settings, self)
        self.session.newer_found.connect(self._tell)

    def _tell(self, newer: Announcement) -> None:
        self._notice.say(
            f"There is a newer version: Edgewise {newer.version} of {newer.day}.",
            [("See what is new", self.settings_requested.emit), ("Not now", self.session.put_off)],
            about=ABOUT,
            failed=False,
        )
