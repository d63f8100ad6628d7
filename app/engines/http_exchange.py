"""One HTTP request and its answer, on a connection of its own, so that closing it is all that a cancel takes.

What is sent and what is believed is kept small: no redirect is followed (a key goes to no other address than
the one it was given for), no compressed answer is taken, and no answer is longer than its reader allows.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.errors import CertificateRefused, EngineGone, ServerUnreachable
from app.domain.generation import Cancellation
from app.engines.address import Address
from app.engines.certificates import explain, trust
from app.engines.connecting import Channel, NoHandshake, ProxyRefused, connect
from app.engines.proxies import proxy_for


class AnswerBroken(OSError):
    """The answer is not HTTP, or ends before it should."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. `path` begins at the server's root; `body` None makes it a GET."""

    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Wire:
    """Opens connections to one address. Any thread may call; what it trusts is read once."""

    def __init__(self, address: Address, *, connect_timeout_s: float) -> None:
        self._address = address
        self._connect_timeout_s = connect_timeout_s
        self._trust: ssl.SSLContext | None = None

    def send(self, request: Request, cancellation: Cancellation, *, first_byte_timeout_s: float) -> Exchange:
        """Send `request` and wait for the beginning of the answer, at most so many seconds between two bytes.

        Raises EngineGone (ServerUnreachable, CertificateRefused) where there is no connection, else OSError.
        Whoever calls has to close what comes back; until then `cancellation` ends it.
        """
        channel = self._connect(cancellation)
        try:
            channel.sock.settimeout(first_byte_timeout_s)
            return Exchange(channel, self._response(channel, request), cancellation)
        except BaseException as error:
            cancellation.on_cancel(None)
            channel.close(in_peace=False)
            if isinstance(error, http.client.HTTPException):
                raise AnswerBroken(f"{type(error).__name__}: {error}"[:500]) from error
            raise

    def _connect(self, cancellation: Cancellation) -> Channel:
        address = self._address
        where = address.where
        if where.tls and self._trust is None:
            self._trust = trust(address.ca_file)
        try:
            return connect(
                where,
                proxy=proxy_for(where),
                trust=self._trust,
                timeout_s=self._connect_timeout_s,
                cancellation=cancellation,
            )
        except OSError as error:
            raise _unreachable(address, error) from error

    def _response(self, channel: Channel, request: Request) -> http.client.HTTPResponse:
        where = self._address.where
        proxy = None if where.tls else proxy_for(where)
        headers = dict(request.headers)
        target = request.path
        if proxy is not None:
            target = where.origin + target
            if proxy.authorization:
                headers["Proxy-Authorization"] = proxy.authorization
        connection = http.client.HTTPConnection(where.host, where.port)
        connection.default_port = http.client.HTTPS_PORT if where.tls else http.client.HTTP_PORT
        connection.sock = channel.sock
        method = "GET" if request.body is None else "POST"
        connection.request(method, target, body=request.body, headers=headers)
        response = connection.getresponse()
        connection.sock = None  # it is ours to close
        return response


class Exchange:
    """The answer to a request. Close it, by `with`, on the thread that reads it."""

    def __init__(
        self, channel: Channel, response: http.client.HTTPResponse, cancellation: Cancellation
    ) -> None:
        self._channel = channel
        self._response = response
        self._cancellation = cancellation
        self._in_peace = False
        self.status = response.status
        self.content_type = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        self.location = response.getheader("Location") or ""
        self.is_compressed = (response.getheader("Content-Encoding") or "identity").lower() != "identity"

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> bytes:
        """The next piece as it comes; empty at the end. Raises OSError."""
        if self._cancellation.cancelled:  # what came before may be megabytes: nobody wants them any more
            raise AnswerBroken("cancelled")
        try:
            return self._response.read1(65536)
        except http.client.HTTPException as error:
            raise AnswerBroken(f"{type(error).__name__}: {error}"[:500]) from error

    def read_all(self, at_most: int) -> bytes:
        """All of the answer, cut off after `at_most` bytes. Raises OSError."""
        pieces: list[bytes] = []
        length = 0
        while length < at_most and (piece := self.read()):
            pieces.append(piece)
            length += len(piece)
        return b"".join(pieces)[:at_most]

    def wait_at_most(self, seconds: float) -> None:
        """How long to wait for each further piece."""
        self._channel.sock.settimeout(seconds)

    def is_whole(self) -> None:
        """All was read that was wanted: the connection may end in peace."""
        self._in_peace = True

    def close(self) -> None:
        """End the connection."""
        self._cancellation.on_cancel(None)
        self._response.close()
        self._channel.close(in_peace=self._in_peace)


def _unreachable(address: Address, error: OSError) -> EngineGone:
    detail = str(error)
    if not address.server:
        return EngineGone("The engine does not answer. It may have stopped.", detail=detail)
    who, where = address.server, address.where
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return explain(error, where.host, who)
    if isinstance(error, socket.gaierror):
        return ServerUnreachable(
            f"{who} was not found: there is no computer named {where.host}, or this one is not in its"
            " network. Check the address, the network and the VPN.",
            detail=detail,
        )
    if isinstance(error, ProxyRefused):
        return ServerUnreachable(
            f"The system’s proxy gives no connection to {who} ({detail}). Add {where.host} to the addresses"
            " that need no proxy (NO_PROXY), or ask whoever runs the proxy.",
            detail=detail,
        )
    if isinstance(error, ConnectionRefusedError):
        return ServerUnreachable(
            f"{who} is not running: {where.host} takes no connections on port {where.port}. Start it there,"
            " or check the port.",
            detail=detail,
        )
    if isinstance(error, NoHandshake):
        return CertificateRefused(
            f"{who} takes connections, but does not answer to encryption. If it does not encrypt on this"
            " port, begin its address with http://.",
            detail=detail,
        )
    if isinstance(error, TimeoutError):
        return ServerUnreachable(
            f"{who} does not answer: nothing came from {where.host}, port {where.port}. Check that it runs,"
            " and that no firewall is in between.",
            detail=detail,
        )
    if where.tls and isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return CertificateRefused(
            f"{who} hung up when encryption was to begin. It may not encrypt on this port, or want to know"
            " who you are by a certificate, which Edgewise cannot do.",
            detail=detail,
        )
    return ServerUnreachable(
        f"{who} cannot be reached at {where.host}, port {where.port}. Check the address and the network.",
        detail=detail,
    )
