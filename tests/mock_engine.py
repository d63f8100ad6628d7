"""An engine that behaves as badly as a test asks: what a real one will not do on demand.

A plain HTTP server on a thread, written on sockets so that it can send any bytes at any time, fall silent
or hang up anywhere. What it does with a request is a function of the test's own.
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from app.engines.openai_client import Address, Dialect, OpenAIClient

CHAT_PATH = "/v1/chat/completions"
COUNT_PATH = "/v1/chat/completions/input_tokens"


def event(value: object) -> bytes:
    """One server-sent event with `value` as JSON (a string goes as it is)."""
    data = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"data: {data}\n\n".encode()


def text(content: object, *, finish: object = None) -> dict[str, Any]:
    """A chunk of a reply as OpenAI's API has it."""
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


def finish(reason: object = "stop", **more: object) -> dict[str, Any]:
    """The chunk that ends a reply, with `usage`, `timings` … as `more`."""
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], **more}


DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


class Exchange:
    """One request and the connection it came on."""

    def __init__(self, sock: socket.socket, path: str, headers: dict[str, str], body: bytes, closing) -> None:
        self.sock = sock
        self.path = path
        self.headers = headers
        self.body = body
        self._closing: threading.Event = closing

    @property
    def json(self) -> Any:
        """The request's body."""
        return json.loads(self.body)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def start(self, status: int = 200, kind: str = "text/event-stream", *headers: str) -> None:
        """Send the status line and the headers. The body ends where the connection does."""
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", "Connection: close", *headers]
        self.send("\r\n".join([*lines, "", ""]).encode())

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        """A whole answer."""
        self.start(status, kind, f"Content-Length: {len(body)}")
        self.send(body)

    def events(self, *values: object) -> None:
        """Send each of `values` as an event."""
        for value in values:
            self.send(event(value))

    def pause(self, seconds: float) -> None:
        """Be slow, unless the mock is being closed."""
        self._closing.wait(seconds)

    def hold(self) -> float:
        """Keep silent until the client hangs up or the mock is closed; returns when (monotonic)."""
        while not self._closing.is_set():
            readable, _, _ = select.select([self.sock], [], [], 0.01)
            if readable:
                with suppress(OSError):
                    if self.sock.recv(65536):
                        continue
                break
        return time.monotonic()

    def reset(self) -> None:
        """Hang up as a process that crashed does: by a reset, not an end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.sock.close()


Behaviour = Callable[[Exchange], object]


def say(*values: object) -> Behaviour:
    """Stream `values` as events (bytes as they are), then hang up."""

    def behave(exchange: Exchange) -> None:
        exchange.start()
        for value in values:
            exchange.send(value if isinstance(value, bytes) else event(value))

    return behave


class MockEngine:
    """A server on a free loopback port; use it in a `with` statement.

    `requests` holds what came to the chat path. What goes wrong in a behaviour (but a client that hung
    up) is raised when the mock is closed.
    """

    def __init__(self, behave: Behaviour | None = None) -> None:
        self.behave: Behaviour = behave or say(text("ok"), finish(usage=USAGE), DONE)
        self.count: Behaviour = lambda exchange: exchange.answer(404, b"{}")
        self.requests: list[Exchange] = []
        self._closing = threading.Event()
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="mock-engine")

    def client(self, *, count_path: str | None = None, **timeouts: Any) -> OpenAIClient:
        """A client of this engine."""
        names = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "seed")
        dialect = Dialect(parameters={name: name for name in names}, count_path=count_path)
        return OpenAIClient(Address("127.0.0.1", self.port, "secret", "mock"), dialect, **timeouts)

    def __enter__(self) -> MockEngine:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._errors:
            raise self._errors[0]

    def close(self) -> None:
        """Hang up on everybody."""
        if self._closing.is_set():
            return
        self._closing.set()
        with suppress(OSError):  # wakes the thread that accepts
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), name="mock-exchange")
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                exchange = self._read(sock)
                if exchange is None:
                    return
                if exchange.path == "/health":
                    exchange.answer(200, b"{}")
                elif exchange.path == COUNT_PATH:
                    self.count(exchange)
                else:
                    self.requests.append(exchange)
                    self.behave(exchange)
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the client hung up
            except BaseException as error:
                self._errors.append(error)

    def _read(self, sock: socket.socket) -> Exchange | None:
        raw = b""
        while b"\r\n\r\n" not in raw:
            if self._closing.is_set() or not (piece := self._receive(sock)):
                return None
            raw += piece
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            if self._closing.is_set() or not (piece := self._receive(sock)):
                return None
            body += piece
        return Exchange(sock, first.split(" ")[1], headers, body, self._closing)

    def _receive(self, sock: socket.socket) -> bytes:
        while not self._closing.is_set():
            if select.select([sock], [], [], 0.05)[0]:
                return sock.recv(65536)
        return b""


@contextmanager
def engine(behave: Behaviour) -> Iterator[MockEngine]:
    """A running mock that does `behave` with every chat request."""
    with MockEngine(behave) as mock:
        yield mock
