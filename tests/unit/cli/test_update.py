"""`edgewise update`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app import __version__
from app.cli.command_line import run
from app.domain.announcement import Installed
from app.domain.release import Release
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.settings import Settings, save_settings
from tests.release_server import ANNOUNCEMENT, SHA256, ReleaseServer, gives

pytestmark = pytest.mark.usefixtures("empty_home", "streams")


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.command_line._prepare_streams", lambda: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    """A copy that was published, and the page of its releases."""
    with ReleaseServer() as server:
        monkeypatch.setattr("app.storage.release.this_release", lambda: Release(__version__, server.home))
        monkeypatch.setattr("app.services.updates.installed", lambda: Installed("linux", "x86_64", "deb"))
        yield server


def test_a_copy_from_source_is_announced_by_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["update"]) == 0
    assert f"Edgewise {__version__}. This copy was built from source" in capsys.readouterr().out
    assert run(["update", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"version": __version__, "published": False, "newer": None}


def test_a_newer_version_is_told(server: ReleaseServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.announce()
    assert run(["update"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Edgewise 9.9.0 of 2026-12-01 is newer than this one ({__version__}).",
        "  Chats open faster.",
        "  Models may lie on another disk.",
        "For this computer: edgewise_9.9.0_amd64.deb, 120 MB.",
        f"Its page: {server.home}/tag/v9.9.0",
    ]
    assert len(server.asked) == 1


def test_a_newer_version_is_told_to_a_program(
    server: ReleaseServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.announce()
    assert run(["update", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["published"]) == (__version__, True)
    assert told["newer"]["version"] == "9.9.0"
    assert told["newer"]["file"] == {
        "name": "edgewise_9.9.0_amd64.deb",
        "size": 120_000_000,
        "sha256": SHA256,
    }


def test_without_a_file_for_this_computer_only_the_page_is_told(
    server: ReleaseServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.announce(files=[], notes="")
    assert run(["update"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_newest_says_so(server: ReleaseServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.announce(version=__version__)
    assert run(["update"]) == 0
    assert capsys.readouterr().out == f"Edgewise {__version__} is the newest version.\n"


@pytest.mark.parametrize("body", [None, b"<html>"])
def test_a_failure_is_a_sentence_and_a_status(
    server: ReleaseServer, capsys: pytest.CaptureFixture[str], body: bytes | None
) -> None:
    if body is not None:
        server.answers[ANNOUNCEMENT] = gives(body)
    assert run(["update"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "page of the releases" in told.err or "No release is announced" in told.err


def test_offline_nobody_is_asked(server: ReleaseServer, capsys: pytest.CaptureFixture[str]) -> None:
    paths = Paths.find()
    save_settings(paths.settings, Settings(offline=True))
    assert run(["update"]) == 1
    assert "works offline" in capsys.readouterr().err
    assert server.asked == []


def test_a_command_meets_a_newer_database_with_a_sentence_and_leaves_it(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Paths.find().database
    Database.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    assert run(["models", "ledger"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("Your chats were saved by a newer Edgewise")
    assert path.read_bytes() == before
    assert [file.name for file in empty_home.iterdir()] == [path.name]


def test_nothing_is_written(server: ReleaseServer, empty_home: Path) -> None:
    server.announce()
    assert run(["update"]) == 0
    assert list(empty_home.iterdir()) == []
