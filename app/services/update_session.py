"""Looking for a newer version as the window does it: when a person asks, or once a day if they said so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.domain.announcement import Announcement, Stage
from app.domain.errors import Cancelled, EdgewiseError, Offline
from app.domain.generation import Cancellation
from app.services.background import Background
from app.services.updates import Updates
from app.storage.settings import Settings
from app.storage.update_record import UpdateRecord

FIRST_LOOK_MS = 20_000
"""After a start: the chat comes first."""
CHECK_MS = 15 * 60_000
"""How often the clock is looked at while Edgewise stays open."""
DAY_S = 24 * 3600.0

_log = logging.getLogger(__name__)


class UpdateSession(QObject):
    """Lives on the window's thread; its signals arrive there. Nothing here blocks."""

    changed = Signal()
    """`stage`, `announcement` or `problem` differ from before."""
    newer_found = Signal(object)
    """The `Announcement` that the daily look found, unless it was put off."""

    def __init__(
        self,
        updates: Updates,
        record: UpdateRecord,
        background: Background,
        settings: Callable[[], Settings],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.release = updates.release
        self.announcement: Announcement | None = None
        self.problem: EdgewiseError | None = None
        self._updates = updates
        self._record = record
        self._background = background
        self._settings = settings
        self._looking: Cancellation | None = None
        self._answer = Stage.NOT_LOOKED
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_time)

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        if not self._updates.published:
            return Stage.NOT_PUBLISHED
        if self._settings().offline and self._answer is not Stage.NEWER:
            return Stage.OFFLINE
        return Stage.LOOKING if self._looking is not None else self._answer

    def start(self) -> None:
        """From now on look once a day, if the settings say so."""
        if self._updates.published and self._settings().look_for_updates:
            self._timer.start(FIRST_LOOK_MS)

    def settings_changed(self) -> None:
        """The offline switch or the daily look may be another now."""
        if self._settings().offline and self._looking is not None:
            self._looking.cancel()
        if self._updates.published and self._settings().look_for_updates:
            if not self._timer.isActive():
                self._on_time()
        else:
            self._timer.stop()
        self.changed.emit()

    def look(self) -> None:
        """Ask now, because a person wants to know."""
        self._look(daily=False)

    def look_if_due(self) -> None:
        """Ask if that was not done for a day, a person wants it daily, and this is not offline."""
        settings = self._settings()
        if not settings.look_for_updates or settings.offline or not self._updates.published:
            return
        passed = time.time() - self._record.read().looked_at
        if not 0 <= passed < DAY_S:  # a clock that was set back does not keep it from looking
            self._look(daily=True)

    def put_off(self) -> None:
        """Say nothing more of the version that was found, but in the settings."""
        if self.announcement is not None:
            version = self.announcement.version
            self._background.run(lambda: self._record.put_off(version), None, _only_log)

    def close(self) -> None:
        """Leave what is waited for."""
        self._timer.stop()
        if self._looking is not None:
            self._looking.cancel()

    def _on_time(self) -> None:
        self._timer.start(CHECK_MS)
        self.look_if_due()

    def _look(self, *, daily: bool) -> None:
        if self._looking is not None or not self._updates.published or self._settings().offline:
            return
        cancellation = self._looking = Cancellation()

        def operation() -> tuple[Announcement | None, bool]:
            try:
                self._record.looked(time.time())
            except EdgewiseError as error:
                if daily:  # else it would be asked for again and again
                    raise
                _only_log(error)
            found = self._updates.look(cancellation)
            return found, found is not None and self._record.read().put_off == found.version

        self._background.run(
            operation,
            lambda found: self._found(*found, daily=daily),
            lambda error: self._failed(error, daily=daily),
        )
        self.changed.emit()

    def _found(self, announcement: Announcement | None, put_off: bool, *, daily: bool) -> None:
        self._looking = None
        self.announcement, self.problem = announcement, None
        self._answer = Stage.NEWEST if announcement is None else Stage.NEWER
        self.changed.emit()
        if daily and announcement is not None and not put_off:
            self.newer_found.emit(announcement)

    def _failed(self, error: EdgewiseError, *, daily: bool) -> None:
        self._looking = None
        if daily:
            _only_log(error)  # nobody asked just now, so nobody is troubled
        elif not isinstance(error, Cancelled | Offline):
            self.announcement, self.problem, self._answer = None, error, Stage.FAILED
        self.changed.emit()


def _only_log(error: EdgewiseError) -> None:
    _log.warning("Looking for a newer version: %s %s", error, error.detail)
