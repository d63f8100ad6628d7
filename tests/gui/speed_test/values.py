"""Speed tests as they could have come out, to be shown: figures of no machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.benchmark.progress import Stage
from app.benchmark.workload import CHAT, STANDARD, WRITE
from app.domain.engine import LoadWishes
from app.domain.machine import Cpu, Disk, Machine, Memory
from app.domain.model import LocalModel
from app.domain.speed_test import (
    Case,
    CaseResult,
    ColumnResult,
    Contender,
    Disturbance,
    EngineFacts,
    LeftOut,
    Observation,
    SpeedTest,
    Spread,
    TestState,
    Watched,
)
from app.services.model_forms import Candidate
from app.services.speed_test_live import LiveColumn, LiveTest
from app.services.speed_test_offer import EngineOffer, FamilyOffer, FormOffer, Offer

MACHINE = Machine(
    "Linux",
    Cpu("Example CPU", "x86_64", 4, 8, 4),
    Memory(16_000_000_000, 9_000_000_000),
    Disk("/", 10**12, 10**11),
)
LLAMA = Contender(
    "llama_cpp", "llama.cpp", "SmolLM2-135M-Instruct-Q4_1", "SmolLM2 135M Instruct", "Q4_1", 4.5
)
TRANSFORMERS = Contender(
    "transformers", "Transformers", "SmolLM2-135M-Instruct", "SmolLM2 135M Instruct", "bf16", 16.0
)
VLLM = replace(TRANSFORMERS, engine_id="vllm", engine="vLLM")
WORKLOAD = STANDARD


def about(median: float, share: float = 0.04, n: int = 5) -> Spread:
    return Spread(median, median * (1 - share), median * (1 + share), n)


def result(case: Case, speed: float, ttft: float, observed: tuple[Observation, ...] = ()) -> CaseResult:
    return CaseResult(
        case,
        5,
        ttft=about(ttft),
        itl=about(case.batch / speed),
        tpot=about(case.batch / speed),
        duration=about(ttft + case.shape.output_tokens * case.batch / speed),
        output_rate=about(speed),
        total_rate=about(speed * 2),
        server_rate=about(speed / case.batch),
        prompt_tokens=case.shape.prompt_tokens,
        completion_tokens=case.shape.output_tokens,
        watched=Watched(412_000_000, observations=observed),
    )


def column(contender: Contender, alone: float, eight: float, ttft: float, memory: int) -> ColumnResult:
    return ColumnResult(
        contender,
        EngineFacts(
            versions={contender.engine: "1.2.3", "torch": "2.13.0"},
            flags=("--ctx-size", "8192", "--parallel", "8"),
            model_file=f"{contender.model}.gguf",
            model_bytes=98_362_432,
            model_hash="0f" * 32,
            device="CPU",
            context_length=8192,
            parallel=8,
            threads=4,
        ),
        load_s=0.4,
        cold_ttft_s=ttft * 1.8,
        memory=memory,
        memory_peak=round(memory * 1.1),
        cases=(
            result(Case(CHAT, 1), alone, ttft),
            result(Case(CHAT, 8), eight, ttft * 3),
            result(
                Case(WRITE, 1),
                alone * 0.97,
                ttft * 0.6,
                (Observation(Disturbance.OTHER_LOAD, "other programs used 0.8 of 4 cores"),),
            ),
        ),
        left_out=(
            LeftOut(
                Case(CHAT, 32),
                "32 at once were left out: they would have taken about 4 min, and 1 min was left.",
            ),
        ),
    )


FIRST = column(LLAMA, 118.0, 151.0, 0.11, 380_000_000)
SECOND = column(TRANSFORMERS, 21.0, 92.0, 0.34, 910_000_000)
FAILED = ColumnResult(
    VLLM,
    failure="vLLM did not start: the model did not fit into memory.",
    detail="torch.OutOfMemoryError: tried to allocate 4.00 GiB",
)
TEST = SpeedTest(
    7,
    1_764_000_000.0,
    WORKLOAD,
    MACHINE,
    "0.1.0",
    "Linux 6.8",
    (FIRST, SECOND),
    (1, 0),
    TestState.DONE,
    "3.11.9",
)
OLDER = replace(
    TEST, id=5, at=TEST.at - 3 * 86_400, columns=(column(LLAMA, 99.0, 120.0, 0.13, 380_000_000), SECOND)
)
CUT_SHORT = replace(
    TEST, id=8, columns=(FIRST, replace(SECOND, cases=SECOND.cases[:1])), state=TestState.CANCELLED
)
WITH_FAILURE = replace(TEST, id=9, columns=(FIRST, SECOND, FAILED))
ALONE = replace(TEST, id=10, columns=(FIRST,))

LIVE = LiveTest(
    replace(TEST, state=TestState.RUNNING),
    (
        LiveColumn(FIRST, Stage.DONE),
        LiveColumn(replace(SECOND, cases=SECOND.cases[:1]), Stage.MEASURING, Case(CHAT, 8), 2, rate=88.0),
        LiveColumn(ColumnResult(VLLM), Stage.WAITING),
    ),
    0.45,
    130.0,
)


def form(contender: Contender, precision: str, model: str = "") -> FormOffer:
    """One form; it lies on this machine where `model` names its file."""
    who = replace(contender, precision=precision, model=model or contender.model)
    local = LocalModel(model, Path(f"{model}.gguf"), 98_362_432)
    return FormOffer(precision or who.model, who, Candidate(who, local, LoadWishes()) if model else None)


BOX = Contender("attached:1", "GPU box", "smol", "smol", "", remote=True)
SMOL = FamilyOffer(
    "SmolLM2 135M Instruct",
    (
        EngineOffer(
            "llama_cpp",
            "llama.cpp",
            (
                form(LLAMA, "Q4_1", "SmolLM2-135M-Instruct-Q4_1"),
                form(LLAMA, "Q8_0", "SmolLM2-135M-Instruct-Q8_0"),
            ),
        ),
        EngineOffer("transformers", "Transformers", (form(TRANSFORMERS, "bf16", "SmolLM2-135M-Instruct"),)),
        EngineOffer("vllm", "vLLM", is_installed=False, why_not="Not installed yet."),
        EngineOffer("attached:1", "GPU box", (form(BOX, ""),), is_attached=True),
    ),
)
ONE_ENGINE = FamilyOffer(
    "Qwen3 4B", (SMOL.engines[0], replace(SMOL.engines[1], is_installed=False, forms=()))
)
OFFER = Offer((SMOL, ONE_ENGINE), "SmolLM2 135M Instruct", ("SmolLM2 135M Instruct in llama.cpp",))
DIFFERENCES = (
    "llama.cpp computes Q4_1 (4.5 bits a weight), Transformers bf16 (16 bits a weight): the first moves "
    "about a quarter of the bytes. Compare engines at the same precision only.",
)
