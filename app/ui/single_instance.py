"""One window per data folder: a second start raises the first window, hands its files over, and ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QSysInfo, Signal

from app.domain.errors import StorageError
from app.models.one_line import one_line
from app.ui.window_socket import WindowSocket, call

ANSWER_MS = 10_000
"""A window that is just being opened takes a second or two until it answers; a busy machine more."""
RETRY_MS = 50
_LONGEST_HOST = 80


class DataFolderInUse(StorageError):
    """Another Edgewise has the data folder and does not answer.

    `elsewhere`: by what it left, it ran on another computer, or under another name of this one. Then nobody
    here can tell whether it still does.
    """

    def __init__(self, message: str, *, elsewhere: bool) -> None:
        super().__init__(message)
        self.elsewhere = elsewhere


class SingleInstance(QObject):
    """The claim on a data folder.

    The lock decides who is first (it is released by the system when its owner dies); the local socket
    only carries the wish to be raised, and files to open.
    """

    raise_requested = Signal()
    files_received = Signal(list)
    """Absolute `Path`s that another start was given."""

    def __init__(self, home: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._home = home
        self._lock = QLockFile(str(home / "window.lock"))
        self._lock.setStaleLockTime(0)  # only a dead owner makes a lock stale, not its age
        self._address_file = home / "window.socket"
        self._socket = WindowSocket(self._address_file, self)
        self._socket.called.connect(self._called)

    def claim(self, files: Sequence[Path] = (), wait_ms: int = ANSWER_MS) -> bool:
        """True if this is the first window; else the first one has been asked to come forward with `files`.

        Raises `DataFolderInUse` if there is one that does not answer, `StorageError` where the folder cannot
        be locked.
        """
        deadline = time.monotonic() + wait_ms / 1000
        while not self._lock.tryLock(0):
            if self._lock.error() is not QLockFile.LockError.LockFailedError:
                raise StorageError(
                    f"Edgewise cannot mark {self._home} as in use: its disk or its permissions do not allow "
                    "it. Set EDGEWISE_HOME to a folder on a disk of this computer.",
                    detail=str(self._lock.error()),
                )
            # One that just took the lock is not reachable yet; one that just ended leaves it to us.
            left_ms = int((deadline - time.monotonic()) * 1000)
            if call(self._address_file, files, max(left_ms, 1)):
                return False
            if left_ms <= 0 or self._owner_is_elsewhere():
                if self._owner() == (0, "") and self.take_over():  # what a power cut left is no claim
                    return True
                raise self._in_use()
            time.sleep(RETRY_MS / 1000)
        self._socket.listen()
        return True

    def take_over(self) -> bool:
        """Claim the folder although somebody elsewhere seems to have it; a person must have said so.

        False where its owner is alive on this computer.
        """
        self._lock.removeStaleLockFile()
        if not self._lock.tryLock(0):
            return False
        self._socket.listen()
        return True

    def release(self) -> None:
        """Let another window be the first."""
        self._socket.close()
        self._lock.unlock()

    def _called(self, files: list[Path]) -> None:
        self.raise_requested.emit()
        if files:
            self.files_received.emit(files)

    def _owner(self) -> tuple[int, str]:
        """Number of the process that has the lock, and its computer; 0 and empty if nobody can tell."""
        told = self._lock.getLockInfo()
        return (int(told[0]), one_line(str(told[1]), _LONGEST_HOST)) if told else (0, "")

    def _owner_is_elsewhere(self) -> bool:
        _, host = self._owner()
        return bool(host) and host != QSysInfo.machineHostName()

    def _in_use(self) -> DataFolderInUse:
        process, host = self._owner()
        if self._owner_is_elsewhere():
            return DataFolderInUse(
                f"The data folder {self._home} is marked as open on the computer “{host}”. Close Edgewise "
                "there first: two at once could damage your chats.",
                elsewhere=True,
            )
        number = f" (process {process})" if process else ""
        return DataFolderInUse(
            f"Edgewise is already open{number} but does not answer. Wait until it does, or end it, then "
            "start Edgewise again.",
            elsewhere=False,
        )
