"""The queue's states: what runs, what waits, what is tried again. With workers that do as the test says.

What real ones do stands in tests/faults/test_downloads.py.
"""

from __future__ import annotations

import threading
import time

import pytest

from app.domain.download import DownloadState
from app.domain.errors import (
    AccessDenied,
    DiskFull,
    DownloadDamaged,
    HubBusy,
    HubError,
    HubUnreachable,
    ModelFileError,
    NotOnHub,
    Offline,
)
from app.domain.hub import Format, HubFile, Variant
from app.models.download_messages import Failed, Finished, Progress, Stored
from app.services import download_queue
from app.services.download_queue import OFFLINE, RESERVE, DownloadQueue, Patience
from app.storage.checksums import Checksums
from app.storage.download_journal import DownloadJournal
from app.storage.paths import Paths
from tests.faults.waiting import until

PATIENCE = Patience(first_s=0.02, longest_s=0.04, jitter=0.0, tries=3)
FOR_EVER = Patience(first_s=1000.0, longest_s=1000.0, jitter=0.0, tries=3)
WAITING, RUNNING, VERIFYING, RETRYING, PAUSED, FAILED, DONE = (
    DownloadState.WAITING, DownloadState.RUNNING, DownloadState.VERIFYING, DownloadState.RETRYING,
    DownloadState.PAUSED, DownloadState.FAILED, DownloadState.DONE,
)  # fmt: skip


class Worker:
    """Stands where a process would; the test says what it tells."""

    started: list[Worker]

    def __init__(self, job, on_message):
        self.job = job
        self.tell = on_message
        self.killed = threading.Event()
        Worker.started.append(self)

    def kill(self):
        self.killed.set()

    def wait(self):
        assert self.killed.wait(5)


@pytest.fixture
def started(monkeypatch):
    Worker.started = []
    monkeypatch.setattr(download_queue, "DownloadProcess", Worker)
    return Worker.started


@pytest.fixture
def paths(empty_home):
    return Paths.find()


@pytest.fixture
def queues(paths, started):
    made = []

    def make(*, token=lambda: None, offline=lambda: False, patience=PATIENCE, **more):
        queue = DownloadQueue(paths, token, offline, patience=patience, **more)
        made.append(queue)
        return queue

    yield make
    for queue in made:
        for worker in Worker.started:
            worker.kill()
        queue.close()


@pytest.fixture
def queue(queues):
    return queues()


def variant(name="a", size=1000):
    return Variant("owner/name", "main", Format.GGUF, "Q4_K_M", (HubFile(f"{name}.gguf", size, "a" * 64),))


def stored(name="a", size=1000):
    return Finished((Stored(f"owner/name/{name}.gguf", size, "a" * 64),))


def shown(queue, id_):
    return next(download for download in queue.snapshot() if download.id == id_)


def until_started(started, count):
    until(lambda: len(started) == count)


def states(queue):
    return [download.state for download in queue.snapshot()]


def test_two_run_and_the_third_waits_its_turn(queue, started):
    ids = [queue.add(variant(name), name) for name in "abc"]
    until(lambda: len(started) == 2)
    assert [download.name for download in queue.snapshot()] == ["a", "b", "c"]
    assert states(queue) == [RUNNING, RUNNING, WAITING]
    started[1].tell(stored("b"))
    until(lambda: len(started) == 3)
    assert started[2].job.variant == variant("c")
    until(lambda: states(queue) == [RUNNING, DONE, RUNNING])
    assert shown(queue, ids[1]).done == 1000


def test_a_pause_makes_room_for_the_next(queues, started):
    queue = queues(parallel=1)
    first, _second = queue.add(variant("a"), "a"), queue.add(variant("b"), "b")
    until(lambda: len(started) == 1)
    queue.pause(first)
    assert started[0].killed.is_set()
    until(lambda: states(queue) == [PAUSED, RUNNING])
    queue.resume(first)
    assert states(queue) == [WAITING, RUNNING]


def test_the_job_says_all_a_worker_needs(queues, started, paths):
    queue = queues(token=lambda: "hf_x")
    queue.add(variant(), "a")
    until(lambda: started)
    job = started[0].job
    assert (job.variant, job.token, job.library, job.reserve) == (variant(), "hf_x", paths.models, RESERVE)
    assert job.staging.parent == paths.incoming


def test_progress_is_shown_but_not_announced(queues, started):
    changes: list[None] = []
    queue = queues(on_change=lambda: changes.append(None))
    id_ = queue.add(variant(), "a")
    until(lambda: shown(queue, id_).state is RUNNING and len(changes) >= 1)
    until(lambda: queue._entries[id_].looked_at)
    before = len(changes)
    for done in range(100):
        started[0].tell(Progress(done, 1000))
    assert shown(queue, id_).done == 99
    assert len(changes) == before
    started[0].tell(Progress(1000, 1000, verifying=True))
    until(lambda: len(changes) > before)
    assert shown(queue, id_).state is VERIFYING
    assert shown(queue, id_).speed is None


def test_what_a_stopped_worker_still_says_is_not_heard(queue, started):
    id_ = queue.add(variant(), "a")
    until(lambda: started)
    queue.pause(id_)
    started[0].tell(Progress(500, 1000))
    started[0].tell(Failed(NotOnHub("Gone.")))
    assert (shown(queue, id_).state, shown(queue, id_).done, shown(queue, id_).error) == (PAUSED, 0, "")


@pytest.mark.parametrize(
    "error",
    [
        AccessDenied("No."), NotOnHub("No."), DownloadDamaged("No."), DiskFull("No."), ModelFileError("No."),
        Offline("No."), HubError("No."),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_does_not_pass_by_itself_is_not_tried_again(queue, started, error):
    id_ = queue.add(variant(), "a")
    until(lambda: started)
    started[0].tell(Failed(error))
    download = queue.wait(id_, 5)
    assert (download.state, download.error) == (FAILED, "No.")
    assert download.needs_token is isinstance(error, AccessDenied)
    queue.retry(id_)
    until(lambda: len(started) == 2)
    assert (shown(queue, id_).error, shown(queue, id_).needs_token) == ("", False)


def test_what_needed_a_token_goes_on_with_a_new_one_and_other_failures_stay(queue, started):
    for name, error in (("a", AccessDenied("No.")), ("b", NotOnHub("No."))):
        id_ = queue.add(variant(name), name)
        until_started(started, id_)
        started[-1].tell(Failed(error))
        queue.wait(id_, 5)
    queue.retry_denied()
    until_started(started, 3)
    assert started[2].job.variant == variant("a")
    assert [download.state for download in queue.snapshot()] == [RUNNING, FAILED]


def test_what_passes_is_tried_again_until_patience_ends(queue, started):
    id_ = queue.add(variant(), "a")
    for tries in (1, 2, 3):
        until_started(started, tries)
        started[-1].tell(Failed(HubUnreachable("Broke off.", detail="why")))
    download = queue.wait(id_, 5)
    assert (download.state, download.error, download.detail) == (FAILED, "Broke off.", "why")
    assert len(started) == 3


def test_new_bytes_give_new_patience(queue, started):
    id_ = queue.add(variant(), "a")
    for tries in range(1, 8):
        until_started(started, tries)
        started[-1].tell(Progress(100 * tries, 1000))
        started[-1].tell(Failed(HubUnreachable("Broke off.")))
    until(lambda: len(started) == 8)
    started[-1].tell(stored())
    assert queue.wait(id_, 5).state is DONE


def test_a_wait_is_counted_down(queues, started):
    queue = queues(patience=FOR_EVER)
    id_ = queue.add(variant(), "a")
    until(lambda: started)
    started[0].tell(Failed(HubBusy("Wait.", retry_after_s=2000.0)))
    download = shown(queue, id_)
    assert (download.state, download.active) == (RETRYING, True)
    assert 1999.0 < download.retry_in_s <= 2000.0
    until(lambda: shown(queue, id_).retry_in_s < download.retry_in_s)
    queue.resume(id_)  # a person need not wait
    until(lambda: len(started) == 2)
    assert shown(queue, id_).retry_in_s is None


def test_one_that_waits_for_its_next_try_takes_no_place(queues, started):
    queue = queues(patience=FOR_EVER, parallel=1)
    for name in "ab":
        queue.add(variant(name), name)
    until(lambda: started)
    started[0].tell(Failed(HubUnreachable("Broke off.")))
    until(lambda: states(queue) == [RETRYING, RUNNING])


def test_a_token_that_cannot_be_had_is_said(queues, started):
    def locked():
        raise HubError("The keyring is locked.")

    queue = queues(token=locked)
    download = queue.wait(queue.add(variant(), "a"), 5)
    assert (download.state, download.error) == (FAILED, "The keyring is locked.")
    assert not started


def test_offline_holds_and_lets_go(queues, started):
    switch = threading.Event()
    switch.set()
    queue = queues(offline=switch.is_set)
    id_ = queue.add(variant(), "a")
    until(lambda: shown(queue, id_).error == OFFLINE)
    assert shown(queue, id_).state is PAUSED
    switch.clear()
    until(lambda: shown(queue, id_).state is RUNNING)
    switch.set()
    until(lambda: shown(queue, id_).state is PAUSED)
    queue.pause(id_)  # now it is a person's wish
    switch.clear()
    other = queue.add(variant("b"), "b")
    until(lambda: shown(queue, other).state is RUNNING)
    assert shown(queue, id_).state is PAUSED


def test_the_end_is_kept_where_others_look(queue, started, paths):
    id_ = queue.add(variant(), "a")
    until(lambda: started)
    until(lambda: DownloadJournal(paths.incoming).entries())
    paths.models.mkdir(exist_ok=True)
    started[0].tell(stored())
    assert queue.wait(id_, 5).state is DONE
    assert Checksums(paths.checksums).get("owner/name/a.gguf") is not None
    assert DownloadJournal(paths.incoming).entries() == []
    queue.forget(id_)
    assert queue.snapshot() == ()


def test_done_and_wanted_again_is_a_new_entry(queue, started):
    first = queue.add(variant(), "a")
    until(lambda: started)
    started[0].tell(stored())
    assert queue.wait(first, 5).state is DONE
    assert queue.add(variant(), "a") != first


def test_cancelled_and_wanted_again_keeps_what_is_there(queue, started, paths):
    first = queue.add(variant(), "a")
    until(lambda: started)
    queue.cancel(first)
    second = queue.add(variant(), "a")
    started[0].kill()
    until(lambda: len(started) == 2)
    assert shown(queue, second).state is RUNNING


def test_the_next_queue_takes_up_what_was_left(queues, started, paths):
    first = queues()
    going, paused, failed = (first.add(variant(name), name) for name in "abc")
    until(lambda: len(started) == 2)
    first.pause(paused)
    until(lambda: len(started) == 3)
    started[2].tell(Failed(AccessDenied("A token is needed.")))
    assert first.wait(failed, 5).state is FAILED
    first.wait(going, 0.05)
    for worker in started:
        worker.kill()
    first.close()
    assert started[0].killed.is_set()
    second = queues()
    assert second.snapshot() == ()  # only what is asked for
    second.restore()
    until(lambda: len(second.snapshot()) == 3)
    until(lambda: states(second) == [RUNNING, PAUSED, FAILED])
    assert [download.name for download in second.snapshot()] == ["a", "b", "c"]
    assert second.snapshot()[2].error == "A token is needed."
    assert second.snapshot()[2].needs_token


def test_a_place_that_cannot_be_written_is_said(queues, started, paths):
    paths.home.mkdir(parents=True, exist_ok=True)
    paths.models.write_bytes(b"a file is in the way")
    queue = queues()
    download = queue.wait(queue.add(variant(), "a"), 5)
    assert download.state is FAILED
    assert "Edgewise" in download.error


def test_orders_for_what_is_gone_do_nothing(queue):
    for order in (queue.pause, queue.resume, queue.cancel, queue.retry, queue.forget):
        order(17)
    assert queue.wait(17, 0.1) is None


def test_a_look_is_quick(queue, started):
    for number in range(50):
        queue.add(variant(str(number)), str(number))
    began = time.perf_counter()
    for _ in range(20):
        queue.snapshot()
    assert (time.perf_counter() - began) / 20 < 0.01


def test_a_wait_ends_with_the_queue(queue, started):
    id_ = queue.add(variant(), "a")
    until(lambda: started)
    threading.Timer(0.05, lambda: (started[0].kill(), queue.close())).start()
    began = time.monotonic()
    queue.wait(id_, 30)
    assert time.monotonic() - began < 10
