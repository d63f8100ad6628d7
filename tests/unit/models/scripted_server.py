"""A loopback server that sends, word for word, what a test wants a hub to say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_TLS_HANDSHAKE = 0x16


class Asked:
    """One request. `headers` by lower-case name."""

    def __init__(self, text: str) -> None:
        first, *lines = text.split("\r\n")
        self.method, self.path, _ = first.split(" ")
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name
        }


Script = Callable[[Asked, socket.socket], bytes | None]
"""What to answer to a request; None where it sent something itself. The connection then closes."""


def answer(status: int, body: bytes = b"", /, **headers: str) -> bytes:
    """A whole HTTP answer; `Content_Length` and the like become headers."""
    named = {"Content-Length": str(len(body)), **{k.replace("_", "-"): v for k, v in headers.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}Connection: close\r\n\r\n".encode() + body


class ScriptedServer:
    """Answers each request by `script`, one connection each; `asked` holds the requests so far."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[Asked] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.add(connection)
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                piece = connection.recv(65536)
                if not piece or piece[0] == _TLS_HANDSHAKE:
                    connection.sendall(answer(400))
                    break
                request += piece
            else:
                asked = Asked(request[:-4].decode("latin-1"))
                self.asked.append(asked)
                said = self._script(asked, connection)
                if said is not None:
                    connection.sendall(said)
        self._open.discard(connection)
