"""What exactly runs in a speed test: versions, flags, device. No Qt here.

What looks at the machine blocks for tenths of a second.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from app.benchmark.comparison import lasting_flags
from app.domain.errors import EngineMissing
from app.domain.machine import Gpu, Machine
from app.engines.base import EngineAdapter, LoadReport
from app.engines.llama_cpp_on_gpu import LlamaCppOnGpu
from app.engines.llama_cpp_programs import find_program
from app.services.engine_parts import EngineParts

VERSION_TIMEOUT_S = 5.0
"""Drivers of GPUs that are asleep take a second or two."""
LIBRARIES = ("torch", "transformers", "bitsandbytes", "flashinfer-python", "triton")
"""Packages that decide how fast an engine computes, beside the engine itself."""
_LLAMA_VERSION = re.compile(r"^version: (.{1,80})$", re.MULTILINE)


def versions(parts: EngineParts, adapter: EngineAdapter, gpus: Sequence[Gpu]) -> dict[str, str]:
    """The engine's version, its libraries', its build, and the driver's of the GPUs that it computes on.

    What cannot be told is left out.
    """
    found: dict[str, str] = {}
    if adapter.environment is None:
        if version := llama_cpp_version():
            found[adapter.name] = version
    else:
        environment = parts.environments.of(adapter.environment)
        installed = environment.installed()
        if installed is not None:
            found[adapter.name] = environment.version()
            others = (
                name for name in LIBRARIES if name != adapter.environment and name in installed.versions
            )
            found |= {name: installed.versions[name] for name in others}
            found["build"] = installed.variant
            if isinstance(adapter, LlamaCppOnGpu) and (version := llama_cpp_version()):
                found["llama.cpp"] = version  # the library serves the server of this one
    driver = next((gpu.driver for gpu in gpus if gpu.driver), None)
    if driver is not None:
        found["driver"] = driver
    return {name: version for name, version in found.items() if version}


def llama_cpp_version() -> str:
    """What `llama-server --version` says, with its build and commit; empty where it does not."""
    try:
        done = subprocess.run(
            [find_program("llama-server"), "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=VERSION_TIMEOUT_S,
            check=False,
            creationflags=0x08000000 if sys.platform == "win32" else 0,  # CREATE_NO_WINDOW
        )
    except (EngineMissing, OSError, subprocess.SubprocessError):
        return ""
    match = _LLAMA_VERSION.search(done.stdout.decode("utf-8", "replace").replace("\r", ""))
    return match[1].strip() if match else ""


def flags(argv: Sequence[str]) -> tuple[str, ...]:
    """A command line after its program, without what differs with every run and machine: no port, and of
    paths the name alone."""
    return tuple(_without_folder(word) for word in lasting_flags(argv[1:]))


def device(
    machine: Machine, gpus: Sequence[Gpu], report: LoadReport, *, tensor_parallel: int, by_layers: bool
) -> str:
    """What it computes on, in words. `gpus` are those that its build computes on.

    `by_layers`: they have as many of the model's layers as the report says. A GPU that shares main memory is
    told by the report alone.
    """
    processor = machine.cpu.model
    named = [gpu.name for gpu in gpus or machine.gpus]
    name = ", ".join(dict.fromkeys(named)) or "GPU"
    if by_layers:
        return f"{name}, with {report.gpu_layers} layers on it" if report.gpu_layers else processor
    if gpus and tensor_parallel > 1:
        return f"{tensor_parallel} × {gpus[0].name}"
    return named[0] if gpus or (named and report.gpu_bytes) else processor


def _without_folder(word: str) -> str:
    option, equals, value = word.partition("=")
    if equals and option.startswith("-") and _is_path(value):
        return f"{option}={Path(value).name}"
    return Path(word).name if _is_path(word) else word


def _is_path(word: str) -> bool:
    return Path(word).is_absolute()
