"""Machines that the decision guide is asked about, and what is known of them, with the real catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from app.advisor.correction import UNCORRECTED
from app.advisor.guide_answer import Evidence
from app.advisor.ladder import Subject, climb
from app.domain.attached import AttachedServer
from app.domain.machine import Bandwidth, Cpu, Disk, Gpu, Machine, Memory
from app.domain.speed_test_history import MeasuredRate
from app.engines.environment import Environments
from app.engines.registry import adapters
from app.models.catalog import catalog
from app.services.guidance import attached_engines, engines_here, parameters_of, reference_figures
from app.services.guidance_models import ModelSuggester
from app.services.model_advice import _sketched

GB = 10**9
INTEL = Cpu("A processor", "x86_64", 4, 8, 4, instruction_sets=("SSE4.2", "AVX", "AVX2"))
RTX = Gpu("NVIDIA GeForce RTX 4060", 8 * GB, 7 * GB, "580.1", "8.9", cuda_version="13.0", device="CUDA0")
A100 = Gpu("NVIDIA A100 80GB", 80 << 30, 79 << 30, "580.1", "8.0", cuda_version="13.0", device="CUDA0")
H100 = replace(A100, name="NVIDIA H100 80GB HBM3", compute_capability="9.0")
M2 = Gpu("Apple M2 Pro", 11 * GB, None, unified_memory=True, device="Metal")
RADEON = Gpu("AMD Radeon RX 7600", 8 * GB, 7 * GB, device="Vulkan0")


def machine(
    system: str, cpu: Cpu, total: float, free: float, *gpus: Gpu, disk: float = 200, speed: float = 40
) -> Machine:
    """Memory and disk in GB, `speed` in GB/s of reading memory; 0: never measured."""
    measured = Bandwidth(int(speed * GB / 2), int(speed * GB), 4, cpu.model, "2026-01-01") if speed else None
    memory = Memory(int(total * GB), int(free * GB))
    return Machine(system, cpu, memory, Disk("/", 500 * GB, int(disk * GB)), gpus, bandwidth=measured)


MACHINES = {
    "laptop": machine("Linux 6.8", INTEL, 8, 5),
    "Apple": machine(
        "Darwin 25.0", Cpu("Apple M2 Pro", "arm64", 10, 10, 10), 16, 11, M2, speed=180
    ),
    "Windows with RTX": machine("Windows 11", replace(INTEL, architecture="AMD64"), 16, 10, RTX),
    "Windows": machine("Windows 11", replace(INTEL, architecture="AMD64"), 16, 10),
    "Linux with A100": machine("Linux 6.8", INTEL, 128, 120, A100, disk=900),
    "Linux with two H100": machine("Linux 6.8", INTEL, 256, 240, H100, H100, disk=900),
    "Linux with Radeon": machine("Linux 6.8", INTEL, 32, 25, RADEON),
    "GPU that llama.cpp does not see": machine("Linux 6.8", INTEL, 32, 25, replace(RTX, device=None)),
    "old driver": machine("Linux 6.8", INTEL, 32, 25, replace(RTX, cuda_version="12.4")),
    "tiny": machine("Linux 6.8", INTEL, 4, 2.2, disk=10),
    "no AVX": machine(
        "Linux 6.8", replace(INTEL, instruction_sets=("SSE4.2",)), 8, 5, speed=0
    ),
    "ARM": machine("Linux 6.8", Cpu("Cortex-A76", "aarch64", 4, 4, 4), 8, 6, speed=10),
    "full": machine("Linux 6.8", INTEL, 8, 0.3, disk=0.2),
}  # fmt: skip
"""From a bare laptop to a server, some of them hard to please."""


@cache
def subjects() -> dict[str, Subject]:
    """The catalog's models, sketched."""
    return {model.id: _sketched(model) for model in catalog()}


def evidence(
    of: Machine,
    *,
    installed: Sequence[str] = (),
    rates: Sequence[MeasuredRate] = (),
    attached: Sequence[AttachedServer] = (),
    offline: bool = False,
    local: Sequence[Any] = (),
) -> Evidence:
    """What is known of a machine: engines by their real adapters, models by the real catalog."""
    engines = adapters(Environments(Path("nowhere"), lambda: of))
    there = {engine.id: engine.environment is None or engine.id in installed for engine in engines}
    return Evidence(
        engines=engines_here(engines, of, there),
        suggest=ModelSuggester(
            of, catalog(), subjects(), lambda subject, goal: climb(subject, of, goal, UNCORRECTED), local
        ),
        rates=tuple(rates),
        parameters=parameters_of(rates),
        reference=reference_figures(),
        attached=attached_engines(attached),
        offline=offline,
    )
