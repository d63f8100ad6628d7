"""How a second start reaches the window that is open: a local socket that only this user can reach.

The socket has another name each time and lies in a folder of this user alone; which one, says a file in the
data folder. So nobody can be there first, and a data folder with a long path is no matter (a socket's path
has about 100 bytes). A call is four bytes that give a length (big-endian), then files' absolute paths, each
ended by a zero byte; the window answers once it has read all. Whoever writes to it is this user, yet nothing
is believed: lengths and time are bounded, and what is no absolute path is dropped.
"""

from __future__ import annotations

import os
import secrets
import stat
import struct
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

MOST_BYTES = 64 * 1024
"""Of paths in one call."""
MOST_FILES = 100
MOST_CALLERS = 16
"""At once."""
CALLER_MS = 5000
"""A caller that has not said all by then is not listened to any longer."""
LONGEST_PATH = 100
"""Bytes of a socket's path: macOS has 104 with the zero at its end, Linux 108."""
_SLICE_MS = 20
_LENGTH = struct.Struct(">I")
_HEARD = b"heard"


class WindowSocket(QObject):
    """The window's end. Lives on the window's thread."""

    called = Signal(list)
    """Another start asks for the window, and to open these `Path`s (often none)."""

    def __init__(self, address_file: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._address_file = address_file
        self._server: QLocalServer | None = None
        self._address = ""
        self._callers: list[_Caller] = []

    def listen(self) -> bool:
        """Be reachable. False where no socket can be made, or its address not told: then nobody calls."""
        self._sweep()
        for folder in _folders(self._address_file.parent):
            name = f"edgewise-{secrets.token_hex(8)}"
            address = name if folder is None else str(folder / name)
            server = QLocalServer(self)
            server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
            server.newConnection.connect(self._take_in)
            if not server.listen(address):
                server.deleteLater()
                continue
            self._server, self._address = server, address
            try:
                _write_private(self._address_file, address)
            except OSError:
                self.close()
                return False
            return True
        return False

    def close(self) -> None:
        """Not be reachable any more."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self._sweep()

    def _sweep(self) -> None:
        """Remove the socket that the address names: ours at the end, or what a killed owner left behind."""
        address = _read(self._address_file)
        if address and sys.platform != "win32":
            with suppress(OSError):
                if _is_own_socket(address):
                    Path(address).unlink()
            parent = Path(address).parent
            if parent.name.startswith(_PREFIX):
                with suppress(OSError, ValueError):
                    parent.rmdir()  # only if it is empty
        with suppress(OSError):
            self._address_file.unlink(missing_ok=True)

    def _take_in(self) -> None:
        assert self._server is not None
        while connection := self._server.nextPendingConnection():
            if len(self._callers) >= MOST_CALLERS:
                connection.abort()
                connection.deleteLater()
                continue
            caller = _Caller(connection, self)
            self._callers.append(caller)
            caller.ended.connect(self._caller_ended)
            caller.said.connect(self.called)
            caller.listen()

    def _caller_ended(self, caller: _Caller) -> None:
        if caller in self._callers:
            self._callers.remove(caller)
            caller.deleteLater()


class _Caller(QObject):
    """One connection, read until all is said."""

    said = Signal(list)
    ended = Signal(object)

    def __init__(self, connection: QLocalSocket, parent: QObject) -> None:
        super().__init__(parent)
        self._connection = connection
        connection.setParent(self)
        connection.setReadBufferSize(_LENGTH.size + MOST_BYTES)
        self._heard = bytearray()
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._hang_up)
        connection.readyRead.connect(self._read)
        connection.disconnected.connect(self._hang_up)

    def listen(self) -> None:
        """Begin; some of it may be there already."""
        self._patience.start(CALLER_MS)
        self._read()

    def _read(self) -> None:
        self._heard += self._connection.readAll().data()
        if len(self._heard) < _LENGTH.size:
            return
        (length,) = _LENGTH.unpack_from(self._heard)
        if length > MOST_BYTES or len(self._heard) > _LENGTH.size + length:
            self._hang_up()
        elif len(self._heard) == _LENGTH.size + length:
            self._patience.stop()
            self._connection.readyRead.disconnect(self._read)
            self._connection.write(_HEARD)
            self._connection.flush()
            self.said.emit(paths_in(bytes(self._heard[_LENGTH.size :])))
            self._connection.disconnectFromServer()

    def _hang_up(self) -> None:
        self._patience.stop()
        self._connection.abort()
        self.ended.emit(self)


def call(address_file: Path, files: Sequence[Path], wait_ms: int) -> bool:
    """Ask the window whose address is in the file to come forward and to open `files` (absolute paths).

    True once it has heard all of it; False if there is no window, or it does not answer in time. Files that
    are too many for one call are left out. Needs no event loop.
    """
    address = _read(address_file)
    if not address or (sys.platform != "win32" and not _is_own_socket(address)):
        return False
    socket = QLocalSocket()
    socket.connectToServer(address)
    if not socket.waitForConnected(wait_ms):
        return False
    said = _bytes_of(files)
    socket.write(_LENGTH.pack(len(said)) + said)
    heard = b""
    deadline = time.monotonic() + wait_ms / 1000
    # In slices: Qt waits without letting other threads of Python run.
    while len(heard) < len(_HEARD) and time.monotonic() < deadline:
        if socket.waitForReadyRead(_SLICE_MS):
            heard += socket.readAll().data()
        elif socket.state() is not QLocalSocket.LocalSocketState.ConnectedState:
            break
    socket.abort()
    return heard == _HEARD


def paths_in(said: bytes) -> list[Path]:
    """The absolute paths in what a caller said."""
    try:
        texts = [os.fsdecode(path) for path in said.split(b"\0")[:MOST_FILES] if path]
    except UnicodeDecodeError:  # Windows has no bytes that are no text
        return []
    return [path for path in map(Path, texts) if path.is_absolute()]


def _bytes_of(files: Sequence[Path]) -> bytes:
    said = b""
    for file in files[:MOST_FILES]:
        more = os.fsencode(file) + b"\0"
        if len(said) + len(more) > MOST_BYTES:
            break
        said += more
    return said


_PREFIX = "edgewise-window-"


def _folders(home: Path) -> Iterator[Path | None]:
    """Where a socket can lie, best first; None where sockets have names instead of files (Windows)."""
    if sys.platform == "win32":
        yield None
        return
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    for folder in (Path(runtime), home):
        if folder.is_absolute() and _is_private(folder) and _fits(folder):
            yield folder
    try:
        made = Path(tempfile.mkdtemp(prefix=_PREFIX))
    except OSError:  # no folder for temporary files can be written
        return
    if _fits(made):
        yield made
    with suppress(OSError):  # only if no socket could be made in it
        made.rmdir()


def _is_private(folder: Path) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & 0o077


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder)) + len("/edgewise-") + 16 <= LONGEST_PATH


def _is_own_socket(address: str) -> bool:
    try:
        status = os.lstat(address)
    except (OSError, ValueError):
        return False
    return stat.S_ISSOCK(status.st_mode) and status.st_uid == os.getuid()


def _write_private(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.fsencode(text))
    new.replace(path)


def _read(address_file: Path) -> str:
    """The address in the file; empty if there is none."""
    try:
        with address_file.open("rb") as file:
            raw = file.read(4096)
        return os.fsdecode(raw)
    except (OSError, UnicodeDecodeError):
        return ""
