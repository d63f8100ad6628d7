"""How this app talks to a hub: one HTTP client with the system's certificates and proxies, and no surprises.

Everything that uses huggingface_hub calls `use_hub` before it imports it: the library reads its environment
once, when it is imported. It takes half a second, so nobody imports it before it is needed.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app import __version__
from app.domain.errors import HubError

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx2

HUB = "https://huggingface.co"

CONNECT_TIMEOUT_S = 15.0
READ_TIMEOUT_S = 20.0
"""Without a byte. A search of the hub takes some seconds at worst."""
MOST_REDIRECTS = 10

CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a file of certificates (OpenSSL's, Requests', curl's). The first one counts."""

_lock = Lock()
_ready = False


def hub_environment() -> dict[str, str]:
    """Variables that huggingface_hub is imported with, whatever a person set.

    Nothing is asked of the hub that nobody asked for (telemetry, updates), and no token is used that
    another program stored (docs: package_reference/environment_variables).
    """
    return {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_EXPERIMENTAL_WARNING": "1",
        "HF_HUB_DISABLE_SYMLINKS_WARNING": "1",
    }


def use_hub() -> None:
    """Import huggingface_hub as this app wants it, and give it our client. Quick from the second call on."""
    global _ready
    with _lock:
        if _ready:
            return
        os.environ.update(hub_environment())
        from huggingface_hub import set_client_factory

        set_client_factory(new_client)
        _ready = True


def hub_endpoint() -> str:
    """The hub's address: huggingface.co, or the mirror that HF_ENDPOINT names.

    Raises HubError where that is no web address.
    """
    endpoint = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or HUB
    try:
        address = urlsplit(endpoint)
        good = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        good = False
    if not good or "?" in endpoint or "#" in endpoint:
        raise HubError(
            "HF_ENDPOINT does not hold a web address. Correct it, or remove it to use the hub itself."
        )
    return endpoint


def hub_headers(token: str | None) -> dict[str, str]:
    """What every request says of us: the app and its version, and `token` where there is one."""
    use_hub()
    from huggingface_hub.utils._headers import build_hf_headers

    return build_hf_headers(token=token or False, library_name="edgewise", library_version=__version__)


def new_client() -> httpx2.Client:
    """A client with bounded patience. Raises HubError when the certificates a person named cannot be read.

    Proxies are the system's, with what NO_PROXY leaves out: httpx2 asks `urllib.request.getproxies`, which
    on Windows reads the registry, and on macOS the system configuration (httpx2/_utils.py).
    """
    import httpx2
    from huggingface_hub.utils._http import hf_request_event_hook  # it has no other name

    return httpx2.Client(
        verify=_trusted_certificates(),
        follow_redirects=True,
        max_redirects=MOST_REDIRECTS,
        timeout=httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        event_hooks={"request": [hf_request_event_hook, _bound_the_wait]},
    )


def _trusted_certificates() -> SSLContext | bool:
    """True is httpx2's own choice: the system's certificates.

    That is `truststore` on Windows and macOS, and on Linux the places where distributions keep them
    (httpcore2/_ssl.py); SSL_CERT_DIR is honoured there, too.
    """
    import ssl

    name = next((name for name in CERTIFICATES if os.environ.get(name)), None)
    if name is None:
        return True
    path = os.environ[name]
    try:
        # REQUESTS_CA_BUNDLE may also name a folder with hashed names.
        where: dict[str, Any] = {"capath": path} if os.path.isdir(path) else {"cafile": path}  # noqa: PTH112
        return ssl.create_default_context(**where)
    except (OSError, ValueError) as error:
        raise HubError(
            f"The certificates that {name} names cannot be read. Correct it, or remove it to use "
            "the system’s.",
            detail=f"{path}: {error}",
        ) from error


def _bound_the_wait(request: httpx2.Request) -> None:
    """huggingface_hub asks for some things without any timeout: those get ours."""
    ours = {
        "connect": CONNECT_TIMEOUT_S,
        "read": READ_TIMEOUT_S,
        "write": READ_TIMEOUT_S,
        "pool": READ_TIMEOUT_S,
    }
    asked = request.extensions.get("timeout") or {}
    request.extensions = {
        **request.extensions,
        "timeout": {key: seconds if asked.get(key) is None else asked[key] for key, seconds in ours.items()},
    }
