"""What the manager of engines is made of on this machine. No Qt here: the command line uses it too."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.domain.machine import Gpu
from app.storage.paths import Paths

if TYPE_CHECKING:  # neither the adapters nor the probe are needed before the first model is loaded
    from app.engines.base import EngineAdapter
    from app.engines.environment import Environments


OTHERS_PROGRAMS = {"tensorrt_llm": "trtllm-serve"}
"""Engines that Edgewise cannot install, and the program that is there where somebody else did."""


class EngineParts:
    """Environments and adapters, made when they are first needed. Any thread may call; all may block."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._environments: Environments | None = None

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
        return self.environments.of(environment).installed() is not None

    def gpus(self, adapter: EngineAdapter) -> Sequence[Gpu]:
        """The GPUs that the engine's build computes on, with what is free on them now."""
        from app.advisor.placement import usable_gpus
        from app.hardware.nvidia import probe_nvidia
        from app.services.this_machine import this_machine

        if adapter.environment is None:
            return [gpu for gpu in usable_gpus(this_machine(self._paths)) if not gpu.unified_memory]
        if adapter.environment in OTHERS_PROGRAMS:  # they know no other device
            return probe_nvidia()
        installed = self.environments.of(adapter.environment).installed()
        return probe_nvidia() if installed is not None and installed.variant.startswith("cuda") else ()


def find_adapter(parts: EngineParts, wanted: str) -> EngineAdapter | None:
    """The engine that a person means by its id or its name; None if there is none of that name."""
    plain = _plain(wanted)
    return next((it for it in parts.adapters() if plain in (_plain(it.id), _plain(it.name))), None)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
