"""Hugging Face Transformers, behind a server of our own (`app/engine_servers/transformers_server.py`)."""

from __future__ import annotations

import sys

from app.domain.engine import Fitness
from app.domain.hub import Format
from app.domain.machine import Machine
from app.domain.model import LocalModel
from app.engines import transformers_log
from app.engines.base import InstalledEnvironment, Launch, LoadOptions, LoadReport
from app.engines.isolation import NOT_FOR_ENGINES, SOURCES, isolated, python_command
from app.engines.openai_client import Dialect
from app.engines.pins import machine_kind, pins

SERVER = "app.engine_servers.transformers_server"
START_TIMEOUT_S = 600.0
"""PyTorch alone takes 20 seconds to import on a slow machine, and weights may come from a slow disk."""
DTYPES = {"bf16": "bfloat16", "f16": "float16", "f32": "float32", "half": "float16", "float": "float32"}
"""Other names of what it computes in, to PyTorch's."""


class Transformers:
    """The adapter of Transformers."""

    id = "transformers"
    name = "Transformers"
    ready_path = "/health"
    dialect = Dialect(
        parameters={
            "temperature": "temperature",
            "top_p": "top_p",
            "top_k": "top_k",
            "min_p": "min_p",
            "repeat_penalty": "repeat_penalty",
            "max_tokens": "max_tokens",
            "seed": "seed",
        },
        count_path="/v1/chat/completions/input_tokens",
        uncached={"cache_prompt": False},
    )
    formats: tuple[Format, ...] = (Format.SAFETENSORS, Format.GGUF)
    environment: str | None = "transformers"

    def __init__(self, environment: InstalledEnvironment) -> None:
        self._environment = environment

    def fitness(self, machine: Machine) -> Fitness:
        """See `EngineAdapter.fitness`."""
        pin = pins()["transformers"]
        variant = pin.variant_for(machine)
        if variant is None:
            return Fitness(False, pin.why_not(machine))
        if variant.cuda is not None:
            gpu = next((gpu.name for gpu in machine.gpus if gpu.cuda_version), "GPU")
            return Fitness(True, f"Runs on the {gpu}.")
        if machine_kind(machine).startswith("darwin-"):
            return Fitness(True, "Runs on this Mac's GPU.")
        return Fitness(True, "Runs on the processor. llama.cpp is much faster there.")

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        """See `EngineAdapter.launch`."""
        python = self._environment.python()
        argv = [
            *python_command(python),
            *("-m", SERVER),
            *("--model", str(model.path)),
            f"--name={model.name}",  # one word: a name may begin with a dash
            *("--port", str(port)),
            *("--context", str(options.context_length)),
            *("--threads", str(options.threads)),
            *("--dtype", DTYPES.get(options.dtype, options.dtype)),
        ]
        if options.quantize_bits is not None:
            argv += ["--quantize-bits", str(options.quantize_bits)]
        if options.kv_cache_bytes is not None:
            argv += ["--cache-bytes", str(options.kv_cache_bytes)]
        if options.parallel is not None:
            argv += ["--sequences", str(options.parallel)]
        return Launch(
            argv=tuple(argv),
            env=isolated(python) | _computing(options.threads) | {"EDGEWISE_API_KEY": api_key},
            # A person's own settings would silently change what we start.
            env_without=(*NOT_FOR_ENGINES, "TRANSFORMERS_", "HF_", "OMP_", "KMP_", "GOMP_", "EDGEWISE_"),
            context_length=options.context_length,
            start_timeout_s=START_TIMEOUT_S,
        )

    def explain_failure(self, model: LocalModel, log: str, exit_status: int | None) -> str:
        """See `EngineAdapter.explain_failure`."""
        return transformers_log.explain_failure(model, log, exit_status)

    def lacked_memory(self, log: str, exit_status: int | None) -> bool:
        """See `EngineAdapter.lacked_memory`."""
        return transformers_log.lacked_memory(log, exit_status)

    def read_load(self, log: str) -> LoadReport:
        """See `EngineAdapter.read_load`."""
        return transformers_log.read_load(log)

    def start_progress(self, log: str) -> str:
        """See `EngineAdapter.start_progress`."""
        return transformers_log.start_progress(log)

    def port_was_taken(self, log: str) -> bool:
        """See `EngineAdapter.port_was_taken`."""
        return transformers_log.port_was_taken(log)


def _computing(threads: int) -> dict[str, str]:
    """How its Python finds the server, and how its threads wait for each other.

    Threads that wait actively take the processor from the one they wait for as soon as another program wants
    it, too: with two threads on two busy cores a reply came at 0.9 tokens/s, with passive ones at 15.
    """
    return {
        "PYTHONPATH": str(SOURCES),
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        # Intel's and LLVM's OpenMP, which PyTorch has on Windows and macOS, go by this one.
        **({} if sys.platform == "linux" else {"KMP_BLOCKTIME": "0"}),
    }
