"""Questions one after the other, there and back."""

from __future__ import annotations

import pytest

from app.advisor.guide_rules import rules
from app.domain.errors import StorageError

WAIT_MS = 30_000


@pytest.fixture
def ready(session, qtbot):
    with qtbot.waitSignal(session.walked, timeout=WAIT_MS):
        session.look()
    return session


def answer_all(session) -> None:
    while (current := session.current) is not None:
        session.take(current.proposed or current.options[0].id)


def test_nothing_is_asked_before_the_machine_was_looked_at(session) -> None:
    assert session.asked == ()
    session.take("edge")
    assert not session.answers
    assert not session.is_answered


def test_forward_to_the_answer_and_back(ready, qtbot) -> None:
    with qtbot.waitSignal(ready.answered, timeout=WAIT_MS) as heard:
        answer_all(ready)
    assert ready.is_answered
    assert heard.args[0].answers == ready.answers
    ready.back()
    assert ready.current is not None
    assert ready.current.answer is not None
    ready.go_to(0)
    assert ready.place == 0


def test_another_answer_may_ask_fewer_questions(ready) -> None:
    ready.take("edge")
    before = len(ready.asked)
    ready.take("device")
    assert len(ready.asked) < before


def test_a_use_case_leads_to_its_answer(ready, qtbot) -> None:
    with qtbot.waitSignal(ready.answered, timeout=WAIT_MS) as heard:
        ready.take_use_case(rules().use_case("local-chatbot"))
    assert heard.args[0].framework == "llama_cpp"
    assert ready.is_answered


def test_begun_again_nothing_is_answered(ready) -> None:
    answer_all(ready)
    ready.begin_again()
    assert (ready.place, dict(ready.answers)) == (0, {})


def test_a_machine_that_cannot_be_looked_at_is_told_and_tried_again(session, stand_in, qtbot) -> None:
    stand_in.error = StorageError("The disk cannot be read.")
    with qtbot.waitSignal(session.not_known, timeout=WAIT_MS):
        session.look()
    stand_in.error = None
    with qtbot.waitSignal(session.walked, timeout=WAIT_MS):
        session.look()
    assert session.is_ready
