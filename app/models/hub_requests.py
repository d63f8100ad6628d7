"""Requests to a hub whose answers are bounded: in bytes, in redirects, and in the time they may take.

huggingface_hub's own methods read an answer whole however long it is, wait as long as a busy hub asks them
to, and believe what they read; so its client, headers and addresses are used here, not those methods.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.domain.errors import DownloadDamaged, HubError, HubUnreachable
from app.models.hub_answers import not_understood
from app.models.hub_errors import Answer, explain, explain_answer
from app.models.hub_session import hub_headers, use_hub

if TYPE_CHECKING:
    import httpx2

MOST_JSON = 16 * 1024 * 1024
"""Bytes. The listing of a repository with 10,000 files has some 3 MB."""
LONGEST_S = 60.0
"""For one answer; who sends a byte now and then does not keep us."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")

Parameters = Mapping[str, str | int | bool | Sequence[str]]


def get_json(url: str, what: str, *, token: str | None, parameters: Parameters | None = None) -> object:
    """The JSON at `url`; `what` is being asked for, in a person's words. Raises HubError."""
    with _stream(url, what, token, parameters=parameters) as response:
        if response.status_code != 200:
            raise explain_answer(_answer(response), what)
        body = _read(response, MOST_JSON)
        if len(body) > MOST_JSON:
            raise HubError(
                f"The hub’s answer about {what} is too long to be right.", detail=f"over {MOST_JSON} bytes"
            )
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise not_understood(f"{response.headers.get('Content-Type', '')}: {error}") from error


def get_range(url: str, what: str, offset: int, length: int, *, token: str | None) -> tuple[bytes, int]:
    """`length` bytes (fewer only at the end) from `offset` of the file at `url`, and the whole file's size.

    Raises HubError. An answer with all of the file is cut off, unless it is no longer than what was wanted.
    """
    last = offset + length - 1
    with _stream(url, what, token, headers={"Range": f"bytes={offset}-{last}"}) as response:
        if response.status_code == 206:
            start, end, size = _content_range(response)
            if start != offset or not start <= end < size or end != min(last, size - 1):
                raise _wrong_part(f"asked for {offset}-{last}, got {start}-{end}/{size}")
            wanted = end - start + 1
        elif response.status_code == 200:
            wanted = size = _content_length(response)
            if offset or size > length:
                raise HubError(
                    "This hub only gives whole files, so nothing can be said of a model before it is "
                    "downloaded.",
                    detail=f"status 200 for a range, {size} bytes",
                )
        else:
            raise explain_answer(_answer(response), what)
        data = _read(response, wanted)
    if len(data) != wanted:
        raise _wrong_part(f"{len(data)} instead of {wanted} bytes")
    return data, size


@contextmanager
def _stream(
    url: str,
    what: str,
    token: str | None,
    *,
    parameters: Parameters | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[httpx2.Response]:
    use_hub()
    from huggingface_hub import get_session

    # Uncompressed: what a few bytes unpack to would have no bound.
    asked = {**hub_headers(token), "Accept-Encoding": "identity", **(headers or {})}
    try:
        with get_session().stream("GET", url, params=parameters, headers=asked) as response:
            yield response
    except HubError:
        raise
    except Exception as error:
        raise explain(error, what) from error


def _read(response: httpx2.Response, most: int) -> bytes:
    """The answer's body; one byte more than `most`, if it has more."""
    deadline = time.monotonic() + LONGEST_S
    body = bytearray()
    for piece in response.iter_raw():
        body += piece[: most + 1 - len(body)]
        if len(body) > most:
            break
        if time.monotonic() > deadline:
            raise HubUnreachable(
                "The hub answers too slowly. Check the connection, or try again later.",
                detail=f"{len(body)} bytes in {LONGEST_S:.0f} s",
            )
    return bytes(body)


def _answer(response: httpx2.Response) -> Answer:
    first = (response.history or [response])[0]
    return Answer(
        response.status_code, response.headers, str(response.url), "authorization" in first.request.headers
    )


def _content_range(response: httpx2.Response) -> tuple[int, int, int]:
    told = response.headers.get("Content-Range", "")
    match = _CONTENT_RANGE.fullmatch(told.strip())
    if match is None:
        raise _wrong_part(f"Content-Range: {told[:100]}")
    return int(match[1]), int(match[2]), int(match[3])


def _content_length(response: httpx2.Response) -> int:
    told = response.headers.get("Content-Length", "")
    if not re.fullmatch(r"\d{1,18}", told):
        raise _wrong_part(f"Content-Length: {told[:100]}")
    return int(told)


def _wrong_part(detail: str) -> DownloadDamaged:
    return DownloadDamaged(
        "The hub sent another part of the file than was asked for. Try again.", detail=detail
    )
