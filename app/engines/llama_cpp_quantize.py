"""llama.cpp's programs that make a quantization: `llama-quantize`, and `llama-imatrix` that weighs for it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from app.domain.conversion import QuantizationForecast, QuantizationType
from app.domain.errors import ConversionFailed
from app.domain.generation import Cancellation
from app.engines.llama_cpp_programs import find_program, program_environment
from app.engines.watched_child import run_watched

HELP_TIMEOUT_S = 20.0
DRY_RUN_TIMEOUT_S = 120.0
"""It reads the header: 0.1 s for SmolLM2 135M."""
_TYPE = re.compile(r"^\s*(?:\d+\s+or\s+)?([A-Z][A-Z0-9_]{1,15})\s*:\s*(.{0,200})$", re.MULTILINE)
_TENSOR = re.compile(r"\[\s*(\d{1,6})/\s*(\d{1,6})\]")
_FALLBACKS = re.compile(r"(\d{1,6}) of (\d{1,6}) tensor\(s\) required fallback")
_SIZE = re.compile(r"quant size\s*=\s*([\d.]{1,16}) MiB")
_MIB = 1 << 20


@lru_cache(maxsize=1)
def quantization_types() -> tuple[QuantizationType, ...]:
    """Every type that this build's llama-quantize lists, in its order.

    Raises EngineMissing and ConversionFailed.
    """
    program = find_program("llama-quantize")
    try:
        done = subprocess.run(
            [program, "--help"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=HELP_TIMEOUT_S,
            check=False,
            creationflags=0x08000000 if sys.platform == "win32" else 0,  # CREATE_NO_WINDOW
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConversionFailed(
            "llama-quantize does not start. Run the set-up again.", detail=str(error)
        ) from error
    types = read_types(done.stdout.decode("utf-8", "replace"))
    if not types:
        raise ConversionFailed("llama-quantize does not say which types it makes.", detail=str(program))
    return types


def read_types(help_text: str) -> tuple[QuantizationType, ...]:
    """The types in what `llama-quantize --help` prints."""
    _, _, listed = help_text.partition("allowed quantization types")
    return tuple(QuantizationType(match[1], match[2].strip()) for match in _TYPE.finditer(listed))


def forecast(
    source: Path, type_: str, log: BinaryIO, cancellation: Cancellation
) -> QuantizationForecast | None:
    """What `source` will take as `type_`, by the program's own reckoning; None where it does not say."""
    command: list[str | Path] = [
        find_program("llama-quantize"),
        "--allow-requantize",
        "--dry-run",
        source,
        type_,
    ]
    status, output = run_watched(
        command, program_environment(), log, cancellation, timeout_s=DRY_RUN_TIMEOUT_S
    )
    size = _SIZE.search(output)
    if status != 0 or size is None:
        return None
    fallbacks, counted = _FALLBACKS.search(output), list(_TENSOR.finditer(output))
    return QuantizationForecast(
        round(float(size[1]) * _MIB),
        int(counted[-1][2]) if counted else 0,
        int(fallbacks[1]) if fallbacks else 0,
    )


def quantize(
    source: Path,
    target: Path,
    type_: str,
    *,
    importance: Path | None,
    allow_requantize: bool,
    log: BinaryIO,
    cancellation: Cancellation,
    on_tensors: Callable[[int, int], None],
) -> None:
    """Write `source` as `type_` to `target`. `on_tensors` is told tensors begun and in all.

    Raises ConversionFailed with the reason, EngineMissing, and Cancelled; what was written by then is the
    caller's to delete.
    """
    command: list[str | Path] = [find_program("llama-quantize")]
    if allow_requantize:
        command.append("--allow-requantize")
    if importance is not None:
        command += ["--imatrix", importance]
    command += [source, target, type_]

    def read(line: str) -> None:
        if match := _TENSOR.match(line):
            on_tensors(int(match[1]), int(match[2]))

    status, output = run_watched(command, program_environment(), log, cancellation, on_line=read)
    if status != 0 or not target.is_file():
        raise ConversionFailed(explain(source.stem, type_, output), detail=output)


def importance_matrix(
    model: Path, text: Path, target: Path, *, context: int, log: BinaryIO, cancellation: Cancellation
) -> None:
    """Reckon from `text` which weights of `model` matter, into `target`. `context` in tokens.

    Raises ConversionFailed, EngineMissing and Cancelled. The program does not tell how far it is by lines.
    """
    command: list[str | Path] = [find_program("llama-imatrix"), "-m", model, "-f", text, "-o", target]
    command += ["-c", str(context)]
    status, output = run_watched(command, program_environment(), log, cancellation)
    if status != 0 or not target.is_file():
        raise ConversionFailed(explain_text(text.name, output), detail=output)


def explain(name: str, type_: str, output: str) -> str:
    """Why `name` was not quantized, by what the program said, in a sentence or two."""
    if "requires an importance matrix" in output or "requires an imatrix" in output:
        return (
            f"{type_} needs an importance matrix: with so few bits it must know which weights matter. Give "
            "it a text to reckon one from."
        )
    if match := re.search(r"requantizing from type (\w{1,12}) is disabled", output):
        return (
            f"{name} holds tensors in {match[1].upper()} already. Quantizing again what is quantized loses "
            "quality twice: start from the F16 or BF16 file, or insist on it."
        )
    if re.search(r"No space left|failed to write|disk full|iostream", output, re.IGNORECASE):
        return f"{name} was not quantized: the disk is full. Free some space, then try again."
    return f"{name} was not quantized: llama-quantize stopped{_reason(output)}."


def explain_text(text: str, output: str) -> str:
    """Why a program could not work with a text, in a sentence or two."""
    if match := re.search(r"you need at least (\d{1,9}) tokens", output):
        return (
            f"{text} is too short: {int(match[1]):,} tokens are needed, some {int(match[1]) * 3 // 4:,} "
            "words. Choose a longer text."
        )
    if "failed to load model" in output or "error loading model" in output:
        return f"llama.cpp cannot load the model{_reason(output)}."
    return f"llama.cpp stopped before it was done with {text}{_reason(output)}."


def _reason(output: str) -> str:
    """What the program called an error last, in brackets."""
    for line in reversed(output.splitlines()):
        if match := re.search(r"(?:\berror\b|failed to|unable to)[^\n]{0,160}", line, re.IGNORECASE):
            return f" ({match[0].strip().rstrip('.')})"
    return ""
