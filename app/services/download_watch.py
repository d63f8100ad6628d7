"""Looks at the downloads for the window: four times a second while one goes on, and else not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.domain.download import Download, DownloadState

if TYPE_CHECKING:
    from app.services.download_queue import DownloadQueue

INTERVAL_MS = 250


class DownloadWatch(QObject):
    """Lives on the window's thread; `nudge` alone may be called from any."""

    changed = Signal(object)
    """All downloads now, a tuple of `Download`."""
    arrived = Signal(object)
    """A `Download` that has come to its end since: its model is in the library."""
    _nudged = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: DownloadQueue | None = None
        self._last: tuple[Download, ...] = ()
        self._told: set[int] = set()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.look)
        self._nudged.connect(self.look, Qt.ConnectionType.QueuedConnection)

    @property
    def downloads(self) -> tuple[Download, ...]:
        """As they were when last looked at."""
        return self._last

    @property
    def looking(self) -> bool:
        """Whether it looks again by itself."""
        return self._timer.isActive()

    def watch(self, queue: DownloadQueue) -> None:
        """Look at this queue from now on."""
        self._queue = queue
        self._told = {each.id for each in queue.snapshot() if each.state is DownloadState.DONE}
        self.look()

    def nudge(self) -> None:
        """Something changed in the queue. From any thread."""
        self._nudged.emit()

    def look(self) -> None:
        """Look now, and again as long as something goes on by itself."""
        if self._queue is None:
            return
        now = self._queue.snapshot()
        changed = now != self._last
        self._last = now
        if any(download.active for download in now):
            if not self._timer.isActive():
                self._timer.start()
        else:
            self._timer.stop()
        if changed:
            self.changed.emit(now)
        done = [download for download in now if download.state is DownloadState.DONE]
        for download in done:
            if download.id not in self._told:
                self.arrived.emit(download)
        self._told = {download.id for download in done}

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()
        self._queue = None
