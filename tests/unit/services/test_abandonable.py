import threading

import pytest

from app.domain.errors import NotOnHub, Offline
from app.services.abandonable import Abandonable


def test_values_and_errors_come_through():
    waiting = Abandonable()
    assert waiting.run(lambda: 7) == 7
    assert waiting.run(lambda: None) is None
    with pytest.raises(NotOnHub, match="Gone"):
        waiting.run(lambda: (_ for _ in ()).throw(NotOnHub("Gone.")))
    with pytest.raises(ZeroDivisionError):
        waiting.run(lambda: 1 // 0)


def test_several_wait_for_their_own():
    waiting, barrier = Abandonable(), threading.Barrier(4, timeout=10)
    got = []

    def ask(number):
        got.append((number, waiting.run(lambda: (barrier.wait(), number)[1])))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(got) == [(number, number) for number in range(4)]


def test_what_is_waited_for_is_left_when_it_closes():
    waiting, begun, release = Abandonable(), threading.Event(), threading.Event()
    raised = []

    def blocks():
        begun.set()
        release.wait(30)

    def ask():
        try:
            waiting.run(blocks)
        except Offline as error:
            raised.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(10)
    waiting.close()
    asking.join(10)
    assert not asking.is_alive()
    assert len(raised) == 1
    release.set()


def test_nothing_begins_afterwards():
    waiting, ran = Abandonable(), []
    waiting.close()
    with pytest.raises(Offline, match="is ending"):
        waiting.run(lambda: ran.append(1))
    assert ran == []
