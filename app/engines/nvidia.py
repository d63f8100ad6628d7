"""Whether a machine's NVIDIA GPUs suit an engine, in words."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.engine import Fitness
from app.domain.machine import Gpu, Machine
from app.engines.pins import machine_kind

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GpuNeeds:
    """What an engine's GPU build needs at least; `cuda` is what the driver must take, `memory` in bytes."""

    compute_capability: Version
    cuda: Version
    memory: int


def nvidia_gpus(machine: Machine) -> tuple[Gpu, ...]:
    """The NVIDIA GPUs that the driver told of, the most able first."""
    gpus = [gpu for gpu in machine.gpus if gpu.compute_capability]
    return tuple(sorted(gpus, key=lambda gpu: (_version(gpu.compute_capability), _memory(gpu)), reverse=True))


def why_not(engine: str, gpu: Gpu, needs: GpuNeeds) -> str:
    """Why `engine` cannot run on `gpu` and what to do, in whole sentences; empty where it can."""
    if _version(gpu.compute_capability) < needs.compute_capability:
        return (
            f"The {gpu.name} is too old for {engine}: it has compute capability {gpu.compute_capability},"
            f" and {_text(needs.compute_capability)} is needed."
        )
    if lacks_driver(gpu, needs):
        takes = (
            f"takes CUDA {gpu.cuda_version} at most"
            if gpu.cuda_version
            else "does not say which CUDA it takes"
        )
        return f"The NVIDIA driver {takes}, and {engine} needs {_text(needs.cuda)}: update the driver."
    if gpu.memory_total is not None and gpu.memory_total < needs.memory:
        has = f"{gpu.memory_total / 1e9:.1f} GB of memory"
        return f"The {gpu.name} has {has}, too little for {engine} with any model."
    return ""


def untried_fitness(engine: str, machine: Machine, needs: GpuNeeds) -> Fitness:
    """That of an engine for Linux with NVIDIA GPUs that Edgewise starts by its documentation alone."""
    elsewhere = f"{engine} on another machine can be attached by its address."
    if not machine_kind(machine).startswith("linux-"):
        return Fitness(False, f"{engine} runs on Linux alone. {elsewhere}")
    gpus = nvidia_gpus(machine)
    if not gpus:
        return Fitness(False, f"{engine} needs an NVIDIA GPU, and there is none. {elsewhere}")
    if reason := why_not(engine, gpus[0], needs):
        return Fitness(False, reason)
    return Fitness(
        True,
        f"Should run on the {gpus[0].name}: Edgewise starts it as its makers document it, but that was never"
        " tried on a real GPU.",
        experimental=True,
    )


def lacks_driver(gpu: Gpu, needs: GpuNeeds) -> bool:
    """True if a newer driver would be needed first."""
    return _version(gpu.cuda_version) < needs.cuda


def _memory(gpu: Gpu) -> int:
    return gpu.memory_total or 0


def _version(text: str | None) -> Version:
    return tuple(map(int, text.split("."))) if text else ()


def _text(version: Version) -> str:
    return ".".join(map(str, version))
