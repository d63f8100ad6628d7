"""Connections that another thread can end at any moment: while a name is looked up, while they are made,
through a proxy, through encryption.

What goes wrong on the way is an OSError; `app.engines.http_exchange` has the words for it.
"""

from __future__ import annotations

import errno
import http.client
import os
import selectors
import socket
import ssl
import struct
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.domain.generation import Cancellation
from app.domain.server_address import ServerAddress
from app.engines.proxies import Proxy

STEP_S = 0.02
"""How late a cancel is felt while a connection is being made; afterwards it is felt at once."""

_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK))
_RESET = (1, 0)
_IN_PEACE = (0, 0)


class ProxyRefused(OSError):
    """The system's proxy does not let us through."""


class NoHandshake(TimeoutError):
    """There is a connection, but nobody at its other end begins to encrypt."""


@dataclass(frozen=True, slots=True)
class Channel:
    """An open connection. `handle` is the same one below its encryption, for other threads to end it by."""

    sock: socket.socket
    handle: socket.socket

    def shut(self) -> None:
        """Wake the thread that reads; closing alone would leave it blocked."""
        with suppress(OSError):
            self.handle.shutdown(socket.SHUT_RDWR)

    def close(self, *, in_peace: bool) -> None:
        """Close it. Not `in_peace` tells a server at once that nobody reads on, even one that is blocked
        because it wrote more than was read; it would else wait for a minute (Linux: until FIN_WAIT2 is
        over)."""
        linger(self.handle, _IN_PEACE if in_peace else _RESET)
        self.sock.close()
        self.handle.close()


def linger(sock: socket.socket, on_and_seconds: tuple[int, int]) -> None:
    """What closing does with what was not sent or read."""
    with suppress(OSError):
        layout = "HH" if sys.platform == "win32" else "ii"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, *on_and_seconds))


def connect(
    where: ServerAddress,
    *,
    proxy: Proxy | None,
    trust: ssl.SSLContext | None,
    timeout_s: float,
    cancellation: Cancellation,
) -> Channel:
    """A connection to `where`, by way of `proxy`, encrypted by what `trust` says.

    Raises OSError: ssl.SSLError among them, ConnectionAbortedError once it is cancelled. `cancellation` then
    ends the connection until something else is registered with it.
    """
    deadline = time.monotonic() + timeout_s
    host, port = (proxy.host, proxy.port) if proxy is not None else (where.host, where.port)
    plain = _open(host, port, deadline, cancellation)
    channel = Channel(plain, plain)
    try:
        cancellation.on_cancel(channel.shut)
        plain.settimeout(_left(deadline))
        if proxy is not None and where.tls:
            _tunnel(plain, where, proxy)
        if trust is not None and where.tls:
            channel = Channel(plain, plain.dup())
            cancellation.on_cancel(channel.shut)
            # The handshake apart: whoever waits for it must not hold truststore's lock.
            encrypted = trust.wrap_socket(plain, server_hostname=where.host, do_handshake_on_connect=False)
            channel = Channel(encrypted, channel.handle)
            try:
                encrypted.settimeout(_left(deadline))
                encrypted.do_handshake()
            except TimeoutError as error:
                raise NoHandshake(str(error)) from error
    except BaseException:
        cancellation.on_cancel(None)
        channel.close(in_peace=False)
        raise
    return channel


def _open(host: str, port: int, deadline: float, cancellation: Cancellation) -> socket.socket:
    """A connection to the first of the host's addresses that takes one; each gets its share of the time."""
    found = _look_up(host, port, deadline, cancellation)
    failure: OSError = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    for index, (family, kind, protocol, _, address) in enumerate(found):
        share = time.monotonic() + _left(deadline) / (len(found) - index)
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            _reach(sock, address, share, cancellation)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            linger(sock, _RESET)
        except BaseException as error:
            sock.close()
            if not isinstance(error, OSError) or cancellation.cancelled:
                raise
            failure = error
        else:
            return sock
    raise failure


def _look_up(host: str, port: int, deadline: float, cancellation: Cancellation) -> list[Any]:
    """The addresses of `host`. A resolver cannot be interrupted, so it is left alone on a thread of its
    own."""
    with suppress(socket.gaierror):  # not a number, then
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    outcome: list[Any] = []
    done = threading.Event()

    def ask() -> None:
        try:
            outcome.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            outcome.append(error)
        done.set()

    threading.Thread(target=ask, name="name look-up", daemon=True).start()
    cancellation.on_cancel(done.set)
    done.wait(_left(deadline))
    cancellation.on_cancel(None)
    if not outcome:
        raise _cancelled() if cancellation.cancelled else _timed_out()
    if isinstance(outcome[0], UnicodeError):
        raise socket.gaierror(socket.EAI_NONAME, "not a name") from outcome[0]
    if isinstance(outcome[0], OSError):
        raise outcome[0]
    found: list[Any] = outcome[0]
    return found


def _reach(sock: socket.socket, address: Any, deadline: float, cancellation: Cancellation) -> None:
    status = sock.connect_ex(address)
    if status in _UNDER_WAY:
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_WRITE)
            while not selector.select(min(STEP_S, _left(deadline))):
                if cancellation.cancelled:
                    raise _cancelled()
        status = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if status:
        raise OSError(status, os.strerror(status))


def _tunnel(sock: socket.socket, where: ServerAddress, proxy: Proxy) -> None:
    """Ask the proxy for a connection to `where` (RFC 9110, section 9.3.6)."""
    host = f"[{where.host}]" if ":" in where.host else where.host
    target = f"{host}:{where.port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
    with http.client.HTTPResponse(sock, method="CONNECT") as response:
        try:
            response.begin()
        except http.client.HTTPException as error:
            raise ProxyRefused(str(error)) from error
        if response.status != http.client.OK:
            raise ProxyRefused(f"{response.status} {response.reason}")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _timed_out()
    return left


def _timed_out() -> TimeoutError:
    return TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def _cancelled() -> ConnectionAbortedError:
    return ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
