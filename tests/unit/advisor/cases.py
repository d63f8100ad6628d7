"""Machines and models to advise on."""

from __future__ import annotations

from collections.abc import Sequence

from app.advisor.ladder import Candidate, Subject
from app.domain.catalog import Dimensions
from app.domain.machine import Bandwidth, Cpu, Disk, Gpu, Machine, Memory
from app.models.sketch import sketch

GB = 10**9
QUANTIZATIONS = ("BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_K_S", "IQ4_XS", "Q3_K_M", "Q2_K")
QWEN3_4B = Dimensions("qwen3", 36, 2560, 9728, 32, (8,), 128, 151_936, tied=True)
LLAMA_8B = Dimensions("llama", 32, 4096, 14_336, 32, (8,), 128, 128_256, tied=False)
LLAMA_70B = Dimensions("llama", 80, 8192, 28_672, 64, (8,), 128, 128_256, tied=False)
NVIDIA = Gpu("NVIDIA GeForce RTX 4070", 12 * GB, 11 * GB, device="CUDA0")
APPLE = Gpu("Apple M2 Pro", 11 * GB, None, unified_memory=True, device="Metal")


def machine(free: float = 15.6, bandwidth: float | None = 41.0, *gpus: Gpu) -> Machine:
    """`free` memory in GB, `bandwidth` in GB/s of reading."""
    measured = None
    if bandwidth is not None:
        measured = Bandwidth(int(bandwidth * GB / 2), int(bandwidth * GB), 8, "A processor", "2026-01-01")
    return Machine(
        system="Linux",
        cpu=Cpu("A processor", "x86_64", 8, 16, 8),
        memory=Memory(max(16 * GB, int(free * GB)), int(free * GB)),
        disk=Disk("/models", None, None),
        gpus=gpus,
        bandwidth=measured,
    )


def subject(
    dimensions: Dimensions = QWEN3_4B,
    quantizations: Sequence[str] = QUANTIZATIONS,
    *,
    context_length: int = 40_960,
) -> Subject:
    candidates = []
    for name in quantizations:
        header = sketch(dimensions, context_length, name)
        candidates.append(Candidate(name, header.file_size, header, exact=False))
    return Subject("A model", tuple(candidates), context_length)
