"""What llama.cpp itself reckons a model takes: `llama-fit-params` builds its graphs and loads no weights."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from app.engines.llama_cpp import find_program
from app.models.compute_buffer import output_bytes
from app.models.footprint import Forecast, RunOptions, forecast
from app.models.gguf_header import GgufHeader
from app.models.model_shape import model_shape

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Reference:
    """In MiB, rounded down by the tool."""

    tensors: int
    cache: int
    compute: int

    @property
    def total(self) -> int:
        return self.tensors + self.cache + self.compute


def tool_options(context: int, cache_type: str, sequences: int) -> RunOptions:
    """How the tool runs a model. It has no --kv-unified, and keeps the logits of a whole step."""
    return RunOptions(
        context, keys=cache_type, values=cache_type, sequences=sequences, unified=False, outputs=512
    )


def reference(path: Path, options: RunOptions) -> Reference:
    """Ask the tool. --no-repack: it does not count tensors that are laid out anew for the processor."""
    argv = [str(find_program("llama-fit-params")), "--fit-print", "on", "--no-repack", "--model", str(path)]
    argv += ["--ctx-size", str(options.context), "--parallel", str(options.sequences)]
    argv += ["--cache-type-k", options.keys, "--cache-type-v", options.values]
    argv += ["--batch-size", str(options.batch), "--ubatch-size", str(options.step)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("Host ")]
    assert done.returncode == 0, done.stderr[-800:]
    assert len(lines) == 1, done.stdout
    return Reference(*map(int, lines[0][1:4]))


def comparable(header: GgufHeader, options: RunOptions) -> Forecast:
    """The forecast of what the tool counts: not the program, nor the buffer that logits are read from."""
    made = forecast(header, options)
    outputs = output_bytes(model_shape(header), options)
    return replace(made, host=replace(made.host, runtime=0, compute=made.host.compute - outputs))
