"""Where a server's OpenAI API begins, as a person types it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from app.domain.errors import AddressError

API_PATH = "/v1"
"""Where OpenAI's API begins on every server known; assumed where an address has no path."""
LONGEST = 2048

_PASTED = re.compile(r"/(?:chat/completions|completions|models)/?$")
"""People copy an address together with one of its endpoints."""
_VERSION = re.compile(r"/v\d+\w*$")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """An address without any secret in it. `path` has no slash at its end; `tls` says that it is
    encrypted."""

    host: str
    port: int
    tls: bool = False
    path: str = API_PATH

    @classmethod
    def parse(cls, text: str) -> ServerAddress:
        """The address that `text` holds. Raises AddressError, whose message never repeats what was typed."""
        text = text.strip()
        if "://" not in text and _is_loopback(_host_of(text)):
            text = f"http://{text}"
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise _no_address() from None
        if parts.scheme not in ("http", "https") or not host or port == 0 or len(text) > LONGEST:
            raise _no_address()
        if parts.username is not None or parts.password is not None:
            raise AddressError(
                "An address must not hold a name or a password: it is stored and shown. Enter the key apart"
                " from it."
            )
        if parts.query or parts.fragment:
            raise AddressError("An address ends before its “?” or “#”. Leave out what follows.")
        if not _is_host(host):
            raise _no_address()
        tls = parts.scheme == "https"
        path = _PASTED.sub("", quote(parts.path, safe="/%:@!$&'()*+,;=~")).rstrip("/")
        return cls(host, port or (443 if tls else 80), tls, path or API_PATH)

    @property
    def url(self) -> str:
        """As it is stored and shown."""
        return f"{self.origin}{self.path}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, the last only where it is not the usual one."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port as HTTP writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def root(self) -> str:
        """The path that a server's own endpoints begin with: `path` without the version of OpenAI's API."""
        return _VERSION.sub("", self.path)

    @property
    def has_version(self) -> bool:
        """Whether the path ends with a version, such as /v1."""
        return _VERSION.search(self.path) is not None

    @property
    def remote(self) -> bool:
        """Whether what is sent leaves this computer. A name of which that is not sure counts as another's."""
        return not _is_loopback(self.host)

    @property
    def readable_by_others(self) -> bool:
        """Whether anybody on the network between can read what is sent, the key included."""
        return self.remote and not self.tls


def _no_address() -> AddressError:
    return AddressError(
        "This is not the address of a server. One looks like https://gpu.example.org:8000/v1."
    )


def _host_of(text: str) -> str:
    """The host of an address without a scheme."""
    host = re.split(r"[/?#]", text, maxsplit=1)[0]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(host: str) -> bool:
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = number.ipv4_mapped if isinstance(number, ipaddress.IPv6Address) else None
    return (mapped or number).is_loopback


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            name = host.encode("idna").decode("ascii")
        except UnicodeError:
            return False
        return re.fullmatch(r"[\w.-]{1,253}", name) is not None
    return True
