"""What a release says of itself, and what of it is believed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import __version__
from app.domain.announcement import Announcement, Installed, announcement_address
from app.domain.update import (
    LONGEST_NOTE_LINE,
    MOST_BYTES,
    MOST_FILES,
    MOST_NOTE_LINES,
    is_newer,
    read_announcement,
)
from tests.release_server import announced

HOME = "https://example.org/owner/edgewise/releases"


def read(**values: object) -> Announcement:
    return read_announcement(json.dumps(announced(HOME, **values)).encode(), HOME)


def test_what_a_release_says_is_read() -> None:
    found = read()
    assert (found.version, found.day) == ("9.9.0", date(2026, 12, 1))
    assert found.notes == "Chats open faster.\nModels may lie on another disk."
    assert found.page == f"{HOME}/tag/v9.9.0"
    assert len(found.files) == 6
    assert announcement_address(HOME) == f"{HOME}/latest/download/release.json"


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0.1.0", "0.1.1"),
        ("0.9.0", "0.10.0"),
        ("1.99.99", "2.0.0"),
        ("0.2.0rc1", "0.2.0"),
        ("0.2.0a9", "0.2.0b1"),
        ("0.2.0.dev3", "0.2.0a1"),
        ("0.1.9", "0.2.0.dev1"),
        ("0.2.0rc1", "0.2.0rc2"),
    ],
)
def test_versions_are_ordered_as_numbers(older: str, newer: str) -> None:
    assert is_newer(newer, older)
    assert not is_newer(older, newer)
    assert not is_newer(newer, newer)


def test_our_own_version_is_one() -> None:
    assert is_newer("999999.0.0", __version__)


@pytest.mark.parametrize(
    "version",
    ["", "1", "1.2", "v1.2.3", "1.2.3.4", "1.2.3 ", "1.2.3\n", "1.2.-3", "1.2.1e3", "1.2.x", "١.٢.٣",
     "1.2.3+a",
     "1.2." + "9" * 7, "<b>9.9.9</b>"],
)  # fmt: skip
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="version"):
        read(version=version)


@pytest.mark.parametrize(
    "page",
    [
        "https://example.org/owner/edgewise/other",
        "https://example.org/owner/edgewise/releases.evil.org/a",
        "https://example.org/owner/edgewise/releases@evil.org/",
        "https://evil.org/owner/edgewise/releases",
        f"{HOME}/../../other",
        f"{HOME}/tag/..",
        f"{HOME}/./tag",
        f"{HOME}//evil.org/tag",
        f"{HOME}/tag?next=https://evil.org",
        f"{HOME}/tag\\..\\other",
        f"{HOME}/%2e%2e/other",
        f"{HOME}/tag v1",
        f"{HOME}/tag\n",
        f"{HOME}/größe",
        "javascript:alert(1)",
        "file:///etc/passwd",
        HOME.replace("https", "http"),
        HOME.upper(),
        "",
        7,
        None,
    ],
)
def test_a_page_elsewhere_is_refused(page: object) -> None:
    with pytest.raises(ValueError, match="page"):
        read(page=page)


@pytest.mark.parametrize("below", ["", "/", "/tag/v9.9.0", "/tag/v9.9.0#notes", "/9.9.0+1/"])
def test_a_page_below_the_releases_own_is_taken(below: str) -> None:
    assert read(page=HOME + below).page == HOME + below


@pytest.mark.parametrize(
    "changed",
    [
        {"date": "yesterday"},
        {"date": "2026-13-01"},
        {"date": None},
        {"date": "2026-12-01T00:00"},
        {"notes": ["a"]},
        {"notes": None},
        {"files": {}},
        {"files": ["a.deb"]},
        {"files": [announced(HOME)["files"][0]] * (MOST_FILES + 1)},
        {"version": 9},
        {"version": ["9.9.0"]},
    ],
)
def test_what_is_not_as_agreed_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)) as failure:
        read(**changed)
    assert isinstance(failure.value, ValueError)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../edgewise.deb"},
        {"name": "a b.deb"},
        {"name": ".deb"},
        {"name": ""},
        {"sha256": "AB" * 32},
        {"sha256": "ab" * 31},
        {"sha256": None},
        {"size": 0},
        {"size": -1},
        {"size": 1.5},
        {"size": True},
        {"size": 10**30},
        {"size": "big"},
        {"kind": None},
        {"system": 3},
    ],
)
def test_a_file_that_is_not_as_agreed_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(files=[{**announced(HOME)["files"][0], **changed}])


def test_a_file_of_a_kind_that_is_not_known_yet_is_passed_over() -> None:
    first, second, third = announced(HOME)["files"][:3]
    found = read(files=[first, {**second, "kind": "rpm"}, {**third, "architecture": "riscv64"}])
    assert [file.name for file in found.files] == [first["name"]]
    assert read(files=[]).files == ()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"version": ' + b"9" * 5000 + b"}"]
)
def test_what_is_no_such_file_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_announcement(body, HOME)


def test_a_file_that_is_too_long_is_not_even_read() -> None:
    body = json.dumps(announced(HOME)).encode()
    padded = body + b" " * (MOST_BYTES - len(body))
    assert read_announcement(padded, HOME).version == "9.9.0"
    with pytest.raises(ValueError, match="over"):
        read_announcement(padded + b" ", HOME)


def test_notes_are_cut_and_lose_what_cannot_be_seen() -> None:
    assert read(notes="a\r\n\r\n  b\tc \x1b[31m\u202eevil\u200b\ud800\x00d").notes == "a\nb c [31mevil d"
    assert read(notes="<b>bold</b>").notes == "<b>bold</b>"  # plain text shows it as it is
    assert read(notes="").notes == ""
    long = read(notes="x" * 10_000).notes
    assert (len(long), long[-1]) == (LONGEST_NOTE_LINE, "…")
    lines = read(notes="\n".join(map(str, range(100)))).notes.split("\n")
    assert len(lines) == MOST_NOTE_LINES + 1
    assert lines[-1] == "…"


@given(notes=st.text(st.characters(exclude_categories=())))
def test_whatever_the_notes_are_they_are_lines_of_bounded_length(notes: str) -> None:
    lines = read(notes=notes).notes.split("\n")
    assert len(lines) <= MOST_NOTE_LINES + 1
    assert all(len(line) <= LONGEST_NOTE_LINE and (line.isprintable() or not line) for line in lines)


@pytest.mark.parametrize(
    ("installed", "name"),
    [
        (Installed("linux", "x86_64", "deb"), "edgewise_9.9.0_amd64.deb"),
        (Installed("linux", "x86_64", "tar.gz"), "edgewise-9.9.0-linux-x86_64.tar.gz"),
        (Installed("linux", "x86_64", "appimage"), "edgewise_9.9.0_amd64.deb"),
        (Installed("linux", "x86_64"), "edgewise_9.9.0_amd64.deb"),
        (Installed("linux", "aarch64", "deb"), "edgewise-9.9.0-linux-aarch64.tar.gz"),
        (Installed("windows", "x86_64", "exe"), "Edgewise-9.9.0.exe"),
        (Installed("macos", "aarch64", "dmg"), "Edgewise-9.9.0.dmg"),
    ],
)
def test_the_file_for_this_computer(installed: Installed, name: str) -> None:
    file = read().file_for(installed)
    assert file is not None
    assert file.name == name


@pytest.mark.parametrize(
    "installed", [Installed("macos", "x86_64"), Installed(None, "x86_64"), Installed("linux", None)]
)
def test_there_may_be_none_for_this_computer(installed: Installed) -> None:
    assert read().file_for(installed) is None
    assert replace(read(), files=()).file_for(installed) is None
