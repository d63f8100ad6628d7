"""What the manager of engines is made of on this machine. No Qt here: the command line uses it too."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.engine import Fitness
from app.domain.errors import EngineMissing
from app.domain.machine import Gpu, Machine
from app.services.this_machine import listed_gpus
from app.storage.paths import Paths

if TYPE_CHECKING:  # neither the adapters nor the probe are needed before the first model is loaded
    from app.engines.base import EngineAdapter
    from app.engines.environment import Environments


OTHERS_PROGRAMS = {"tensorrt_llm": "trtllm-serve"}
"""Engines that Edgewise cannot install, and the program that is there where somebody else did."""


class EngineParts:
    """Environments and adapters, made when they are first needed. Any thread may call; all may block."""

    def __init__(self, paths: Paths, environments: Environments | None = None) -> None:
        """`environments` are found where none are given."""
        self._paths = paths
        self._lock = threading.Lock()
        self._environments = environments
        self._on_gpu: dict[Path, bool] = {}

    @property
    def environments(self) -> Environments:
        """The environments of engines that have one."""
        from app.services.engine_installer import find_environments

        with self._lock:
            if self._environments is None:
                self._environments = find_environments(self._paths)
            return self._environments

    def adapters(self) -> tuple[EngineAdapter, ...]:
        """Every engine that Edgewise can start."""
        from app.engines.registry import adapters

        return adapters(self.environments)

    def is_installed(self, environment: str) -> bool:
        """Whether an engine's environment can be used, or its program is found where others install it."""
        if environment in OTHERS_PROGRAMS:
            return shutil.which(OTHERS_PROGRAMS[environment]) is not None
        return self.environments.of(environment).usable() is not None

    def is_there(self, adapter: EngineAdapter) -> bool:
        """Whether the engine can be started: it comes with Edgewise, or its environment can be used."""
        return adapter.environment is None or self.is_installed(adapter.environment)

    def rank(self, adapter: EngineAdapter) -> int:
        """Of engines that load a format equally well: the smaller, the sooner it is taken.

        Builds of llama.cpp that compute on a GPU come first, those that were installed and find none last. A
        build is asked once.
        """
        from app.engines.llama_cpp_on_gpu import LlamaCppOnGpu

        if not isinstance(adapter, LlamaCppOnGpu):
            return 1
        if not self.is_there(adapter):
            return 2
        with suppress(EngineMissing):
            library = adapter.library()
            if library not in self._on_gpu:
                self._on_gpu[library] = any(gpu.device is not None for gpu in listed_gpus(library))
            return 0 if self._on_gpu[library] else 2
        return 2

    def fitness(self, adapter: EngineAdapter, machine: Machine) -> Fitness:
        """Whether the engine can run on `machine`, which is this one.

        Of an installed build of llama.cpp for GPUs the devices decide that it finds; else the adapter judges.
        """
        from app.engines.llama_cpp_backend import device_names
        from app.engines.llama_cpp_on_gpu import LlamaCppOnGpu
        from app.engines.llama_cpp_programs import list_devices
        from app.hardware.devices import parse_devices

        if not isinstance(adapter, LlamaCppOnGpu) or not self.is_there(adapter):
            return adapter.fitness(machine)
        try:
            listed = list_devices(adapter.library())
        except EngineMissing as error:
            return Fitness(False, error.message)
        if gpus := parse_devices(listed):
            return Fitness(True, f"Runs on the {' and the '.join(dict.fromkeys(gpu.name for gpu in gpus))}.")
        if device_names(listed, adapter.backend):
            return Fitness(
                True,
                "The only device it finds is a driver that computes on the processor, slower than llama.cpp"
                " does there itself.",
            )
        return Fitness(False, "It finds no GPU here that it can compute on. A newer driver may help.")

    def gpus(self, adapter: EngineAdapter) -> Sequence[Gpu]:
        """The GPUs that the engine's build computes on, with what is free on them now.

        Those of llama.cpp's builds include one that shares main memory, if it computes on that.
        """
        from app.advisor.placement import used_of
        from app.engines.llama_cpp_on_gpu import LlamaCppOnGpu
        from app.hardware.nvidia import probe_nvidia

        if adapter.environment is None:
            return used_of(listed_gpus())
        if isinstance(adapter, LlamaCppOnGpu):
            try:
                return used_of(listed_gpus(adapter.library()))
            except EngineMissing:
                return ()
        if adapter.environment in OTHERS_PROGRAMS:  # they know no other device
            return probe_nvidia()
        installed = self.environments.of(adapter.environment).installed()
        return probe_nvidia() if installed is not None and installed.variant.startswith("cuda") else ()


def find_adapter(parts: EngineParts, wanted: str) -> EngineAdapter | None:
    """The engine that a person means by its id or its name; None if there is none of that name."""
    plain = plain_name(wanted)
    return next((it for it in parts.adapters() if plain in (plain_name(it.id), plain_name(it.name))), None)


def plain_name(name: str) -> str:
    """A name without what people write differently: "llama.cpp (CUDA)" is "llamacppcuda"."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())
