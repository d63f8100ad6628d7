"""One request to the page of Edgewise's releases: encrypted, bounded in bytes, in time and in redirects.

It tells that page no more than any request does: no version, no number of this copy, no cookie.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from app.domain.errors import (
    AddressError,
    Cancelled,
    CertificateRefused,
    EngineGone,
    EngineTimeout,
    UpdateUnknown,
)
from app.domain.generation import Cancellation
from app.domain.server_address import ServerAddress

if TYPE_CHECKING:
    from app.engines.http_exchange import Exchange

CONNECT_TIMEOUT_S = 15.0
READ_TIMEOUT_S = 15.0
LONGEST_S = 40.0
"""For all of it; who sends a byte now and then does not keep us."""
MOST_REDIRECTS = 5
"""GitHub, whose releases these addresses follow, needs two."""

_OK, _NOT_FOUND, _TOO_MANY, _SERVERS_FAULT = 200, 404, 429, 500
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ADDRESS = re.compile(r"[!#-;=?-\[\]_a-z~]{1,4096}")
"""ASCII, without spaces and what RFC 3986 has no place for."""
_WHO = "The page of the releases"


def fetch(url: str, most: int, cancellation: Cancellation) -> bytes:
    """What lies at `url`, at most `most` + 1 bytes: one more than `most` says that it is longer.

    Blocks; `cancellation`, which is good for this once, ends it at any moment. Plain HTTP is spoken on this
    computer alone. Raises UpdateUnknown with a sentence, or Cancelled.
    """
    late = threading.Event()

    def give_up() -> None:
        late.set()
        cancellation.cancel()

    timer = threading.Timer(LONGEST_S, give_up)
    timer.daemon = True
    timer.start()
    try:
        body = _follow(url, most, cancellation)
        if cancellation.cancelled:  # a connection that was shut looks like the end of an answer
            raise ConnectionAbortedError(f"after {len(body)} bytes")
        return body
    except (EngineGone, OSError) as error:
        if late.is_set():
            raise _too_late(error) from error
        if cancellation.cancelled:
            raise Cancelled("The look for a newer version was stopped.") from error
        raise _explained(error) from error
    finally:
        timer.cancel()


def _follow(url: str, most: int, cancellation: Cancellation) -> bytes:
    on_this_computer = _is_plain_and_here(url)
    for _ in range(MOST_REDIRECTS + 1):
        where, path = _target(url, on_this_computer=on_this_computer)
        with _ask(where, path, cancellation) as exchange:
            if exchange.status == _OK:
                if exchange.is_compressed:  # what a few bytes unpack to would have no bound
                    raise UpdateUnknown(f"{_WHO} gives a compressed answer, which was not asked for.")
                return exchange.read_all(most + 1)
            if exchange.status not in _REDIRECTS:
                raise _refused(exchange.status, where)
            try:
                url = urljoin(url, exchange.location)
            except ValueError:
                raise _no_address(exchange.location) from None
    raise UpdateUnknown(f"{_WHO} sends the request in circles. Check the proxy, or try again later.")


def _ask(where: ServerAddress, path: str, cancellation: Cancellation) -> Exchange:
    from app.engines.address import Address
    from app.engines.http_exchange import Request, Wire

    wire = Wire(Address.of(where, ca_file=None, server=_WHO), connect_timeout_s=CONNECT_TIMEOUT_S)
    headers = {"User-Agent": "Edgewise", "Accept": "application/json", "Accept-Encoding": "identity"}
    return wire.send(Request(path, headers), cancellation, first_byte_timeout_s=READ_TIMEOUT_S)


def _target(url: str, *, on_this_computer: bool) -> tuple[ServerAddress, str]:
    """Whom to ask, and for what. Raises UpdateUnknown unless that is encrypted or stays on this computer."""
    if not _ADDRESS.fullmatch(url):
        raise _no_address(url)
    try:
        parts = urlsplit(url)
        where = ServerAddress.parse(f"{parts.scheme}://{parts.netloc}")
    except (ValueError, AddressError):
        raise _no_address(url) from None
    if not where.tls and (where.remote or not on_this_computer):
        raise UpdateUnknown(
            f"{_WHO} leads to an address that is not encrypted, so nothing was read from there.", detail=url
        )
    return where, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _is_plain_and_here(url: str) -> bool:
    """Whether all of this takes place on this computer, as in tests."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and not ServerAddress.parse(f"http://{parts.netloc}").remote
    except (ValueError, AddressError):
        return False


def _no_address(url: str) -> UpdateUnknown:
    return UpdateUnknown(f"{_WHO} leads to something that is no web address.", detail=url[:500])


def _refused(status: int, where: ServerAddress) -> UpdateUnknown:
    detail = f"HTTP {status} from {where.host}"
    if status == _NOT_FOUND:
        return UpdateUnknown("No release is announced where this copy looks for it.", detail=detail)
    if status == _TOO_MANY or status >= _SERVERS_FAULT:
        return UpdateUnknown(f"{_WHO} has trouble of its own. Try again later.", detail=detail)
    return UpdateUnknown(f"{_WHO} refused to answer (status {status}). Try again later.", detail=detail)


def _too_late(error: Exception) -> UpdateUnknown:
    return UpdateUnknown(
        f"{_WHO} did not answer in time. Check the connection, or try again later.", detail=str(error)
    )


def _explained(error: EngineGone | OSError) -> UpdateUnknown:
    detail = (
        f"{error}\n{error.detail}" if isinstance(error, EngineGone) else f"{type(error).__name__}: {error}"
    )
    if isinstance(error, CertificateRefused):
        return UpdateUnknown(
            f"{_WHO} could not prove that it is what it says, so nothing was read. If a proxy of your "
            "company reads along, install its certificate in the system. Check this computer’s date, too.",
            detail=detail,
        )
    if isinstance(error, TimeoutError | EngineTimeout):
        return _too_late(error)
    if isinstance(error, EngineGone):
        return UpdateUnknown(
            f"{_WHO} could not be reached. Check the internet connection and the proxy, or try again later.",
            detail=detail,
        )
    return UpdateUnknown(f"The answer of {_WHO[0].lower()}{_WHO[1:]} broke off. Try again.", detail=detail)
