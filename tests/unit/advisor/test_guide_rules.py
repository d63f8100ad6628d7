"""The decision guide's rules: well formed, with a source for each of them, and true to their sources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.advisor.guide_rules import RULES, holds, read, rules
from app.benchmark.reference import reference
from app.engines.pins import profiles

SCHEMA = json.loads(RULES.with_name("decision_guide.schema.json").read_text(encoding="utf-8"))
VALUES = json.loads(RULES.read_text(encoding="utf-8"))
MATRIX = {
    "learning": ("Learning transformers", ("transformers",)),
    "research": ("Research experiments", ("transformers",)),
    "production-api": ("Production API (GPU)", ("vllm",)),
    "local-chatbot": ("Local chatbot (laptop)", ("llama_cpp",)),
    "structured-output": ("JSON/structured output", ("sglang",)),
    "mobile": ("Mobile deployment", ("llama_cpp",)),
    "max-gpu": ("Maximum GPU performance", ("tensorrt_llm",)),
    "pipeline": ("Multi-model pipelines", ("langchain", "vllm")),
}
"""The comparison's."""


def entries(values: Any) -> Iterator[dict[str, Any]]:
    """Every object in the file."""
    if isinstance(values, dict):
        yield values
        for value in values.values():
            yield from entries(value)
    elif isinstance(values, list):
        for value in values:
            yield from entries(value)


def test_it_keeps_to_its_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(VALUES)


def test_every_rule_has_a_source_that_there_is_and_every_source_is_used() -> None:
    ruling = [it for it in entries(VALUES) if "text" in it or "why" in it or "says" in it]
    assert len(ruling) > 100
    assert all(it["source"] in VALUES["sources"] for it in ruling)
    assert {it["source"] for it in ruling} == set(VALUES["sources"])


def test_conditions_name_options_that_there_are() -> None:
    known = {question.id: {option.id for option in question.options} for question in rules().questions}
    asked: list[str] = []
    for question in rules().questions:
        hides = [question.unless, *(option.unless for option in question.options)]
        for condition in filter(None, hides):
            assert set(condition) <= set(asked), "hidden by what is asked later"
        asked.append(question.id)
    named = [say.when for question in rules().questions for option in question.options for say in option.says]
    named += [it for question in rules().questions if (it := question.unless) is not None]
    named += [when for layer in rules().layers for when in layer.when]
    for condition in named:
        assert all(set(options) <= known[question] for question, options in condition.items())


def test_no_option_is_there_twice() -> None:
    assert len({question.id for question in rules().questions}) == len(rules().questions)
    for question in rules().questions:
        assert len({option.id for option in question.options}) == len(question.options)


def test_the_questions_are_the_comparisons() -> None:
    assert [question.id for question in rules().questions] == [
        "priority", "hardware", "latency", "people", "output", "upkeep",
    ]  # fmt: skip
    best = {}
    for option in rules().question("priority").options:
        assert any(say.source == "quick-guide" for say in option.says)
        best[option.id] = max(option.says, key=lambda say: say.points).framework
    assert best == {
        "learning": "transformers",
        "throughput": "vllm",
        "edge": "llama_cpp",
        "structured": "sglang",
        "control": "llama_cpp",
        "pipelines": "vllm",
    }


def test_the_matrix_is_the_comparisons() -> None:
    assert {it.id: (it.label, it.recommended) for it in rules().use_cases} == MATRIX
    for use_case in rules().use_cases:
        for question, option in use_case.answers.items():
            assert rules().question(question).option(option) is not None


def test_all_seven_frameworks_have_a_profile() -> None:
    assert list(rules().frameworks) == [it for it in profiles() if not it.startswith("llama_cpp_")]
    assert [layer.id for layer in rules().layers] == ["outlines", "langchain"]
    for layer in rules().layers:
        assert layer.profile.best_for != layer.profile.avoid_for
        assert set(layer.on) <= set(profiles())


def test_notes_that_are_named_there_are() -> None:
    named = {option.note for question in rules().questions for option in question.options if option.note}
    assert named == set(rules().notes)


@pytest.mark.parametrize(("option", "column"), [("one", 0), ("many", 1), ("crowd", 2)])
def test_figures_in_sentences_are_the_comparisons_own(option: str, column: int) -> None:
    figures = {row.engine_id: row.cells[column].median for row in reference().throughput.rows}
    found = rules().question("people").option(option)
    assert found is not None
    told = 0
    for say in found.says:
        for number in re.findall(r"([\d,]{2,})(?= tok/s| against)", say.text):
            assert float(number.replace(",", "")) in figures.values(), say.text
            told += 1
    assert told


def test_seconds_in_sentences_are_the_comparisons_own() -> None:
    warm = {row.engine_id: row.cells[1].median for row in reference().first_token.rows}
    found = rules().question("latency").option("at_once")
    assert found is not None
    for say in found.says:
        seconds = re.search(r"([\d.]+) seconds", say.text)
        assert seconds is not None
        assert float(seconds[1]) == warm[say.framework]
        assert say.ttft_s is not None
        assert (float(seconds[1]) < say.ttft_s) == (say.points > 0), "it says what the figure says"


def test_a_condition() -> None:
    assert holds({}, {})
    assert holds({"priority": ("edge", "control")}, {"priority": "control", "people": "one"})
    assert not holds({"priority": ("edge",)}, {"priority": "control"})
    assert not holds({"priority": ("edge",), "people": ("one",)}, {"priority": "edge"})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sources": {}, "questions": [{}]}', "\x00"])
def test_a_text_that_has_no_rules(text: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read(text)


def test_no_such_question_or_use_case() -> None:
    with pytest.raises(KeyError):
        rules().question("colour")
    with pytest.raises(KeyError):
        rules().use_case("games")
