"""llama.cpp's own server, `llama-server`: GGUF models on any CPU, and on a GPU where its build has one."""

from __future__ import annotations

import os
import re

from app.domain.engine import Fitness
from app.domain.hub import Format
from app.domain.machine import Machine
from app.domain.model import LocalModel
from app.engines.base import HOST, Launch, LoadOptions, LoadReport
from app.engines.llama_cpp_log import read_load
from app.engines.llama_cpp_programs import find_program
from app.engines.openai_client import Dialect
from app.engines.pins import machine_kind

__all__ = ["LlamaCpp", "find_program"]

SLOTS = 4
"""Replies at once; they share one KV cache, so an idle slot costs nothing. llama-server's own default."""
MOST_SLOTS = 256
"""LLAMA_MAX_SEQ (src/llama-cparams.h): with more it refuses to start."""
READY_PATH = "/health"
VERBOSITY = 4
"""Names the model's buffers and their sizes; one more would write every prompt into the log."""


class LlamaCpp:
    """The adapter of llama.cpp."""

    id = "llama_cpp"
    name = "llama.cpp"
    ready_path = READY_PATH
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
    formats: tuple[Format, ...] = (Format.GGUF,)
    environment: str | None = None

    def fitness(self, machine: Machine) -> Fitness:
        """See `EngineAdapter.fitness`."""
        # There is none that it does not run on.
        metal = machine_kind(machine) == "darwin-aarch64"
        return Fitness(True, "Runs on this Mac’s GPU, with Metal." if metal else "")

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        """See `EngineAdapter.launch`."""
        program = find_program("llama-server")
        return Launch(
            argv=(
                str(program),
                *("--model", str(model.path)),
                *("--alias", model.name.replace(",", " ")),  # a comma would make it two names
                *("--host", HOST, "--port", str(port)),
                *("--ctx-size", str(options.context_length)),
                *("--threads", str(options.threads)),
                *(() if options.gpu_layers is None else ("--n-gpu-layers", str(options.gpu_layers))),
                *("--parallel", str(min(options.parallel or SLOTS, MOST_SLOTS)), "--kv-unified"),
                *("--cache-ram", str(options.prompt_cache_bytes >> 20)),
                *("--verbosity", str(VERBOSITY)),
                "--no-ui",
                "--no-slots",
                "--offline",
            ),
            env={"LLAMA_API_KEY": api_key, **_patience()},
            # A person's own LLAMA_ARG_… would silently change what we start; tokens are none of its business.
            env_without=("LLAMA_", "GGML_BACKEND_PATH", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
            context_length=options.context_length,
        )

    def explain_failure(self, model: LocalModel, log: str, exit_status: int | None) -> str:
        """See `EngineAdapter.explain_failure`."""
        for pattern, sentence in _FAILURES:
            if match := re.search(pattern, log, re.IGNORECASE):
                return sentence.format(*(group or "" for group in match.groups()), name=model.path.name)
        if exit_status is None:
            return (
                "it did not become ready in time. The machine may be too busy, or the model too large for it."
            )
        if exit_status in _KILLED:
            return (
                "its process was killed, most likely for want of memory. Use less context or a smaller model."
            )
        return "llama.cpp could not load it. The log says more."

    def lacked_memory(self, log: str, exit_status: int | None) -> bool:
        """See `EngineAdapter.lacked_memory`."""
        for pattern, sentence in _FAILURES:
            if re.search(pattern, log, re.IGNORECASE):
                return sentence is _NO_MEMORY
        return exit_status in _KILLED

    def read_load(self, log: str) -> LoadReport:
        """See `EngineAdapter.read_load`."""
        return read_load(log)

    def start_progress(self, log: str) -> str:
        """See `EngineAdapter.start_progress`."""
        del log  # it is ready before anybody could read it
        return ""

    def port_was_taken(self, log: str) -> bool:
        """See `EngineAdapter.port_was_taken`."""
        return re.search(_PORT_TAKEN, log, re.IGNORECASE) is not None


def _patience() -> dict[str, str]:
    """How often OpenMP's threads look whether the others are ready before they let go of the processor.

    GCC's default is 300,000 times: where other programs compute as well, most of the time goes there. With
    1,000 nothing is lost on a quiet machine of 2 cores, and a busy one computes 1.1 to 3 times as fast
    (docs/measurements.md).
    """
    if "GOMP_SPINCOUNT" in os.environ or "OMP_WAIT_POLICY" in os.environ:  # somebody knows better
        return {}
    return {"GOMP_SPINCOUNT": "1000"}


_KILLED = (137, 128 + 6)  # SIGKILL by the kernel's out-of-memory killer; SIGABRT from a failed allocation

_NO_MEMORY = "there is not enough memory. Use less context, a smaller model, or close other programs."
_PORT_TAKEN = r"couldn't bind|bind failed|address already in use"

_FAILURES: tuple[tuple[str, str], ...] = (
    (
        r"error while loading shared libraries: (\S+?):|Library not loaded: \S*?([^/\s]+)\s",
        "the library {0}{1} is missing. Run the set-up again.",
    ),
    (_PORT_TAKEN, "its port was taken by another program. Try again."),
    (
        r"unknown model architecture: '([^']*)'",
        "this llama.cpp does not know models of the kind “{0}” yet. A newer Edgewise may.",
    ),
    (
        r"failed to open GGUF file '.*' \(No such file",
        "the file {name} is not there. It may have been moved or deleted.",
    ),
    (
        r"(?:unable|failed) to allocate|bad_alloc|out of memory|cannot allocate memory|failed to mmap"
        r"|failed to initialize the context",
        _NO_MEMORY,
    ),
    (
        r"not within the file bounds|corrupted or incomplete|failed to read|unexpectedly reached end of file",
        "the file {name} ends early or is damaged. Download it again.",
    ),
    (r"invalid magic|failed to read magic", "{name} is not a GGUF model file."),
    (r"Permission denied", "the file {name} may not be read by you."),
)
"""What llama.cpp writes (tried with the pinned build) to what a person should read."""
