"""A server of models that keeps to known delays: what is measured of it can be held against what it did.

In a process of its own, which `PacedServer` starts; run as a program it is the server. It answers any number
of requests at once on one thread. Each piece has a deadline of its own that is counted from the request, so
that lateness does not add up, and all bytes are made beforehand. When it truly wrote is kept, by
`time.perf_counter`, which on one machine is the same clock in all processes (CLOCK_MONOTONIC on Linux).
"""

from __future__ import annotations

import heapq
import http.client
import json
import selectors
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from app.benchmark.load_messages import LoadJob
from app.domain.generation import ChatMessage, Role
from app.engines.openai_client import Address, Dialect

RECORDS = "/records"


@dataclass(frozen=True, slots=True)
class Pace:
    """How it answers: the first piece after `ttft_s`, each further one after the next of `itl_s`, which begin
    anew when they are all used up.

    After `stop_after` tokens a reply ends, whatever was asked. Request `fails`, counted from 0, is refused,
    request `silent` never answered. `idle_end_s` pass between a reply's end and its connection's.
    """

    ttft_s: float = 0.3
    itl_s: tuple[float, ...] = (0.025,)
    tokens_per_piece: int = 1
    prompt_tokens: int = 32
    stop_after: int | None = None
    fails: int | None = None
    silent: int | None = None
    idle_end_s: float = 0.0


@dataclass(slots=True)
class Record:
    """What it did with one request. Times of the clock: when the connection was there, when the request had
    been read, when each piece was written and when the end was."""

    accepted: float
    read: float = 0.0
    writes: list[float] = field(default_factory=list)
    end: float = 0.0

    @property
    def ttft_s(self) -> float:
        return self.writes[0] - self.accepted

    @property
    def gaps_s(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.writes)]

    @property
    def duration_s(self) -> float:
        return self.end - self.accepted


class PacedServer:
    """A running one; use it in a `with` statement."""

    def __init__(self, pace: Pace) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.paced_server", json.dumps(asdict(pace))],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def __enter__(self) -> PacedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def job(self, requests: int, output_tokens: int) -> LoadJob:
        """A round of so many requests to it."""
        prompts = tuple((ChatMessage(Role.USER, f"{number}. Go on."),) for number in range(requests))
        return LoadJob(Address("127.0.0.1", self.port, "secret-key"), Dialect(), prompts, output_tokens)

    def records(self) -> list[Record]:
        """What it did since it was last asked, in the order in which the requests came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", RECORDS)
            return [Record(**values) for values in json.loads(connection.getresponse().read())]
        finally:
            connection.close()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(**values: Any) -> bytes:
    frame = {
        "id": "chatcmpl-0123456789abcdef0123456789abcdef",
        "object": "chat.completion.chunk",
        "created": 1750000000,
        "model": "paced",
    }
    return _chunk(f"data: {json.dumps(frame | values)}\n\n".encode())


def _piece(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    return _event(choices=[choice], token_ids=None)


class _Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.raw = b""
        self.record = Record(time.perf_counter())
        self.left = 0
        self.next_gap = 0
        self.last_tokens = 0
        self.made = 0
        self.due = 0.0
        self.ended = False


class _Server:
    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, _Connection]] = []
        self._records: list[Record] = []
        self._requests = 0
        self._steps = 0
        self._piece = _piece(" word" * pace.tokens_per_piece)
        opening = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
        self._head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + _event(choices=[opening])
        )
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        self._selector.register(self.listener, selectors.EVENT_READ)

    def serve(self) -> None:
        while True:
            wait = None
            if self._due:
                wait = max(0.0, self._due[0][0] - time.perf_counter())
            for key, _ in self._selector.select(wait):
                if key.data is None:
                    self._accept()
                else:
                    self._receive(key.data)
            now = time.perf_counter()
            while self._due and self._due[0][0] <= now:
                self._step(heapq.heappop(self._due)[2])

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            while True:
                sock, _ = self.listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._selector.register(sock, selectors.EVENT_READ, _Connection(sock))

    def _receive(self, connection: _Connection) -> None:
        try:
            data = connection.sock.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            self._close(connection)
            return
        connection.raw += data
        head, separator, body = connection.raw.partition(b"\r\n\r\n")
        if not separator:
            return
        if head.startswith(b"GET " + RECORDS.encode()):
            self._answer(connection, b"200 OK", json.dumps([asdict(it) for it in self._records]).encode())
            self._records = []
            return
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        if len(body) >= length and not connection.record.read:
            connection.record.read = time.perf_counter()
            self._begin(connection, json.loads(body))

    def _begin(self, connection: _Connection, body: dict[str, Any]) -> None:
        pace, number = self._pace, self._requests
        self._requests += 1
        self._records.append(connection.record)
        if number == pace.silent:
            return
        if number == pace.fails:
            self._answer(connection, b"500 Oh", b'{"error": {"message": "out of order"}}')
            return
        asked = body["max_tokens"]
        tokens = asked if pace.stop_after is None else min(asked, pace.stop_after)
        connection.left = tokens // pace.tokens_per_piece
        usage = {
            "prompt_tokens": pace.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": pace.prompt_tokens + tokens,
        }
        end = {"index": 0, "delta": {}, "finish_reason": "length" if tokens == asked else "stop"}
        connection.raw = (
            _event(choices=[end])
            + _event(choices=[], usage=usage)
            + _chunk(b"data: [DONE]\n\n")
            + b"0\r\n\r\n"
        )
        connection.sock.sendall(self._head)
        self._schedule(connection, connection.record.accepted + pace.ttft_s)

    def _schedule(self, connection: _Connection, due: float) -> None:
        self._steps += 1
        connection.due = due
        heapq.heappush(self._due, (due, self._steps, connection))

    def _step(self, connection: _Connection) -> None:
        """Write what is due."""
        if connection.ended:
            self._close(connection)
            return
        connection.left -= 1
        last = connection.left == 0
        now = time.perf_counter()
        try:
            # The end comes with the last token, as it does from engines.
            connection.sock.sendall(self._piece + connection.raw if last else self._piece)
        except OSError:
            self._close(connection)
            return
        record, gaps = connection.record, self._pace.itl_s
        record.writes.append(now)
        if last:
            record.end = now
            connection.ended = True
            self._schedule(connection, now + self._pace.idle_end_s)
        else:
            gap = gaps[connection.next_gap % len(gaps)]
            connection.next_gap += 1
            self._schedule(connection, connection.due + gap)

    def _answer(self, connection: _Connection, status: bytes, body: bytes) -> None:
        connection.sock.setblocking(True)
        head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (
            status,
            len(body),
        )
        with suppress(OSError):
            connection.sock.sendall(head + body)
        self._close(connection)

    def _close(self, connection: _Connection) -> None:
        connection.ended = True
        with suppress(KeyError, ValueError):
            self._selector.unregister(connection.sock)
        connection.sock.close()


if __name__ == "__main__":
    values = json.loads(sys.argv[1])
    server = _Server(Pace(**values | {"itl_s": tuple(values["itl_s"])}))
    print(server.listener.getsockname()[1], flush=True)
    server.serve()
