"""The one request to the releases' page: bounded, encrypted, and told in a sentence when it fails."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from app.domain.errors import Cancelled, UpdateUnknown
from app.domain.generation import Cancellation
from app.services import release_page
from app.services.release_page import fetch
from tests.certificates import Authority, TlsTerminator
from tests.release_server import ReleaseServer, gives

MOST = 1000


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with ReleaseServer() as server:
        yield server


def get(url: str) -> bytes:
    return fetch(url, MOST, Cancellation())


def test_one_request_is_made_and_tells_nothing_of_this_copy(server: ReleaseServer) -> None:
    server.answers["/a"] = gives(b"found")
    assert get(f"{server.origin}/a") == b"found"
    ((path, headers),) = server.asked
    assert path == "/a"
    assert headers == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": "Edgewise",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }


def test_no_more_is_read_than_was_asked_for(server: ReleaseServer) -> None:
    server.answers["/a"] = gives(b"x" * 10_000_000)
    assert len(get(f"{server.origin}/a")) == MOST + 1


def test_redirects_are_followed_as_a_page_of_releases_gives_them(server: ReleaseServer) -> None:
    server.answers["/a"] = gives(b"", 302, Location="/b?sig=1%2B2&x=y")
    server.answers["/b?sig=1%2B2&x=y"] = gives(b"", 307, Location=f"{server.origin}/c")
    server.answers["/c"] = gives(b"found")
    assert get(f"{server.origin}/a") == b"found"


def test_redirects_in_circles_end(server: ReleaseServer) -> None:
    server.answers["/a"] = gives(b"", 302, Location="/a")
    with pytest.raises(UpdateUnknown, match="in circles"):
        get(f"{server.origin}/a")
    assert len(server.asked) == release_page.MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("http://example.org/release.json", "not encrypted"),
        ("http://10.0.0.1/", "not encrypted"),
        ("file:///etc/passwd", "no web address"),
        ("ftp://127.0.0.1/", "no web address"),
        ("https://user:secret@example.org/", "no web address"),
        ("https://[::1", "no web address"),
        ("https://exa mple.org/", "no web address"),
    ],
)
def test_a_redirect_elsewhere_is_not_followed(server: ReleaseServer, location: str, sentence: str) -> None:
    server.answers["/a"] = gives(b"", 302, Location=location)
    with pytest.raises(UpdateUnknown, match=sentence):
        get(f"{server.origin}/a")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "url", ["http://example.org/a", "ftp://example.org/", "example.org", "", "https://a b/"]
)
def test_an_address_that_is_not_encrypted_is_never_asked(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(release_page, "_ask", lambda *_: pytest.fail("somebody was asked"))
    with pytest.raises(UpdateUnknown, match=r"not encrypted|no web address"):
        get(url)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (404, "No release is announced"),
        (429, "trouble of its own"),
        (503, "trouble of its own"),
        (403, r"refused to answer \(status 403\)"),
        (304, r"refused to answer \(status 304\)"),
    ],
)
def test_a_refusal_is_a_sentence(server: ReleaseServer, status: int, sentence: str) -> None:
    server.answers["/a"] = gives(b"", status)
    with pytest.raises(UpdateUnknown, match=sentence):
        get(f"{server.origin}/a")


def test_a_compressed_answer_is_refused(server: ReleaseServer) -> None:
    server.answers["/a"] = gives(b"\x1f\x8b", Content_Encoding="gzip")
    with pytest.raises(UpdateUnknown, match="compressed"):
        get(f"{server.origin}/a")


def test_nobody_there_is_a_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UpdateUnknown, match="could not be reached"):
        get(f"http://127.0.0.1:{port}/a")


def test_a_name_that_nobody_has_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UpdateUnknown, match="could not be reached"):
        get("https://releases.invalid/a")


def test_a_broken_answer_is_a_sentence(server: ReleaseServer) -> None:
    def break_off(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"not HTTP at all\r\n\r\n")

    server.answers["/a"] = break_off
    with pytest.raises(UpdateUnknown, match="the page of the releases broke off"):
        get(f"{server.origin}/a")


@pytest.mark.parametrize("part", ["headers", "body"])
def test_who_answers_drop_by_drop_does_not_keep_us(
    server: ReleaseServer, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(release_page, "LONGEST_S", 0.5)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if part == "body" else b""))
        while not server.closing.wait(0.05):
            handler.wfile.write(b"X" if part == "body" else b"X-A: b\r\n")
            handler.wfile.flush()

    server.answers["/a"] = drip
    began = time.monotonic()
    with pytest.raises(UpdateUnknown, match="did not answer in time"):
        get(f"{server.origin}/a")
    assert time.monotonic() - began < 30


def test_it_can_be_stopped_while_nobody_answers(server: ReleaseServer) -> None:
    asked = threading.Event()

    def keep_silent(_: BaseHTTPRequestHandler) -> None:
        asked.set()
        server.closing.wait(30)

    server.answers["/a"] = keep_silent
    cancellation = Cancellation()

    def cancel() -> None:
        asked.wait(30)
        cancellation.cancel()

    threading.Thread(target=cancel).start()
    with pytest.raises(Cancelled):
        fetch(f"{server.origin}/a", MOST, cancellation)


def test_a_certificate_that_this_computer_does_not_know_is_refused(
    server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    server.answers["/a"] = gives(b"found")
    with TlsTerminator(authority.server(), server.port) as tls:
        url = f"https://localhost:{tls.port}/a"
        with pytest.raises(UpdateUnknown, match="could not prove"):
            get(url)
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
        assert get(url) == b"found"


def test_an_encrypted_page_does_not_lead_to_a_plain_one(
    server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    server.answers["/a"] = gives(b"", 302, Location=f"{server.origin}/b")
    with (
        TlsTerminator(authority.server(), server.port) as tls,
        pytest.raises(UpdateUnknown, match="not encrypted"),
    ):
        get(f"https://localhost:{tls.port}/a")
    assert [path for path, _ in server.asked] == ["/a"]
