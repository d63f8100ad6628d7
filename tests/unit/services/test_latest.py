from __future__ import annotations

import threading

import pytest

from app.domain.errors import EdgewiseError
from app.services.background import Background
from app.services.latest import Latest


@pytest.fixture
def background(qapp) -> Background:
    return Background()


class Answers:
    """What was told, in its order."""

    def __init__(self) -> None:
        self.given: list[object] = []

    def keep(self, value: object) -> None:
        self.given.append(value)


def test_of_many_questions_the_first_and_the_newest_are_answered(background, qtbot) -> None:
    latest: Latest[int] = Latest(background)
    answers, begun, go_on = Answers(), threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        assert go_on.wait(10)
        return 0

    latest.ask(slow, answers.keep, answers.keep)
    assert begun.wait(10)
    for number in range(1, 6):
        latest.ask(lambda number=number: number, answers.keep, answers.keep)  # type: ignore[misc]
    go_on.set()
    qtbot.waitUntil(lambda: answers.given == [0, 5])


def test_what_is_forgotten_is_not_answered_and_what_follows_is(background, qtbot) -> None:
    latest: Latest[str] = Latest(background)
    answers, begun, go_on = Answers(), threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(10)
        return "old matter"

    latest.ask(slow, answers.keep, answers.keep)
    latest.ask(lambda: "old matter, too", answers.keep, answers.keep)
    assert begun.wait(10)
    latest.forget()
    latest.ask(lambda: "new matter", answers.keep, answers.keep)
    go_on.set()
    qtbot.waitUntil(lambda: answers.given == ["new matter"])


def test_a_failure_is_an_answer_and_the_next_question_is_asked(background, qtbot) -> None:
    latest: Latest[str] = Latest(background)
    answers = Answers()

    def fail() -> str:
        raise EdgewiseError("No.")

    latest.ask(fail, answers.keep, lambda error: answers.keep(error.message))
    latest.ask(lambda: "yes", answers.keep, answers.keep)
    qtbot.waitUntil(lambda: answers.given == ["No.", "yes"])


def test_a_bug_is_raised_and_the_next_question_is_asked(background, qtbot) -> None:
    latest: Latest[str] = Latest(background)
    answers = Answers()

    def broken() -> str:
        raise ZeroDivisionError

    with qtbot.captureExceptions() as raised:
        latest.ask(broken, answers.keep, answers.keep)
        latest.ask(lambda: "yes", answers.keep, answers.keep)
        qtbot.waitUntil(lambda: answers.given == ["yes"])
    assert [kind for kind, _, _ in raised] == [ZeroDivisionError]
