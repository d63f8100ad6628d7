"""Cards are made of what seldom changes and what often does."""

from __future__ import annotations

from dataclasses import replace

from app.domain.engine import EngineState, EngineStatus, LoadWishes
from app.domain.environment import EnvironmentState, EnvironmentStatus
from app.domain.hub import Format
from app.services.engine_card import Offered
from app.services.engine_cards import EngineFacts, Present, cards_of
from tests.gui.engines.cards import LLAMA, PLAN, VLLM

FACTS = (
    EngineFacts(LLAMA, (Format.GGUF,), version="1", models=("a", "b")),
    EngineFacts(VLLM, (Format.SAFETENSORS, Format.GGUF), gpus=2, models=("b", "c")),
)


def test_what_nobody_told_of_is_at_rest() -> None:
    llama, vllm = cards_of(FACTS, Present())
    assert (llama.id, llama.status.state, llama.environment) == ("llama_cpp", EngineState.STOPPED, None)
    assert llama.models == ("a", "b")
    assert vllm.formats == "safetensors, GGUF"


def test_what_is_known_stands_on_its_card() -> None:
    status = EngineStatus(EngineState.READY, "c")
    environment = EnvironmentStatus("vllm", EnvironmentState.READY, plan=PLAN)
    wishes = LoadWishes(threads=1)
    present = Present({"vllm": status}, {"vllm": environment}, {"vllm": wishes}, {"vllm": "c"}, "b")
    llama, vllm = cards_of(FACTS, present)
    assert (vllm.status, vllm.environment, vllm.wishes) == (status, environment, wishes)
    assert vllm.models == ("c", "b")  # chosen for it
    assert llama.models == ("b", "a")  # used last


def test_options_are_those_that_the_engine_has() -> None:
    plan = replace(PLAN, requirements=("torch==2", "bitsandbytes==0.50.2"))
    environment = EnvironmentStatus("vllm", EnvironmentState.READY, plan=plan)
    llama, vllm = cards_of(FACTS, Present(environments={"vllm": environment}))
    assert llama.offered == Offered()
    assert vllm.offered == Offered(gpus=2, number_format=True, quantizes=True)


def test_a_model_that_is_gone_is_not_started() -> None:
    llama, _ = cards_of(FACTS, Present(models={"llama_cpp": "gone"}, last_model="gone too"))
    assert llama.models == ("a", "b")
