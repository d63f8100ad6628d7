"""Whether there is a newer Edgewise."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from app import __version__
from app.domain.announcement import Announcement, Installed
from app.domain.errors import Offline, UpdateUnknown
from app.domain.generation import Cancellation
from app.domain.release import Release
from app.services.updates import Updates, installed
from tests.release_server import ANNOUNCEMENT, ReleaseServer, gives


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with ReleaseServer() as server:
        yield server


def look(server: ReleaseServer, version: str = __version__, *, offline: bool = False) -> Announcement | None:
    return Updates(Release(version, server.home), lambda: offline).look(Cancellation())


def test_a_newer_version_is_found_by_one_request(server: ReleaseServer) -> None:
    server.announce()
    found = look(server)
    assert found is not None
    assert (found.version, found.page) == ("9.9.0", f"{server.home}/tag/v9.9.0")
    assert [path for path, _ in server.asked] == [ANNOUNCEMENT]


@pytest.mark.parametrize("version", ["9.9.0", "9.9.1", "10.0.0"])
def test_the_newest_is_told_of_nothing(server: ReleaseServer, version: str) -> None:
    server.announce()
    assert look(server, version) is None


def test_offline_nobody_is_asked(server: ReleaseServer) -> None:
    server.announce()
    with pytest.raises(Offline, match="works offline"):
        look(server, offline=True)
    assert server.asked == []


def test_of_a_copy_from_source_nobody_announces_newer_ones() -> None:
    of_source = Updates(Release("0.1.0"), lambda: False)
    assert not of_source.published
    with pytest.raises(UpdateUnknown, match="built from source"):
        of_source.look(Cancellation())


@pytest.mark.parametrize("body", [b"<html>Log in to the hotel", b"{}", b"\xff" * 300_000])
def test_what_is_no_announcement_is_a_sentence_with_the_address(server: ReleaseServer, body: bytes) -> None:
    server.answers[ANNOUNCEMENT] = gives(body)
    with pytest.raises(
        UpdateUnknown, match=f"nothing that Edgewise understands. Look at {server.home} yourself"
    ):
        look(server)


@pytest.mark.parametrize(
    ("platform", "machine", "program", "appimage", "expected"),
    [
        ("linux", "x86_64", "/usr/lib/edgewise/edgewise", "", Installed("linux", "x86_64", "deb")),
        ("linux", "aarch64", "/home/zoë/edgewise/edgewise", "", Installed("linux", "aarch64", "tar.gz")),
        (
            "linux",
            "x86_64",
            "/tmp/.mount_a/edgewise",
            "/home/a.AppImage",
            Installed("linux", "x86_64", "appimage"),
        ),
        ("win32", "AMD64", "C:\\Edgewise.exe", "", Installed("windows", "x86_64", "exe")),
        ("darwin", "arm64", "/Applications/Edgewise.app", "", Installed("macos", "aarch64", "dmg")),
        ("freebsd14", "riscv64", "/usr/bin/edgewise", "", Installed(None, None)),
    ],
)
def test_what_this_copy_was_made_for(
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    machine: str,
    program: str,
    appimage: str,
    expected: Installed,
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys, "executable", program)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setenv("APPIMAGE", appimage)
    assert installed() == expected


def test_a_copy_from_source_was_installed_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPIMAGE", "/of/another/program")
    assert installed().kind is None
