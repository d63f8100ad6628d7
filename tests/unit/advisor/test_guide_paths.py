"""Every way through the decision guide on many machines: no dead end, no advice that cannot be followed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.advisor.guide import answer, next_question, settled
from app.advisor.guide_answer import Certainty, Evidence, GuideAnswer, StepKind, Way
from app.advisor.guide_pick import pick
from app.advisor.guide_rules import rules
from app.domain.machine import Machine
from tests.unit.advisor.guide_machines import MACHINES, evidence

SAMPLED = 13
"""Of all paths one in so many is answered in full on each machine, others on each. It divides no number of
options."""


def paths(machine: Machine) -> Iterator[dict[str, str]]:
    """Every way through the questions."""
    open_ends: list[dict[str, str]] = [{}]
    while open_ends:
        answers = open_ends.pop()
        asked = next_question(rules(), machine, answers)
        if asked is None:
            yield answers
        else:
            open_ends += [{**answers, asked.question.id: option.id} for option in asked.options]


@cache
def known_of(name: str) -> Evidence:
    """What is known of a machine; its suggestions are remembered."""
    return evidence(MACHINES[name])


@cache
def answered(name: str) -> tuple[GuideAnswer, ...]:
    """A sample of a machine's answers."""
    machine, known = MACHINES[name], known_of(name)
    first = list(MACHINES).index(name) % SAMPLED
    every = list(paths(machine))
    return tuple(answer(rules(), machine, path, known) for path in every[first::SAMPLED])


def sentences(of: GuideAnswer) -> Iterator[str]:
    """All that a person reads of an answer."""
    yield from (of.headline, of.model_words, of.certainty_words, *of.would_change)
    yield from (it.text for it in (*of.because, *of.cautions))
    yield from (it.text for it in of.contradictions)
    yield from (it.why for it in (*of.runners_up, *of.instead_of))
    for step in of.steps:
        yield step.words
        if step.blocked:
            yield step.blocked


@pytest.mark.parametrize("name", MACHINES)
def test_every_path_ends_in_what_can_be_followed(name: str) -> None:
    machine, known = MACHINES[name], known_of(name)
    count = 0
    for path in paths(machine):
        count += 1
        assert settled(rules(), machine, path) == path
        taken = pick(rules(), path, known).taken
        if path["hardware"] == "server":
            assert taken.way is Way.ATTACHED
            continue
        assert taken.engine.fitness.can_run
        if name == "full":
            assert (taken.engine.id, taken.model) == ("llama_cpp", None), "nothing fits, and it says so"
            continue
        assert taken.way is not None
        assert taken.model is not None
        assert not taken.is_experimental, "nothing was measured, so that others go first"
        if path["hardware"] == "device":
            assert (taken.engine.id, taken.way) == ("llama_cpp", Way.DEVICE)
        elif taken.way is Way.ATTACHED:
            assert taken.engine.why_not_installable
        else:
            assert not taken.engine.why_not_installable
    assert count > 1500


@pytest.mark.parametrize("name", MACHINES)
def test_every_answer_is_whole(name: str) -> None:
    for it in answered(name):
        frameworks = [it.framework, *(other.id for other in (*it.runners_up, *it.instead_of))]
        assert sorted(frameworks) == sorted(rules().frameworks), "each engine is taken, or told why not"
        assert it.because
        assert all(reason.source and reason.text for reason in (*it.because, *it.cautions))
        assert all(other.source and other.why for other in (*it.runners_up, *it.instead_of))
        assert all(other.possible for other in it.runners_up)
        assert (it.certainty is Certainty.REFERENCE) == (it.way is Way.ATTACHED or it.model is None)
        for sentence in sentences(it):
            assert sentence.endswith("."), sentence
            assert not sentence.endswith(".."), sentence
            assert "{" not in sentence
            assert "!" not in sentence
            assert sentence == sentence.strip()
            assert "  " not in sentence


@pytest.mark.parametrize("name", MACHINES)
def test_every_answer_has_steps_to_a_chat(name: str) -> None:
    for it in answered(name):
        kinds = [step.kind for step in it.steps]
        assert StepKind.CHAT in kinds
        before = kinds[: kinds.index(StepKind.CHAT)]
        if it.way is Way.ATTACHED:
            assert before == [StepKind.ATTACH]
        elif it.model is None:
            assert before == [StepKind.START]
            assert all(step.blocked for step in it.steps if step.kind is not StepKind.LIBRARY)
        else:
            install = [] if it.framework == "llama_cpp" else [StepKind.INSTALL]
            assert before == [*install, StepKind.DOWNLOAD, StepKind.START]
            assert not any(step.blocked for step in it.steps)
        assert (StepKind.LIBRARY in kinds) == (it.layer is not None)
        assert all(step.engine == it.framework for step in it.steps)


def test_every_rule_is_read_by_somebody() -> None:
    """Each sentence stands in some answer: as a reason, a caution, or beside a framework not taken."""
    read = {sentence for name in MACHINES for it in answered(name) for sentence in sentences(it)}
    said = [say.text for question in rules().questions for option in question.options for say in option.says]
    said += [note.text for note in rules().notes.values()]
    said += [layer.text for layer in rules().layers]
    missing = [text for text in said if not any(text in sentence for sentence in read)]
    assert missing == []
    names = [it.engine.name for it in pick(rules(), {}, known_of("laptop")).ranked]
    for trait in rules().traits.values():
        assert any(trait.text.format(name=name) in sentence for name in names for sentence in read), trait.id


def test_every_framework_is_somebodys_answer() -> None:
    followed = {(it.framework, it.way) for name in MACHINES for it in answered(name)}
    assert {engine for engine, way in followed if way is Way.ATTACHED} == set(rules().frameworks)
    here = {engine for engine, way in followed if way in (Way.HERE, Way.EXPERIMENTAL)}
    assert here == {"llama_cpp", "transformers", "vllm", "sglang"}, "TensorRT-LLM cannot be installed"
    layers = {it.layer.id for name in MACHINES for it in answered(name) if it.layer is not None}
    assert layers == {"outlines", "langchain"}


@given(data=st.data())
@settings(max_examples=150)
def test_whatever_was_answered_there_is_an_answer(data: st.DataObject) -> None:
    """Some questions only, in any order, with answers that a machine does not have, or nobody."""
    name = data.draw(st.sampled_from(sorted(MACHINES)))
    machine = MACHINES[name]
    words = st.text(max_size=8)
    drawn = {}
    for question in rules().questions:
        if data.draw(st.booleans()):
            drawn[question.id] = data.draw(st.sampled_from([it.id for it in question.options]) | words)
    drawn |= data.draw(st.dictionaries(words, words, max_size=2))
    made = answer(rules(), machine, drawn, known_of(name))
    assert made.because
    assert made.answers == settled(rules(), machine, drawn)
    assert all(sentence.endswith(".") for sentence in sentences(made))
