"""The system's proxies: for servers on other computers alone, never on the way to this one."""

from __future__ import annotations

import base64
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from app.domain.errors import ServerUnreachable
from app.domain.server_address import ServerAddress


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. `authorization` is a header's value, empty for none; it is in no repr."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)


def proxy_for(where: ServerAddress) -> Proxy | None:
    """The proxy that the system wants used on the way to `where`; None for none.

    As urllib has it: variables such as HTTPS_PROXY and NO_PROXY first, else the settings of Windows and
    macOS. Raises ServerUnreachable for a proxy of a kind that is not spoken here.
    """
    if not where.remote or urllib.request.proxy_bypass(where.host):
        return None
    proxies = urllib.request.getproxies()
    text = proxies.get("https" if where.tls else "http") or proxies.get("all")
    if not text:
        return None
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if parts.scheme != "http" or not host:
        raise ServerUnreachable(
            "The system’s proxy is not one of plain HTTP, the kind that Edgewise can use. Add"
            f" {where.host} to the addresses that need no proxy (NO_PROXY), or set another proxy."
        )
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    login = base64.b64encode(f"{name}:{password}".encode()).decode() if name else ""
    return Proxy(host, port, f"Basic {login}" if login else "")
