"""One cancel that several parts hear."""

from __future__ import annotations

import threading
import time

import pytest

from app.benchmark.interruption import Interruption
from app.domain.errors import Cancelled
from app.domain.generation import Cancellation

DEADLINE_S = 10.0


@pytest.fixture
def cancellation():
    return Cancellation()


@pytest.fixture
def interruption(cancellation):
    return Interruption(cancellation)


def test_everybody_hears_one_cancel(cancellation, interruption) -> None:
    first, second = threading.Event(), threading.Event()
    with interruption.heard_by(first.set), interruption.heard_by(second.set):
        cancellation.cancel()
        assert first.wait(DEADLINE_S)
        assert second.wait(DEADLINE_S)
    assert interruption.thrown


def test_who_cancels_waits_for_nobody(cancellation, interruption) -> None:
    let_go, was_called = threading.Event(), threading.Event()

    def slow() -> None:
        was_called.set()
        let_go.wait(DEADLINE_S)

    with interruption.heard_by(slow):
        cancellation.cancel()  # would hang
        assert was_called.wait(DEADLINE_S)
        let_go.set()


def test_who_comes_late_hears_at_once(cancellation, interruption) -> None:
    cancellation.cancel()
    heard = threading.Event()
    with interruption.heard_by(heard.set):
        assert heard.wait(DEADLINE_S)


def test_who_has_left_hears_nothing(cancellation, interruption) -> None:
    left, stays = threading.Event(), threading.Event()
    with interruption.heard_by(left.set):
        pass
    with interruption.heard_by(stays.set):
        cancellation.cancel()
        assert stays.wait(DEADLINE_S)
    assert not left.is_set()


def test_a_part_is_cancelled_with_the_whole(cancellation, interruption) -> None:
    with interruption.part() as part:
        woken = threading.Event()
        part.on_cancel(woken.set)
        cancellation.cancel()
        assert woken.wait(DEADLINE_S)
    with pytest.raises(Cancelled), interruption.part():
        pytest.fail("no part may begin after a cancel")


def test_a_part_leaves_room_for_the_next(cancellation, interruption) -> None:
    """What a part's user unregisters from its own Cancellation is not the whole's listener."""
    with interruption.part() as part:
        part.on_cancel(lambda: None)
        part.on_cancel(None)
    with interruption.part() as part:
        woken = threading.Event()
        part.on_cancel(woken.set)
        cancellation.cancel()
        assert woken.wait(DEADLINE_S)


def test_waiting_ends_with_a_cancel(cancellation, interruption) -> None:
    began = time.monotonic()
    threading.Timer(0.05, cancellation.cancel).start()
    with pytest.raises(Cancelled):
        interruption.wait(DEADLINE_S)
    assert time.monotonic() - began < DEADLINE_S / 2
    with pytest.raises(Cancelled):
        interruption.check()


def test_waiting_undisturbed(interruption) -> None:
    interruption.wait(0.01)
    interruption.check()
    assert not interruption.thrown
