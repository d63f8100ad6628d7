from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from app.domain.download import Download, DownloadState
from app.domain.hub import Format, HubFile, Variant
from app.services.download_watch import DownloadWatch

VARIANT = Variant("a/b", "0" * 40, Format.GGUF, "Q4_K_M", (HubFile("b.gguf", 10),))
RUNNING = Download(1, "B · Q4_K_M", VARIANT, DownloadState.RUNNING, done=1, size=10)
DONE = replace(RUNNING, state=DownloadState.DONE, done=10)


class Queue:
    """Says what it is told to say; counts how often it is asked."""

    def __init__(self, *downloads: Download) -> None:
        self.downloads = downloads
        self.asked = 0

    def snapshot(self) -> tuple[Download, ...]:
        self.asked += 1
        return self.downloads


@pytest.fixture
def watch(qapp) -> DownloadWatch:
    return DownloadWatch()


def test_it_looks_again_only_while_something_goes_on(watch, qtbot) -> None:
    queue = Queue()
    watch.watch(queue)
    assert not watch.looking
    queue.downloads = (RUNNING,)
    watch.look()
    assert watch.looking
    asked = queue.asked
    qtbot.waitUntil(lambda: queue.asked >= asked + 2)
    queue.downloads = (replace(RUNNING, state=DownloadState.PAUSED),)
    qtbot.waitUntil(lambda: not watch.looking)


def test_it_tells_changes_and_nothing_else(watch) -> None:
    told: list[tuple[Download, ...]] = []
    watch.changed.connect(told.append)
    queue = Queue(RUNNING)
    watch.watch(queue)
    watch.look()
    assert told == [(RUNNING,)]
    queue.downloads = (DONE,)
    watch.look()
    assert told == [(RUNNING,), (DONE,)]
    assert watch.downloads == (DONE,)


def test_an_arrival_is_told_once_and_old_ones_not_at_all(watch) -> None:
    arrived: list[int] = []
    watch.arrived.connect(lambda download: arrived.append(download.id))
    old = replace(DONE, id=7)
    queue = Queue(old, RUNNING)
    watch.watch(queue)
    queue.downloads = (old, DONE, replace(DONE, id=3))  # 3 was there before it was ever seen running
    watch.look()
    watch.look()
    assert arrived == [1, 3]


def test_a_nudge_may_come_from_any_thread(watch, qtbot) -> None:
    queue = Queue()
    watch.watch(queue)
    queue.downloads = (RUNNING,)
    thread = threading.Thread(target=watch.nudge)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: watch.downloads == (RUNNING,))


def test_after_stopping_nobody_is_asked(watch) -> None:
    queue = Queue(RUNNING)
    watch.watch(queue)
    watch.stop()
    asked = queue.asked
    watch.look()
    assert queue.asked == asked
    assert not watch.looking
