"""The decision guide on this very machine, with a real database and what the comparison says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.advisor.correction import UNCORRECTED
from app.advisor.guide_answer import Certainty, Evidence
from app.advisor.guide_rules import rules
from app.domain.machine import Machine
from app.engines.pins import profiles
from app.engines.registry import adapters
from app.services.engine_parts import EngineParts
from app.services.guidance import (
    Guidance,
    engines_here,
    frameworks_here,
    parameters_of,
    rates_of,
    reference_figures,
    stored_rates,
)
from app.services.hub_access import HubAccess
from app.services.model_advice import ModelAdvice
from app.services.this_machine import this_machine
from app.storage.bandwidth import load_bandwidth
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.speed_tests import SpeedTests
from tests.made_speed_tests import LLAMA_CPP, TRANSFORMERS, column, speed_test
from tests.unit.advisor.guide_machines import MACHINES


@pytest.fixture
def paths(edgewise_home: Path) -> Paths:
    return Paths.find()


def guidance_of(paths: Paths, *, offline: bool = False) -> Guidance:
    advice = ModelAdvice(paths, HubAccess(paths, lambda: True), lambda *_: UNCORRECTED)
    return Guidance(
        paths,
        advice,
        EngineParts(paths),
        rates=lambda machine: stored_rates(paths, machine),
        offline=lambda: offline,
    )


def test_a_conversation_on_this_machine(paths: Paths) -> None:
    guidance = guidance_of(paths)
    answers: dict[str, str] = {}
    asked = []
    while question := guidance.next_question(answers):
        asked.append(question.question.id)
        answers[question.question.id] = question.proposed or question.options[0].id
    assert asked == [question.id for question in rules().questions]
    assert [it.answer for it in guidance.questions(answers)] == list(answers.values())
    made = guidance.answer(answers)
    assert made.answers == answers
    assert made.framework in rules().frameworks
    assert made.steps


def test_the_bandwidth_is_measured_first(paths: Paths) -> None:
    assert load_bandwidth(paths.bandwidth) is None
    guidance = guidance_of(paths)
    guidance.look()
    measured = load_bandwidth(paths.bandwidth)
    assert measured is not None
    assert guidance.machine().bandwidth == measured
    guidance.look()  # once by itself, however disturbed it was
    assert load_bandwidth(paths.bandwidth) == measured


def test_every_use_case_and_the_matrix_agree(paths: Paths) -> None:
    guidance = guidance_of(paths)
    rows = guidance.matrix()
    assert [row.use_case.id for row in rows] == [it.id for it in rules().use_cases]
    for row in rows:
        assert guidance.use_case(row.use_case.id) == row.answer
    with pytest.raises(KeyError):
        guidance.use_case("games")


def test_seven_profiles(paths: Paths) -> None:
    cards = guidance_of(paths).profiles()
    assert [card.profile.id for card in cards] == [
        *(id_ for id_ in profiles() if not id_.startswith("llama_cpp_")),
        *("outlines", "langchain"),
    ]
    for card in cards:
        assert card.here.endswith(".")
        assert card.source
        assert (card.engine is None) == (card.layer is not None)
        assert card.profile.strengths
        assert card.profile.weaknesses
        assert card.profile.best_for
        assert card.profile.avoid_for


def test_how_each_stands_in_words() -> None:
    def standing(machine: str, installed: tuple[str, ...] = ()) -> dict[str, str]:
        engines = engines_of(MACHINES[machine], installed).engines
        return {card.profile.id: card.here for card in frameworks_here(rules(), engines)}

    laptop = standing("laptop", ("transformers",))
    assert laptop["llama_cpp"] == "It comes with Edgewise."
    assert laptop["transformers"].startswith("Installed. Runs on the processor.")
    assert laptop["vllm"].startswith("Not installed. There is no NVIDIA GPU.")
    assert laptop["sglang"].startswith("SGLang needs an NVIDIA GPU")
    assert laptop["outlines"] == "A Python library for programs of your own: pip install outlines."
    assert "Edgewise cannot install TensorRT-LLM" in standing("Linux with A100")["tensorrt_llm"]


def test_it_looks_once_until_it_is_told_to(paths: Paths) -> None:
    guidance = guidance_of(paths)
    first = guidance.machine()
    assert guidance.machine() is first
    guidance.look()
    assert guidance.machine() is not first


def test_offline_is_said(paths: Paths) -> None:
    made = guidance_of(paths, offline=True).answer({"priority": "edge"})
    fetched = [step for step in made.steps if step.words.startswith("Download")]
    assert all(step.blocked for step in fetched)


def test_speed_tests_of_this_machine_count(paths: Paths) -> None:
    here = this_machine(paths)
    with Database.open(paths.database) as database:
        test = speed_test(column(LLAMA_CPP, {1: 60.0, 8: 200.0}), column(TRANSFORMERS, {1: 10.0, 8: 20.0}))
        SpeedTests(database).begin(replace(test, machine=here)).result()
    rates = stored_rates(paths, here)
    assert {(rate.engine_id, rate.batch) for rate in rates} == {
        ("llama_cpp", 1),
        ("llama_cpp", 8),
        ("transformers", 1),
        ("transformers", 8),
    }
    made = guidance_of(paths).answer({"priority": "edge", "people": "few"})
    assert (made.framework, made.certainty) == ("llama_cpp", Certainty.MEASURED)
    assert made.because[0].text.endswith(
        "llama.cpp made 200 tok/s and Transformers 20 tok/s with 8 at once (SmolLM2 135M)."
    )


def test_speed_tests_of_another_machine_do_not(paths: Paths) -> None:
    here = this_machine(paths)
    with Database.open(paths.database) as database:
        store = SpeedTests(database)
        store.begin(speed_test(column(LLAMA_CPP, {1: 60.0}))).result()
        assert store.rates()
        assert rates_of(store, here) == ()
    assert stored_rates(paths, here) == ()


def test_without_a_database_none_is_made(paths: Paths) -> None:
    assert stored_rates(paths, MACHINES["laptop"]) == ()
    assert not paths.database.exists()


def test_the_comparisons_figures() -> None:
    figures = reference_figures()
    assert figures.rates["vllm"] == {1: 50.0, 32: 800.0, 128: 2000.0}
    assert figures.first_token_s["llama_cpp"] == 0.8
    assert "llama_cpp" not in figures.rates
    assert figures.source == "framework comparison, Llama 2 7B on an A100"


def test_parameters_are_those_of_the_catalog() -> None:
    from tests.unit.advisor.test_guide_measured import rate

    known = rate("vllm", 1.0)
    unknown = replace(known, family="A model of mine")
    assert parameters_of([known, unknown]) == {"SmolLM2 135M Instruct": 134_515_008}


def engines_of(machine: Machine, installed: tuple[str, ...]) -> Evidence:
    from tests.unit.advisor.guide_machines import evidence

    return evidence(machine, installed=installed)


def test_an_engine_as_it_stands_here() -> None:
    from app.engines.environment import Environments

    laptop = MACHINES["laptop"]
    engines = adapters(Environments(Path("nowhere"), lambda: laptop))
    by_id = {it.id: it for it in engines_here(engines, laptop, {"llama_cpp": True})}
    assert by_id["llama_cpp"].bundled
    assert (by_id["transformers"].download, by_id["transformers"].installed) == (292_000_000, False)
    assert by_id["vllm"].fitness.experimental
    assert by_id["sglang"].untried
    assert by_id["sglang"].why_not_installable.startswith("SGLang needs Linux and an NVIDIA GPU")
    assert by_id["tensorrt_llm"].why_not_installable.startswith("Edgewise cannot install")
    assert by_id["llama_cpp"].disk_free == laptop.disk.free
