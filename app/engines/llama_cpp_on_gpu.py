"""llama.cpp's server with a library of ggml that computes on GPUs: NVIDIA's by CUDA, any by Vulkan.

The server is the one that comes with Edgewise; only the library is installed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.domain.engine import Fitness
from app.domain.errors import EngineStartFailed
from app.domain.machine import Machine
from app.domain.model import LocalModel
from app.engines.base import InstalledEnvironment, Launch, LoadOptions
from app.engines.llama_cpp import LlamaCpp
from app.engines.llama_cpp_backend import backend_variables, device_names, library_in
from app.engines.llama_cpp_programs import list_devices
from app.engines.nvidia import GpuNeeds, nvidia_gpus, why_not
from app.engines.pins import pins

START_TIMEOUT_S = 300.0
"""A model of some ten GB has to reach the GPU from a slow disk, and a driver may compile for it first."""
OLDEST_CUDA_GPU = (7, 5)
"""Compute capability of the oldest GPUs that build/gpu_package.py compiles for: Turing's."""


class LlamaCppOnGpu(LlamaCpp):
    """What the adapters for CUDA and Vulkan have in common."""

    backend: str
    """The one of ggml's."""

    def __init__(self, environment: InstalledEnvironment) -> None:
        self._environment = environment

    def library(self) -> Path:
        """Where the library is. Raises EngineMissing."""
        return library_in(self._environment.python().parents[1], self.backend)

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        """See `EngineAdapter.launch`."""
        library = self.library()
        # One that comes without a plan takes the first; so do Vulkan's drivers that compute on the processor.
        devices = options.devices or device_names(list_devices(library), self.backend)[:1]
        if not devices:
            raise EngineStartFailed(
                f"{model.name} did not start: {self.name} finds no GPU that it can compute on. Start it with"
                " llama.cpp, or update the GPU’s driver."
            )
        launch = super().launch(model, options, port=port, api_key=api_key)
        return replace(
            launch,
            # A server whose processor backend is part of it loads libraries only where a device is named.
            argv=(*launch.argv, "--device", ",".join(devices)),
            env={**launch.env, **backend_variables(library)},
            start_timeout_s=START_TIMEOUT_S,
        )


class LlamaCppCuda(LlamaCppOnGpu):
    """llama.cpp on NVIDIA's GPUs."""

    id = "llama_cpp_cuda"
    name = "llama.cpp (CUDA)"
    environment: str | None = "llama_cpp_cuda"
    backend = "cuda"

    def fitness(self, machine: Machine) -> Fitness:
        """See `EngineAdapter.fitness`."""
        pin = pins()[self.id]
        if not pin.is_for(machine):
            return Fitness(False, pin.elsewhere)
        gpus = nvidia_gpus(machine)
        if not gpus:
            return Fitness(False, f"{self.name} needs an NVIDIA GPU and its driver, and there is none here.")
        needed = max(variant.cuda or () for variant in pin.variants)
        if reason := why_not(self.name, gpus[0], GpuNeeds(OLDEST_CUDA_GPU, needed, memory=0)):
            return Fitness(False, reason)
        return Fitness(True, f"Runs on the {gpus[0].name}.")


class LlamaCppVulkan(LlamaCppOnGpu):
    """llama.cpp on the GPUs of any maker."""

    id = "llama_cpp_vulkan"
    name = "llama.cpp (Vulkan)"
    environment: str | None = "llama_cpp_vulkan"
    backend = "vulkan"

    def fitness(self, machine: Machine) -> Fitness:
        """See `EngineAdapter.fitness`."""
        pin = pins()[self.id]
        if not pin.is_for(machine):
            return Fitness(False, pin.elsewhere)
        named = [gpu.name for gpu in machine.gpus] or [f"{maker} GPU" for maker in machine.display_makers]
        if not named:
            return Fitness(False, f"{self.name} needs a GPU, and this machine shows none.")
        if machine.vulkan is False:
            return Fitness(
                False,
                f"The {named[0]} has no Vulkan here: its loader is missing. It comes with the GPU’s driver;"
                " on Debian and Ubuntu the packages are libvulkan1 and mesa-vulkan-drivers.",
            )
        return Fitness(True, f"Should run on the {named[0]}; the installation tries it.")
