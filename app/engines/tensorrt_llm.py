"""NVIDIA's TensorRT-LLM: safetensors models on NVIDIA GPUs under Linux, by its command `trtllm-serve`.

It was never run: its package on the index only points to files that NVIDIA serves elsewhere, so that Edgewise
cannot install it. Where `trtllm-serve` can be found, as in NVIDIA's container, it is started with its
documented options (tests/unit/engines/help has them from its source); elsewhere its server is attached.

It knows no API key. It listens on loopback, so that no other machine reaches it, but every program and every
user of this one can have it reply. `gpu_memory_share` is not passed on: its own share is one of what the
weights leave free, not of all memory.
"""

from __future__ import annotations

import shutil

from app.domain.engine import Fitness
from app.domain.errors import EngineMissing
from app.domain.hub import Format
from app.domain.machine import Machine
from app.domain.model import LocalModel
from app.engines import torch_failures
from app.engines.base import HOST, Launch, LoadOptions, LoadReport
from app.engines.isolation import NOT_FOR_ENGINES, offline
from app.engines.nvidia import GpuNeeds, untried_fitness
from app.engines.openai_client import SALT, Dialect
from app.engines.pins import pins
from app.engines.torch_failures import FAILURES, OUT_OF_MEMORY, Failure

PROGRAM = "trtllm-serve"
START_TIMEOUT_S = 1200.0
"""It tunes its kernels for the GPU at each start."""
NEEDS = GpuNeeds(compute_capability=(8, 0), cuda=(13, 0), memory=8 << 30)
"""Ampere (A100) is the oldest GPU in its list of supported hardware; it is built for CUDA 13."""


class TensorRtLlm:
    """The adapter of TensorRT-LLM."""

    id = "tensorrt_llm"
    name = "TensorRT-LLM"
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
        uncached={"cache_salt": SALT},
    )
    formats: tuple[Format, ...] = (Format.SAFETENSORS,)
    environment: str | None = "tensorrt_llm"

    def fitness(self, machine: Machine) -> Fitness:
        """See `EngineAdapter.fitness`."""
        return untried_fitness(self.name, machine, NEEDS)

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        """See `EngineAdapter.launch`; `api_key` is of no use to it."""
        del api_key
        program = shutil.which(PROGRAM)
        if program is None:
            raise EngineMissing(pins()[self.id].not_installable)
        return Launch(
            argv=(
                program,
                str(model.path),
                *("--host", HOST, "--port", str(port)),
                *("--backend", "pytorch"),
                *("--max_seq_len", str(options.context_length)),
                *("--tp_size", str(options.tensor_parallel)),
                *(("--max_batch_size", str(options.parallel)) if options.parallel is not None else ()),
            ),
            env=offline(),
            env_without=NOT_FOR_ENGINES[:2],
            context_length=options.context_length,
            start_timeout_s=START_TIMEOUT_S,
        )

    def explain_failure(self, model: LocalModel, log: str, exit_status: int | None) -> str:
        """See `EngineAdapter.explain_failure`."""
        return torch_failures.explain(self.name, model, log, exit_status, (*_WANTS_OF_MEMORY, *FAILURES))

    def lacked_memory(self, log: str, exit_status: int | None) -> bool:
        """See `EngineAdapter.lacked_memory`."""
        return torch_failures.lacked_memory(log, exit_status, _WANTS_OF_MEMORY, FAILURES)

    def read_load(self, log: str) -> LoadReport:
        """See `EngineAdapter.read_load`."""
        del log  # its words were never seen
        return LoadReport()

    def start_progress(self, log: str) -> str:
        """See `EngineAdapter.start_progress`."""
        del log  # likewise
        return ""

    def port_was_taken(self, log: str) -> bool:
        """See `EngineAdapter.port_was_taken`."""
        return torch_failures.port_was_taken(log)


_WANTS_OF_MEMORY: tuple[Failure, ...] = (OUT_OF_MEMORY,)
