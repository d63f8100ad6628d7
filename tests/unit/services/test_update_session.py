"""Looking for a newer version as the window does it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from app.domain.announcement import Announcement, Stage
from app.domain.release import Release
from app.services import update_session
from app.services.background import Background
from app.services.update_session import DAY_S, UpdateSession
from app.services.updates import Updates
from app.storage.settings import Settings
from app.storage.update_record import UpdateRecord
from tests.release_server import ANNOUNCEMENT, ReleaseServer, gives

WAIT_MS = 30_000


class Desk:
    """A session with what it stands on."""

    def __init__(self, qtbot: Any, folder: Path, home: str) -> None:
        self.qtbot = qtbot
        self.settings = Settings()
        self.background = Background()
        self.record = UpdateRecord(folder / "updates.json")
        self.updates = Updates(Release("0.1.0", home), lambda: self.settings.offline)
        self.session = UpdateSession(self.updates, self.record, self.background, lambda: self.settings)
        self.told: list[Announcement] = []
        self.session.newer_found.connect(self.told.append)

    def set(self, **values: Any) -> None:
        self.settings = replace(self.settings, **values)
        self.session.settings_changed()

    def stage(self) -> Stage:
        return self.session.stage

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.stage is not Stage.LOOKING, timeout=WAIT_MS)

    def settle(self) -> None:
        """Whatever was begun is done."""
        self.background.finish()


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with ReleaseServer() as server:
        yield server


@pytest.fixture
def desk(qtbot: Any, tmp_path: Path, server: ReleaseServer) -> Iterator[Desk]:
    desk = Desk(qtbot, tmp_path, server.home)
    yield desk
    desk.session.close()
    desk.background.finish()


def test_nothing_is_asked_before_a_person_says_so(desk: Desk, server: ReleaseServer) -> None:
    assert desk.stage() is Stage.NOT_LOOKED
    desk.session.start()
    desk.session.look_if_due()
    desk.session.settings_changed()
    desk.settle()
    assert server.asked == []
    assert not desk.session._timer.isActive()


def test_a_look_finds_the_newer_version(desk: Desk, server: ReleaseServer) -> None:
    server.announce()
    desk.session.look()
    assert desk.stage() is Stage.LOOKING
    desk.session.look()  # a second click asks nobody a second time
    desk.wait()
    assert desk.stage() is Stage.NEWER
    assert desk.session.announcement is not None
    assert desk.session.announcement.version == "9.9.0"
    assert [path for path, _ in server.asked] == [ANNOUNCEMENT]
    assert desk.told == []  # whoever asked sees it where they asked


def test_a_look_finds_none_newer(desk: Desk, server: ReleaseServer) -> None:
    server.announce(version="0.1.0")
    desk.session.look()
    desk.wait()
    assert desk.stage() is Stage.NEWEST


def test_a_look_that_fails_says_why_and_the_next_one_may_not(desk: Desk, server: ReleaseServer) -> None:
    desk.session.look()
    desk.wait()
    assert desk.stage() is Stage.FAILED
    assert desk.session.problem is not None
    assert "No release is announced" in desk.session.problem.message
    server.announce()
    desk.session.look()
    desk.wait()
    assert desk.stage() is Stage.NEWER
    assert desk.session.problem is None


def test_once_a_day_and_told_once(desk: Desk, server: ReleaseServer, qtbot: Any) -> None:
    server.announce()
    desk.set(look_for_updates=True)  # has never looked: it is due
    qtbot.waitUntil(lambda: len(desk.told) == 1, timeout=WAIT_MS)
    for _ in range(3):
        desk.session.look_if_due()
    assert desk.stage() is Stage.NEWER
    desk.record.looked(time.time() - DAY_S + 60)
    desk.session.look_if_due()
    assert len(server.asked) == 1
    desk.record.looked(time.time() - DAY_S - 1)
    desk.session.look_if_due()
    qtbot.waitUntil(lambda: len(desk.told) == 2, timeout=WAIT_MS)
    desk.record.looked(time.time() + 10 * DAY_S)  # the clock was set back
    desk.session.look_if_due()
    qtbot.waitUntil(lambda: len(desk.told) == 3, timeout=WAIT_MS)
    assert len(server.asked) == 3


def test_one_that_was_put_off_is_not_told_of_again_but_the_next_one(
    desk: Desk, server: ReleaseServer, qtbot: Any
) -> None:
    server.announce()
    desk.set(look_for_updates=True)
    qtbot.waitUntil(lambda: len(desk.told) == 1, timeout=WAIT_MS)
    desk.session.put_off()
    qtbot.waitUntil(lambda: desk.record.read().put_off == "9.9.0", timeout=WAIT_MS)
    desk.record.looked(0)
    desk.session.look_if_due()
    desk.wait()
    assert len(server.asked) == 2
    assert desk.stage() is Stage.NEWER
    assert len(desk.told) == 1
    server.announce(version="9.9.1")
    desk.record.looked(0)
    desk.session.look_if_due()
    qtbot.waitUntil(lambda: len(desk.told) == 2, timeout=WAIT_MS)


def test_a_daily_look_that_fails_troubles_nobody(desk: Desk, server: ReleaseServer) -> None:
    desk.set(look_for_updates=True)
    desk.wait()
    assert len(server.asked) == 1
    assert desk.stage() is Stage.NOT_LOOKED
    assert desk.session.problem is None
    desk.session.look_if_due()  # and is not tried again today
    assert desk.stage() is Stage.NOT_LOOKED
    assert len(server.asked) == 1


def test_what_cannot_be_written_down_is_not_asked_daily(desk: Desk, server: ReleaseServer) -> None:
    server.announce()
    desk.record._path.mkdir()
    desk.set(look_for_updates=True)
    desk.wait()
    assert server.asked == []
    desk.session.look()
    desk.wait()
    assert desk.stage() is Stage.NEWER


def test_the_daily_look_begins_some_time_after_the_start(
    desk: Desk, server: ReleaseServer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_session, "FIRST_LOOK_MS", 10)
    server.announce()
    desk.settings = replace(desk.settings, look_for_updates=True)
    desk.session.start()
    assert server.asked == []
    qtbot.waitUntil(lambda: len(desk.told) == 1, timeout=WAIT_MS)
    assert desk.session._timer.interval() == update_session.CHECK_MS
    desk.set(look_for_updates=False)
    assert not desk.session._timer.isActive()


def test_offline_nobody_is_asked(desk: Desk, server: ReleaseServer) -> None:
    desk.set(offline=True, look_for_updates=True)
    assert desk.stage() is Stage.OFFLINE
    desk.session.look_if_due()
    desk.session.look()
    desk.settle()
    assert server.asked == []
    assert desk.stage() is Stage.OFFLINE


def test_going_offline_breaks_a_look_off(desk: Desk, server: ReleaseServer, qtbot: Any) -> None:
    asked = threading.Event()

    def keep_silent(_: BaseHTTPRequestHandler) -> None:
        asked.set()
        server.closing.wait(30)

    server.answers[ANNOUNCEMENT] = keep_silent
    desk.session.look()
    qtbot.waitUntil(asked.is_set, timeout=WAIT_MS)
    desk.set(offline=True)
    qtbot.waitUntil(lambda: desk.session._looking is None, timeout=WAIT_MS)
    assert desk.stage() is Stage.OFFLINE
    desk.set(offline=False)
    assert desk.stage() is Stage.NOT_LOOKED


def test_closing_waits_for_nobody(desk: Desk, server: ReleaseServer, qtbot: Any) -> None:
    asked = threading.Event()

    def keep_silent(_: BaseHTTPRequestHandler) -> None:
        asked.set()
        server.closing.wait(60)

    server.answers[ANNOUNCEMENT] = keep_silent
    desk.session.look()
    qtbot.waitUntil(asked.is_set, timeout=WAIT_MS)
    began = time.monotonic()
    desk.session.close()
    desk.background.finish()
    assert time.monotonic() - began < 10


def test_a_copy_from_source_asks_nobody(qtbot: Any, tmp_path: Path) -> None:
    desk = Desk(qtbot, tmp_path, "")
    assert desk.stage() is Stage.NOT_PUBLISHED
    desk.set(look_for_updates=True)
    desk.session.start()
    desk.session.look()
    desk.session.look_if_due()
    desk.settle()
    assert desk.stage() is Stage.NOT_PUBLISHED
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_nobody_understands_changes_nothing(desk: Desk, server: ReleaseServer) -> None:
    server.answers[ANNOUNCEMENT] = gives(b"<html>")
    desk.session.look()
    desk.wait()
    assert desk.stage() is Stage.FAILED
    assert desk.session.announcement is None
