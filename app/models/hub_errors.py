"""Turns what huggingface_hub and its HTTP client report into failures that a person can act on.

What statuses and headers of the hub mean: huggingface_hub.utils._http.hf_raise_for_status.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.domain.errors import (
    AccessDenied,
    DownloadDamaged,
    HubBusy,
    HubError,
    HubUnreachable,
    NotOnHub,
    Offline,
    TokenRefused,
)
from app.models.hub_paths import is_repository
from app.models.hub_session import use_hub

if TYPE_CHECKING:
    import ssl

LONGEST_WAIT_S = 24 * 3600.0
"""More than this no hub may ask of us."""
_LONGEST_CHAIN = 16
_LONGEST_DETAIL = 2000

# What must reach neither a log nor a window: tokens, passwords and signatures in addresses.
_SECRETS = (
    (re.compile(r"\bhf_[A-Za-z0-9_]{4,}"), "hf_…"),
    (re.compile(r"(?i)\bbearer\s+[^\s'\"]+"), "Bearer …"),
    (re.compile(r"//[^/@\s'\"]+@"), "//…@"),
    (re.compile(r"(https?://[^\s'\"?]+)\?[^\s'\"]+"), r"\1?…"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What of a server's answer says why it is not the one wanted."""

    status: int
    headers: Mapping[str, str]
    url: str
    with_token: bool


def explain(error: BaseException, what: str) -> HubError:
    """The failure to raise where asking the hub for `what` ended with `error`.

    `what` is the repository, or else words that fit into a sentence. An error that is not the network's
    or the hub's is raised again: it is a bug, or a full disk.
    """
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, HubError):
            return link
        answer = _answer_of(link)
        if answer is not None:
            return explain_answer(answer, what)
    for link in chain:
        found = _explain_network(link, without_secrets(f"{type(error).__name__}: {error}"))
        if found is not None:
            return found
    raise error


def explain_answer(answer: Answer, what: str) -> HubError:
    """The failure to raise for an answer with an error's status."""
    code = answer.headers.get("X-Error-Code", "")
    said = answer.headers.get("X-Error-Message", "")
    address = urlsplit(answer.url)
    detail = without_secrets(
        f"HTTP {answer.status} from {address.hostname}{address.path} {code} {said}".strip()
    )
    if answer.status in (429, 503) or answer.status in (408, 500, 502, 504):
        return _explain_busy(answer, detail)
    if answer.status == 407:
        return _proxy_trouble(detail)
    if answer.status == 403 and not _is_of_the_hub(address.path):
        return HubUnreachable(
            "The link that the hub gave is no longer valid. Trying again gets a new one.", detail=detail
        )
    if answer.status in (401, 403):
        return _explain_denied(answer, code, said, what, detail)
    if answer.status in (404, 410, 451):
        return NotOnHub(_missing(code, what, answer.status), detail=detail)
    if answer.status == 416:
        return DownloadDamaged(
            f"The hub has another file than it announced for {what}. Download it again.", detail=detail
        )
    if answer.status < 400:
        return HubUnreachable(
            "The hub’s answer leads somewhere else and does not arrive. Check HF_ENDPOINT and the proxy.",
            detail=detail,
        )
    return HubError(f"The hub refused to give {what} (status {answer.status}).", detail=detail)


def without_secrets(text: str) -> str:
    """`text`, shortened, without tokens, passwords and the signatures of links."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text[:_LONGEST_DETAIL]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, at most `LONGEST_WAIT_S`; None where it does not say.

    Retry-After holds seconds or a date (RFC 9110, 10.2.3); the hub also sends RateLimit: "api";r=0;t=55.
    """
    value = headers.get("Retry-After", "").strip()
    limit = re.search(r";\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d{1,9})\b", headers.get("RateLimit", ""))
    if value.isascii() and value.isdigit():
        seconds = float(value[:12])
    elif value:
        from email.utils import parsedate_to_datetime  # and with it half of the e-mail package

        try:
            until = parsedate_to_datetime(value)
        except (ValueError, OverflowError):  # a year of twenty digits is the latter
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        seconds = (until - datetime.now(UTC)).total_seconds()
    elif limit is not None:
        seconds = float(limit[1])
    else:
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def _chain(error: BaseException, *, contexts: bool = False) -> Iterator[BaseException]:
    """`error` and what it was raised from, the outermost first; with `contexts` also while handling what."""
    link: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if link is None:
            return
        yield link
        link = link.__cause__ or (link.__context__ if contexts else None)


def _answer_of(error: BaseException) -> Answer | None:
    # Errors of huggingface_hub and of httpx2 that come from a server's answer carry it.
    response: Any = getattr(error, "response", None)
    if response is None or not isinstance(getattr(response, "status_code", None), int):
        return None
    return Answer(
        response.status_code,
        response.headers,
        str(response.url),
        # A redirect to another host drops the token: the first request tells whether there was one.
        "authorization" in (response.history or [response])[0].request.headers,
    )


def _explain_network(error: BaseException, detail: str) -> HubError | None:
    use_hub()
    import socket
    import ssl

    import httpx2
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        return Offline(
            "HF_HUB_OFFLINE is set where Edgewise was started, so nothing was asked of the hub.",
            detail=detail,
        )
    # The innermost cause says most; httpx2 wraps it, in classes that only say at which step it happened.
    if isinstance(error, httpx2.TransportError):
        for link in _chain(error, contexts=True):
            if isinstance(link, ssl.SSLError):
                return _certificate_trouble(link, detail)
            if isinstance(link, socket.gaierror):
                return HubUnreachable(
                    "The hub’s address could not be found. Check the internet connection, and HF_ENDPOINT "
                    "and the proxy if you set them.",
                    detail=detail,
                )
    if isinstance(error, httpx2.ProxyError):
        return _proxy_trouble(detail)
    if isinstance(error, httpx2.TooManyRedirects):
        return HubUnreachable(
            "The hub sends the request in circles. Check HF_ENDPOINT and the proxy, or try again later.",
            detail=detail,
        )
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return HubUnreachable("The hub’s address is not a web address. Check HF_ENDPOINT.", detail=detail)
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return HubUnreachable(
            "The hub did not answer in time. Check the connection, or try again later.", detail=detail
        )
    if isinstance(error, httpx2.ConnectError):
        return HubUnreachable(
            "The hub could not be reached. Check the internet connection and the proxy, or try again later.",
            detail=detail,
        )
    if isinstance(error, httpx2.RequestError | errors.XetDownloadError | ConnectionError):
        return HubUnreachable("The hub’s answer broke off. Try again.", detail=detail)
    if isinstance(error, errors.FileMetadataError):
        return HubUnreachable(
            "The hub’s answer lacks what a download needs. Check HF_ENDPOINT and the proxy, or try again.",
            detail=detail,
        )
    if isinstance(error, errors.HFValidationError):
        return NotOnHub("This is not the name of a repository on the hub.", detail=detail)
    return None


def _explain_busy(answer: Answer, detail: str) -> HubError:
    wait = retry_after(answer.headers)
    if answer.status == 429 or (answer.status == 503 and wait is not None):
        when = "in a few minutes" if wait is None else f"in {_in_words(wait)}"
        return HubBusy(
            f"The hub asks to wait: it had too many requests. Try again {when}.",
            retry_after_s=wait,
            detail=detail,
        )
    return HubUnreachable("The hub has trouble of its own. Try again later.", detail=detail)


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"


def _explain_denied(answer: Answer, code: str, said: str, what: str, detail: str) -> HubError:
    if "disabled" in said.lower():
        return NotOnHub(f"The hub has disabled {what}.", detail=detail)
    if code == "RepoNotFound":
        # The hub does not tell strangers whether a private repository exists.
        return NotOnHub(_missing(code, what, 404), detail=detail)
    where = f" on its page: {page_of(what, answer.url)}" if is_repository(what) and "/" in what else ""
    if not answer.with_token:
        return AccessDenied(
            f"{what} is only given to accounts that were granted access. Ask for it{where or ' there'}, then "
            "enter your access token.",
            detail=detail,
        )
    if answer.status == 401 and code != "GatedRepo":
        return TokenRefused(
            "The hub does not accept the access token: it may be mistyped, expired or withdrawn. Enter "
            "another one.",
            detail=detail,
        )
    return AccessDenied(
        f"The account of your access token was not granted access to {what}, or the token does not allow "
        f"reading it. Ask for access{where or ' there'}.",
        detail=detail,
    )


def page_of(repository: str, url: str) -> str:
    """Where a person reads about `repository`: on the server of `url`."""
    address = urlsplit(url)
    port = f":{address.port}" if address.port else ""
    return f"{address.scheme}://{address.hostname}{port}/{repository}"


def _missing(code: str, what: str, status: int) -> str:
    if status == 451:
        return f"The hub may not give {what} for legal reasons."
    if code == "RevisionNotFound":
        return f"The hub no longer has this version of {what}. Look it up again."
    if code == "EntryNotFound":
        return f"The hub no longer has this file of {what}. Look it up again."
    return f"There is no {what} on the hub, or it is private. Check the name; for a private one, your token."


def _is_of_the_hub(path: str) -> bool:
    """Whether the hub itself answers at `path`. It sends downloads on to a storage, by links that expire."""
    return "/resolve/" in path or "/api/" in path


def _proxy_trouble(detail: str) -> HubUnreachable:
    return HubUnreachable(
        "The proxy did not let the request through. Check the system’s proxy settings (HTTPS_PROXY), and the "
        "name and password in them.",
        detail=detail,
    )


def _certificate_trouble(error: ssl.SSLError, detail: str) -> HubUnreachable:
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return HubUnreachable(
            "The hub’s certificate is not trusted here. If a proxy of your company reads along, install its "
            "certificate in the system, or name its file in SSL_CERT_FILE. Check the computer’s date, too.",
            detail=detail,
        )
    return HubUnreachable(
        "The encrypted connection to the hub failed. A proxy may stand between, or the address is not one "
        "for https: check HTTPS_PROXY and HF_ENDPOINT.",
        detail=detail,
    )
