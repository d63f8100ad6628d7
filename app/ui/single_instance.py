"""One window per data folder: a second start raises the first window and ends."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

CONNECT_MS = 1000


class SingleInstance(QObject):
    """The claim on a data folder.

    The lock decides who is first (it is released by the system when its owner dies); the local socket
    only carries the wish to be raised.
    """

    raise_requested = Signal()

    def __init__(self, home: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = QLockFile(str(home / "window.lock"))
        self._lock.setStaleLockTime(0)  # only a dead owner makes a lock stale, not its age
        digest = hashlib.sha256(str(home.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._name = f"edgewise-{digest}"
        self._server: QLocalServer | None = None

    def claim(self) -> bool:
        """True if this is the first window; else the first one has been asked to come forward."""
        if not self._lock.tryLock(0):
            self._ask_first()
            return False
        QLocalServer.removeServer(self._name)  # a socket that a killed owner left behind
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._asked)
        self._server.listen(self._name)
        return True

    def release(self) -> None:
        """Let another window be the first."""
        if self._server is not None:
            self._server.close()
        self._lock.unlock()

    def _ask_first(self) -> None:
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if socket.waitForConnected(CONNECT_MS):
            socket.disconnectFromServer()

    def _asked(self) -> None:
        assert self._server is not None
        while connection := self._server.nextPendingConnection():
            connection.close()
            connection.deleteLater()
        self.raise_requested.emit()
