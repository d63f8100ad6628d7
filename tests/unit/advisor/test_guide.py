"""The decision guide's answers: who is taken, what is said of it, and what it takes to follow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.advisor.guide import answer, answers_of, matrix
from app.advisor.guide_answer import Certainty, GuideAnswer, StepKind, Way
from app.advisor.guide_rules import rules
from app.advisor.guide_steps import OFFLINE
from app.domain.attached import AttachedServer, ServerFacts, ServerKind, ServerModel
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.domain.server_address import ServerAddress
from tests.unit.advisor.guide_machines import GB, MACHINES, evidence

LAPTOP, A100 = MACHINES["laptop"], MACHINES["Linux with A100"]


def of_use_case(name: str, use_case: str) -> GuideAnswer:
    machine = MACHINES[name]
    return answer(rules(), machine, rules().use_case(use_case).answers, evidence(machine))


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        (
            "laptop",
            "transformers transformers llama_cpp llama_cpp llama_cpp llama_cpp llama_cpp langchain+llama_cpp",
        ),
        (
            "Apple",
            "transformers transformers llama_cpp llama_cpp llama_cpp llama_cpp llama_cpp langchain+llama_cpp",
        ),
        (
            "Windows with RTX",
            "transformers transformers llama_cpp llama_cpp llama_cpp llama_cpp llama_cpp langchain+llama_cpp",
        ),
        (
            "Linux with A100",
            "transformers transformers vllm llama_cpp sglang llama_cpp tensorrt_llm langchain+vllm",
        ),
        (
            "old driver",
            "transformers transformers llama_cpp llama_cpp llama_cpp llama_cpp llama_cpp langchain+llama_cpp",
        ),
    ],
)
def test_the_matrix_on_a_machine(name: str, taken: str) -> None:
    rows = matrix(rules(), MACHINES[name], evidence(MACHINES[name]))
    found = [
        f"{row.answer.layer.id}+{row.answer.framework}" if row.answer.layer else row.answer.framework
        for row in rows
    ]
    assert found == taken.split()
    for row in rows:
        assert row.agrees == (row.answer.framework == row.use_case.recommended[-1])
        assert row.verdict.endswith(".")


def test_on_a_machine_that_can_do_it_all_the_matrix_agrees() -> None:
    assert all(row.agrees for row in matrix(rules(), A100, evidence(A100)))


def test_what_the_matrix_says_of_a_machine() -> None:
    rows = {row.use_case.id: row for row in matrix(rules(), LAPTOP, evidence(LAPTOP))}
    model = "Qwen3.5 2B as Q5_K_M"
    assert rows["structured-output"].verdict == (
        f"SGLang would be it on an NVIDIA GPU under Linux; here: llama.cpp, with {model}."
    )
    assert rows["production-api"].verdict == (
        "vLLM would be it on an NVIDIA GPU under Linux, and is experimental here; instead: llama.cpp, with"
        f" {model}."
    )
    assert rows["local-chatbot"].verdict == f"llama.cpp, with {model}."
    assert rows["mobile"].verdict.endswith(", tried here first.")
    assert rows["pipeline"].recommended == "LangChain + vLLM"
    old = {
        row.use_case.id: row
        for row in matrix(rules(), MACHINES["old driver"], evidence(MACHINES["old driver"]))
    }
    assert old["structured-output"].verdict.startswith("SGLang cannot be followed here; instead: llama.cpp, ")


def test_nothing_fits() -> None:
    full = MACHINES["full"]
    rows = matrix(rules(), full, evidence(full))
    assert {row.verdict for row in rows if row.answer.layer is None} == {
        "llama.cpp, once there is room: no model of the catalog fits in what is free."
    }
    made = rows[0].answer
    assert made.model_words.startswith("No model of the catalog fits")
    assert made.certainty is Certainty.REFERENCE
    assert "With more free memory and disk: Transformers." in made.would_change


def test_a_laptop_that_is_to_serve_many() -> None:
    made = of_use_case("laptop", "production-api")
    assert made.headline == "llama.cpp with Qwen3.5 2B as Q5_K_M, on this machine."
    assert (made.reference, made.certainty) == ("vllm", Certainty.FORECAST)
    assert made.instead_of[0].id == "vllm", "the comparison's choice comes first"
    assert made.instead_of[0].experimental
    assert "On a server with an NVIDIA GPU: vLLM." in made.would_change
    assert made.model is not None
    assert made.model.speed is not None
    assert made.model.speed >= 15
    assert "The comparison avoids llama.cpp where many ask at once." in [it.text for it in made.cautions]


def test_sentences_of_a_certainty_have_its_source() -> None:
    made = of_use_case("laptop", "local-chatbot")
    by_certainty = {it.certainty: it.source for it in made.because}
    assert by_certainty[Certainty.FORECAST] == "Edgewise’s forecast for this machine"
    assert made.because[0].source == "framework comparison, Quick Decision Guide"


def test_the_steps_of_one_button() -> None:
    made = answer(rules(), LAPTOP, {"priority": "learning"}, evidence(LAPTOP))
    assert [(step.kind, step.done) for step in made.steps] == [
        (StepKind.INSTALL, False),
        (StepKind.DOWNLOAD, False),
        (StepKind.START, False),
        (StepKind.CHAT, False),
    ]
    assert made.steps[0].words == "Install Transformers, a download of 292 MB."
    assert made.model is not None
    assert made.model.format is Format.SAFETENSORS
    there = answer(rules(), LAPTOP, {"priority": "learning"}, evidence(LAPTOP, installed=["transformers"]))
    assert (there.steps[0].words, there.steps[0].done) == ("Transformers is installed.", True)


def test_a_model_that_is_there_is_not_downloaded() -> None:
    path = Path("/models/unsloth/Qwen3.5-2B-GGUF/Qwen3.5-2B-Q5_K_M.gguf")
    local = [LocalModel("Qwen3.5 2B · Q5_K_M", path, 10**9)]
    made = answer(rules(), LAPTOP, {"priority": "edge"}, evidence(LAPTOP, local=local))
    assert made.model is not None
    assert made.model.path == path
    step = made.steps[0]
    assert (step.kind, step.done, step.words) == (
        StepKind.DOWNLOAD,
        True,
        "Qwen3.5 2B as Q5_K_M is in the library.",
    )


def test_offline_what_has_to_be_fetched_is_blocked() -> None:
    made = answer(rules(), LAPTOP, {"priority": "learning"}, evidence(LAPTOP, offline=True))
    assert [step.blocked for step in made.steps] == [OFFLINE, OFFLINE, "", ""]


def test_tensorrt_llm_is_run_by_hand_and_attached() -> None:
    made = of_use_case("Linux with A100", "max-gpu")
    assert (made.framework, made.way) == ("tensorrt_llm", Way.ATTACHED)
    assert made.steps[0].kind is StepKind.ATTACH
    assert "tensorrt-llm/release" in made.steps[0].words
    there = evidence(A100, installed=["tensorrt_llm"])
    own = answer(rules(), A100, rules().use_case("max-gpu").answers, there)
    assert own.way is Way.EXPERIMENTAL
    assert own.steps[0].done, "somebody installed it"


def test_a_server_is_attached() -> None:
    made = answer(rules(), LAPTOP, {"priority": "throughput", "hardware": "server"}, evidence(LAPTOP))
    assert (made.framework, made.way, made.model) == ("vllm", Way.ATTACHED, None)
    assert made.model_words.startswith("Which model fits there")
    assert made.steps[0].words == "Start it there with “vllm serve MODEL”, then attach it by its address."


def test_a_server_that_is_attached_is_used() -> None:
    facts = ServerFacts(ServerKind.VLLM, (ServerModel("Qwen3"),))
    servers = [
        AttachedServer(2, "Mine", ServerAddress.parse("http://10.0.0.2:9000/v1")),
        AttachedServer(3, "Cluster", ServerAddress.parse("http://10.0.0.3:8000/v1"), facts=facts),
    ]
    known = evidence(LAPTOP, attached=servers)
    made = answer(rules(), LAPTOP, {"priority": "throughput", "hardware": "server"}, known)
    assert [(step.kind, step.done, step.server) for step in made.steps] == [
        (StepKind.ATTACH, True, "attached:3"),
        (StepKind.CHAT, False, "attached:3"),
    ]
    assert made.steps[0].words == "vLLM is attached as “Cluster”."
    here = answer(rules(), LAPTOP, {"priority": "throughput"}, known)
    assert all(not step.server for step in here.steps)


def test_a_gpu_that_lies_idle_is_told() -> None:
    machine = MACHINES["GPU that llama.cpp does not see"]
    made = answer(rules(), machine, {"priority": "edge"}, evidence(machine))
    assert made.framework == "llama_cpp"
    assert made.would_change[-1].startswith("With a llama.cpp built for the NVIDIA GeForce RTX 4060, its")


def test_a_phone_gets_a_small_file() -> None:
    for name in ("laptop", "Linux with A100"):
        made = of_use_case(name, "mobile")
        assert (made.framework, made.way) == ("llama_cpp", Way.DEVICE)
        assert made.model is not None
        assert made.model.size is not None
        assert made.model.size <= 2 * GB
        assert made.model_words.endswith("The same file runs on the device.")


def test_outlines_comes_with_transformers() -> None:
    answers = {"priority": "learning", "output": "json", "upkeep": "much", "hardware": "server"}
    made = answer(rules(), LAPTOP, answers, evidence(LAPTOP))
    assert made.framework == "transformers"
    assert made.layer is not None
    assert made.layer.id == "outlines"
    assert made.headline.startswith("Outlines with Transformers")
    assert made.steps[-1].kind is StepKind.LIBRARY
    assert made.steps[-1].words == "In your own project, install Outlines: pip install outlines."


def test_llama_cpp_holds_a_schema_by_itself() -> None:
    made = of_use_case("laptop", "structured-output")
    assert (made.framework, made.layer) == ("llama_cpp", None)
    assert any("own chat shows free text" in it.text for it in made.cautions)


def test_what_would_change_it_does() -> None:
    given = answers_of(rules(), LAPTOP, rules().use_case("learning"))
    made = answer(rules(), LAPTOP, given, evidence(LAPTOP))
    assert "If you wanted no upkeep: llama.cpp." in made.would_change
    other = answer(rules(), LAPTOP, {**given, "upkeep": "none"}, evidence(LAPTOP))
    assert other.framework == "llama_cpp"


def test_a_busy_machine_may_be_faster_than_was_reckoned() -> None:
    assert LAPTOP.bandwidth is not None
    busy = replace(LAPTOP, bandwidth=replace(LAPTOP.bandwidth, disturbed=True))
    made = answer(rules(), busy, {"priority": "edge"}, evidence(busy))
    assert any("Other programs disturbed" in it.text for it in made.cautions)
    calm = answer(rules(), LAPTOP, {"priority": "edge"}, evidence(LAPTOP))
    assert not any("Other programs disturbed" in it.text for it in calm.cautions)


def test_without_any_answer_there_is_one() -> None:
    made = answer(rules(), LAPTOP, {}, evidence(LAPTOP))
    assert made.framework == "llama_cpp"
    assert made.answers == {"hardware": "cpu"}
