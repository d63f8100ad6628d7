"""Answers that are not what they should be; that good ones are read is test_hub.py's business."""

import gzip
import json

import pytest

from app.domain.errors import DownloadDamaged, HubError, HubUnreachable, NotOnHub
from app.models import hub_requests
from app.models.hub_requests import get_json, get_range
from tests.unit.models.scripted_server import ScriptedServer, answer

DATA = bytes(range(256)) * 4


def json_of(*answers):
    said = iter(answers)
    with ScriptedServer(lambda *_: next(said)) as server:
        return get_json(server.address, "a/b", token=None, parameters={"x": ["1", "2"]})


def test_json():
    assert json_of(answer(200, b'{"a": [1]}')) == {"a": [1]}
    assert json_of(answer(302, b"", Location="/further"), answer(200, b"[]")) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Please sign in</html>", b"{", b"\xff\xfe{}", b"[" * 100_000, gzip.compress(b"{}"),
     b'{"a": 1}x'],
    ids=range(7),
)  # fmt: skip
def test_what_is_no_json(body):
    with pytest.raises(HubError, match="cannot be understood"):
        json_of(answer(200, body))


def test_a_long_answer_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(hub_requests, "MOST_JSON", 100_000)
    sent = 0

    def without_end(asked, connection):
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while sent < 100_000_000:
            connection.sendall(b" " * 65536)
            sent += 65536

    with ScriptedServer(without_end) as server, pytest.raises(HubError, match="too long"):
        get_json(server.address, "a/b", token=None)
    assert sent < 50_000_000  # what fits into the sockets' buffers


def test_who_sends_a_byte_now_and_then_does_not_keep_us(monkeypatch):
    monkeypatch.setattr(hub_requests, "LONGEST_S", 0.2)

    def slowly(asked, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:  # until the client goes
            connection.sendall(b" ")

    with ScriptedServer(slowly) as server, pytest.raises(HubUnreachable, match="too slowly"):
        get_json(server.address, "a/b", token=None)


@pytest.mark.parametrize("status", [204, 304, 302])
def test_an_answer_without_content(status):
    with pytest.raises(HubError):
        json_of(answer(status))


def part(start, end, size, *, body=None, status=206, **headers):
    said = DATA[start : end + 1] if body is None else body
    return answer(status, said, **({"Content_Range": f"bytes {start}-{end}/{size}"} | headers))


def range_of(said, offset=10, length=20):
    with ScriptedServer(lambda *_: said) as server:
        got = get_range(server.address, "a/b", offset, length, token=None)
        assert [asked.headers["range"] for asked in server.asked] == [f"bytes={offset}-{offset + length - 1}"]
        assert server.asked[0].headers["accept-encoding"] == "identity"
    return got


def test_a_part():
    assert range_of(part(10, 29, 1024)) == (DATA[10:30], 1024)
    assert range_of(part(1020, 1023, 1024), 1020, 100) == (DATA[1020:], 1024)


@pytest.mark.parametrize(
    "said",
    [
        part(11, 30, 1024),
        part(10, 28, 1024),
        part(10, 30, 1024),
        part(10, 29, 29),
        part(10, 9, 1024, body=b""),
        part(0, 1023, 1024),
        part(10, 29, 1024, body=DATA[:19]),
        part(10, 29, 1024, body=DATA[:21]),
        part(10, 29, 1024, Content_Range="bytes 10-29/*"),
        part(10, 29, 1024, Content_Range="bytes */1024"),
        part(10, 29, 1024, Content_Range="bytes 10-29/" + "9" * 30),
        part(10, 29, 1024, Content_Range="lines 10-29/1024"),
        answer(206, DATA[10:30]),
    ],
    ids=range(13),
)
def test_another_part_than_asked_for(said):
    with pytest.raises(DownloadDamaged, match="another part"):
        range_of(said)


def test_a_part_that_breaks_off():
    with pytest.raises(HubUnreachable, match="broke off"):
        range_of(part(10, 29, 1024, body=DATA[10:20], Content_Length="20"))


def test_all_of_a_small_file_will_do():
    assert range_of(answer(200, DATA), 0, 2000) == (DATA, 1024)


@pytest.mark.parametrize("offset", [0, 10])
def test_all_of_a_large_file_is_not_read(offset):
    sent = 0

    def whole(asked, connection):
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n")
        while sent < 4_000_000_000:
            connection.sendall(bytes(65536))
            sent += 65536

    with ScriptedServer(whole) as server, pytest.raises(HubError, match="only gives whole files"):
        get_range(server.address, "a/b", offset, 1000, token=None)
    assert sent < 50_000_000


def test_all_of_a_file_of_unknown_length():
    with pytest.raises(DownloadDamaged):
        range_of(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + DATA, 0, 2000)


def test_statuses_become_their_failures():
    with pytest.raises(NotOnHub):
        range_of(answer(404, X_Error_Code="EntryNotFound"))
    with pytest.raises(DownloadDamaged, match="another file"):
        range_of(answer(416))
    with pytest.raises(NotOnHub):
        json_of(answer(404, json.dumps({"error": "x" * 1000}).encode()))
