"""Which questions are asked, and what a machine answers by itself."""

from __future__ import annotations

import pytest

from app.advisor.guide_questions import hardware_of, machine_words, next_question, questions, settled
from app.advisor.guide_rules import rules
from tests.unit.advisor.guide_machines import MACHINES


@pytest.mark.parametrize(
    ("name", "hardware"),
    [
        ("laptop", "cpu"),
        ("Apple", "apple"),
        ("Windows with RTX", "nvidia"),
        ("Linux with A100", "nvidia"),
        ("Linux with Radeon", "other_gpu"),
        ("old driver", "nvidia"),
        ("tiny", "cpu"),
    ],
)
def test_the_machine_answers_what_it_is(name: str, hardware: str) -> None:
    machine = MACHINES[name]
    assert hardware_of(machine) == hardware
    asked = next_question(rules(), machine, {"priority": "edge"})
    assert asked is not None
    assert (asked.question.id, asked.answer, asked.proposed) == ("hardware", None, hardware)
    assert [option.id for option in asked.options] == [hardware, "server", "device"]
    assert settled(rules(), machine, {})["hardware"] == hardware


def test_what_the_machine_answers_can_be_changed() -> None:
    given = settled(rules(), MACHINES["laptop"], {"hardware": "server"})
    assert given["hardware"] == "server"


def test_what_a_machine_is_not_does_not_count() -> None:
    assert settled(rules(), MACHINES["laptop"], {"hardware": "nvidia"}) == {"hardware": "cpu"}
    asked = questions(rules(), MACHINES["laptop"], {"hardware": "nvidia"})[1]
    assert (asked.answer, asked.proposed) == (None, "cpu")


def test_one_question_after_the_other() -> None:
    machine = MACHINES["laptop"]
    answers: dict[str, str] = {}
    order = []
    while asked := next_question(rules(), machine, answers):
        order.append(asked.question.id)
        answers[asked.question.id] = asked.options[0].id
    assert order == ["priority", "hardware", "latency", "people", "output", "upkeep"]
    assert settled(rules(), machine, answers) == answers


def test_of_a_phone_less_is_asked() -> None:
    answers = {"priority": "learning", "hardware": "device", "people": "crowd"}
    assert [it.question.id for it in questions(rules(), MACHINES["laptop"], answers)] == [
        "priority",
        "hardware",
        "output",
    ]
    assert "people" not in settled(rules(), MACHINES["laptop"], answers)


def test_structured_output_is_not_free_text() -> None:
    answers = {"priority": "structured", "output": "text"}
    output = next(it for it in questions(rules(), MACHINES["laptop"], answers) if it.question.id == "output")
    assert [option.id for option in output.options] == ["json", "grammar"]
    assert output.answer is None


def test_answers_that_there_are_not_do_not_count() -> None:
    assert settled(rules(), MACHINES["laptop"], {"priority": "fame", "colour": "red"}) == {"hardware": "cpu"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("laptop", "This machine has 4 cores, 5.0 of 8.0 GB of memory free and no GPU, under Linux 6.8."),
        (
            "Windows with RTX",
            "This machine has 4 cores, 10.0 of 16.0 GB of memory free and the GPU NVIDIA GeForce RTX 4060"
            " with 8 GB, under Windows 11.",
        ),
        (
            "Apple",
            "This machine has 10 cores, 11.0 of 16.0 GB of memory free and the GPU Apple M2 Pro, under Darwin"
            " 25.0.",
        ),
    ],
)
def test_what_a_machine_has_in_words(name: str, words: str) -> None:
    assert machine_words(MACHINES[name]) == words
