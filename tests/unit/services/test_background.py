import threading

import pytest

from app.domain.errors import EdgewiseError
from app.services.background import Background


@pytest.fixture
def background(qapp):
    background = Background()
    yield background
    background.finish()


def test_work_is_done_elsewhere_and_delivered_here(background, qtbot):
    threads, got = [], []

    def work():
        threads.append(threading.get_ident())
        return "value"

    def success(value):
        threads.append(threading.get_ident())
        got.append(value)

    background.run(work, success)
    qtbot.waitUntil(lambda: got == ["value"])
    assert threads[0] != threading.get_ident()
    assert threads[1] == threading.get_ident()


def test_an_expected_failure_is_delivered(background, qtbot):
    failures = []

    def work():
        raise EdgewiseError("The disk is full.")

    background.run(work, lambda _: failures.append("success"), failures.append)
    qtbot.waitUntil(lambda: bool(failures))
    assert [str(failure) for failure in failures] == ["The disk is full."]


@pytest.mark.parametrize("error", [ZeroDivisionError("bug"), EdgewiseError("nobody listens")])
def test_what_nobody_takes_is_raised_here(background, qtbot, error):
    def work():
        raise error

    with qtbot.captureExceptions() as raised:
        background.run(work)
        qtbot.waitUntil(lambda: bool(raised))
    assert [value for _, value, _ in raised] == [error]


def test_finish_delivers_what_was_begun_and_starts_nothing_more(background):
    got: list[int] = []
    go = threading.Event()

    def work():
        go.wait(10)
        return 1

    background.run(work, got.append)
    go.set()
    background.finish()
    assert got == [1]
    background.run(lambda: 2, got.append)
    background.finish()
    assert got == [1]
