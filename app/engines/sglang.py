"""SGLang: safetensors models on NVIDIA GPUs under Linux.

It was never run on a GPU, and there is no build of it for processors. The options are those of 0.5.23 as its
own help lists them (tests/unit/engines/help). What its log says of a start and of failures was read in its
source, not seen.

The key guards all but /health. It travels in the environment to `app.engine_servers.sglang_server`, because
SGLang itself takes it in its arguments alone.
"""

from __future__ import annotations

import re

from app.domain.engine import Fitness
from app.domain.hub import Format
from app.domain.machine import Machine
from app.domain.model import LocalModel
from app.engines import torch_failures
from app.engines.base import HOST, InstalledEnvironment, Launch, LoadOptions, LoadReport
from app.engines.isolation import NOT_FOR_ENGINES, SOURCES, isolated, python_command
from app.engines.nvidia import GpuNeeds, untried_fitness
from app.engines.openai_client import SALT, Dialect
from app.engines.torch_failures import FAILURES, OUT_OF_MEMORY, Failure

SERVER = "app.engine_servers.sglang_server"
START_TIMEOUT_S = 900.0
"""Kernels are compiled at a first start, and large weights may come from a slow disk."""
NEEDS = GpuNeeds(compute_capability=(7, 5), cuda=(13, 0), memory=6 << 30)
"""The capability from its installation guide (sm75); CUDA as its wheels want it (cuda-python 13)."""


class SGLang:
    """The adapter of SGLang."""

    id = "sglang"
    name = "SGLang"
    ready_path = "/health"
    dialect = Dialect(
        parameters={
            "temperature": "temperature",
            "top_p": "top_p",
            "top_k": "top_k",
            "min_p": "min_p",
            "repeat_penalty": "repetition_penalty",
            "max_tokens": "max_tokens",
            "seed": "seed",
        },
        count_path="/tokenize",
        uncached={"cache_salt": SALT},
    )
    formats: tuple[Format, ...] = (Format.SAFETENSORS,)
    environment: str | None = "sglang"

    def __init__(self, environment: InstalledEnvironment) -> None:
        self._environment = environment

    def fitness(self, machine: Machine) -> Fitness:
        """See `EngineAdapter.fitness`."""
        return untried_fitness(self.name, machine, NEEDS)

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        """See `EngineAdapter.launch`."""
        python = self._environment.python()
        share = options.gpu_memory_share
        return Launch(
            argv=(
                *python_command(python),
                *("-m", SERVER),
                *("--model-path", str(model.path)),
                f"--served-model-name={model.name}",  # one word: a name may begin with a dash
                *("--host", HOST, "--port", str(port)),
                *("--context-length", str(options.context_length)),
                *("--dtype", options.dtype),
                *("--load-format", "safetensors"),  # never a pickle that lies beside them
                *("--tp-size", str(options.tensor_parallel)),
                *(("--mem-fraction-static", f"{share:.2f}") if share is not None else ()),
                *(("--max-running-requests", str(options.parallel)) if options.parallel is not None else ()),
            ),
            env=isolated(python) | {"PYTHONPATH": str(SOURCES), "EDGEWISE_API_KEY": api_key},
            env_without=("SGLANG_", "SGL_", "EDGEWISE_", *NOT_FOR_ENGINES),
            context_length=options.context_length,
            start_timeout_s=START_TIMEOUT_S,
        )

    def explain_failure(self, model: LocalModel, log: str, exit_status: int | None) -> str:
        """See `EngineAdapter.explain_failure`."""
        return torch_failures.explain(self.name, model, log, exit_status, (*_WANTS_OF_MEMORY, *_FAILURES))

    def lacked_memory(self, log: str, exit_status: int | None) -> bool:
        """See `EngineAdapter.lacked_memory`."""
        return torch_failures.lacked_memory(log, exit_status, _WANTS_OF_MEMORY, _FAILURES)

    def read_load(self, log: str) -> LoadReport:
        """See `EngineAdapter.read_load`."""
        del log  # it names what is left free, not what it took
        return LoadReport()

    def start_progress(self, log: str) -> str:
        """See `EngineAdapter.start_progress`."""
        return torch_failures.latest_stage(log, _STAGES, "importing")

    def port_was_taken(self, log: str) -> bool:
        """See `EngineAdapter.port_was_taken`."""
        return torch_failures.port_was_taken(log)


_STAGES = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Load weight begin", "loading the weights"),
        (r"Load weight end", "reserving the KV cache"),
        (r"Capture [^\n]*graph[^\n]* begin", "capturing CUDA graphs"),
        (r"Capture [^\n]*graph[^\n]* end|Uvicorn running on", "warming up"),
    )
)

_WANTS_OF_MEMORY: tuple[Failure, ...] = (
    (
        r"Please try to increase --mem-fraction-static",
        "its weights leave no memory for the KV cache. Give it a larger share of the memory, or use a smaller"
        " model.",
    ),
    (
        r"Capture [^\n]*graph failed: [^\n]*(?:out of memory|OutOfMemory)",
        "no memory was left beside its share. Give it a smaller share of the memory.",
    ),
    OUT_OF_MEMORY,
)
_FAILURES: tuple[Failure, ...] = (
    (
        r"Model architectures? \['?([^'\]]*)'?\][^\n]* not supported",
        "this SGLang does not know models of the kind “{0}”. Transformers may load it, or a newer SGLang.",
    ),
    *FAILURES,
)
