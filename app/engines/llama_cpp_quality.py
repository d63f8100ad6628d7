"""llama.cpp's programs that measure: `llama-perplexity` (against an original) and `llama-bench` (speed)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from app.domain.errors import ConversionFailed
from app.domain.generation import Cancellation
from app.domain.model_quality import Divergence, Estimate, MeasuredSpeed, counted_tokens
from app.engines.llama_cpp_programs import find_program, program_environment
from app.engines.llama_cpp_quantize import explain_text
from app.engines.watched_child import run_watched

PROMPT_TOKENS, GENERATED_TOKENS, REPETITIONS = 256, 64, 3
"""What llama-bench computes: little, as the figures stand beside each other and not beside a speed test's."""
_NUMBER = r"(-?\d{1,12}(?:\.\d{1,12})?)"
_CHUNKS = re.compile(r"calculating perplexity over (\d{1,9}) chunks")
_FINAL = re.compile(rf"Final estimate: PPL = {_NUMBER} \+/- {_NUMBER}")
_CHUNK = re.compile(r"^\s{0,8}(\d{1,9})\s+\d[\d.]*\s+±")

OnChunks = Callable[[int, int], None]
"""Told chunks done and in all, on the thread that works."""


def logits_size(context: int, chunks: int, vocabulary: int) -> int:
    """Bytes of the file that `save_logits` writes.

    For each token that is counted a scale, a minimum and 16 bits for each token of the vocabulary, rounded up
    to an even number; before them the text's tokens (tools/perplexity/perplexity.cpp, `process_logits`).
    """
    row = 2 * (2 * ((vocabulary + 1) // 2) + 4)
    return 20 + 4 * context * chunks + chunks * counted_tokens(context) * row


def count_tokens(model: Path, text: Path, *, log: BinaryIO, cancellation: Cancellation) -> int:
    """How many tokens `text` is for `model`. Raises ConversionFailed, EngineMissing and Cancelled."""
    command: list[str | Path] = [
        find_program("llama-tokenize"),
        "-m",
        model,
        "-f",
        text,
        "--show-count",
        "--ids",
    ]
    status, output = run_watched(command, program_environment(), log, cancellation)
    found = re.search(r"Total number of tokens: (\d{1,12})", output)
    if status != 0 or found is None:
        raise ConversionFailed(explain_text(text.name, output), detail=output[-8000:])
    return int(found[1])


def save_logits(
    original: Path,
    text: Path,
    target: Path,
    *,
    context: int,
    chunks: int,
    vocabulary: int,
    log: BinaryIO,
    cancellation: Cancellation,
    on_chunks: OnChunks,
) -> Estimate:
    """What `original` predicts for the first `chunks` pieces of `text`, into `target`; returns its PPL.

    A piece has `context` tokens. Raises ConversionFailed, EngineMissing and Cancelled.
    """
    command: list[str | Path] = [find_program("llama-perplexity"), "-m", original, "-f", text]
    command += ["-c", str(context), "--chunks", str(chunks), "--kl-divergence-base", target]
    total = 0

    def read(line: str) -> None:
        nonlocal total
        if match := _CHUNKS.search(line):
            total = int(match[1])

    def look() -> None:
        # It writes its lines without ends; the file grows with each chunk.
        if total:
            with suppress(OSError):
                whole = logits_size(context, total, vocabulary)
                on_chunks(min(total, target.stat().st_size * total // whole), total)

    status, output = run_watched(
        command, program_environment(), log, cancellation, on_line=read, on_tick=look
    )
    found = _FINAL.search(output)
    if status != 0 or found is None or not total:
        raise ConversionFailed(explain_text(text.name, output), detail=output)
    return _estimate(found[1], found[2], output)


def compare(
    variant: Path,
    logits: Path,
    *,
    context: int,
    chunks: int,
    log: BinaryIO,
    cancellation: Cancellation,
    on_chunks: OnChunks,
) -> Divergence:
    """How `variant` differs from the original whose predictions `logits` holds.

    Raises ConversionFailed, EngineMissing and Cancelled.
    """
    command: list[str | Path] = [find_program("llama-perplexity"), "-m", variant, "-c", str(context)]
    command += ["--kl-divergence-base", logits, "--kl-divergence"]

    def read(line: str) -> None:
        if match := _CHUNK.match(line):
            on_chunks(min(int(match[1]), chunks), chunks)

    status, output = run_watched(command, program_environment(), log, cancellation, on_line=read)
    if status != 0:
        raise ConversionFailed(explain_text(variant.stem, output), detail=output)
    return read_divergence(output)


def read_divergence(output: str) -> Divergence:
    """What `llama-perplexity --kl-divergence` printed at its end. Raises ConversionFailed."""
    perplexity = _named("Mean PPL(Q)", output)
    base = _named("Mean PPL(base)", output)
    divergence = _named("Mean    KLD", output)
    same_top = _named("Same top p", output)
    return Divergence(perplexity, base.value, divergence, same_top)


def speed(model: Path, *, log: BinaryIO, cancellation: Cancellation) -> MeasuredSpeed:
    """How fast llama.cpp runs `model` as it sets itself.

    Raises ConversionFailed, EngineMissing and Cancelled.
    """
    command: list[str | Path] = [find_program("llama-bench"), "-m", model, "-o", "jsonl", "--offline"]
    command += ["-p", str(PROMPT_TOKENS), "-n", str(GENERATED_TOKENS), "-r", str(REPETITIONS)]
    status, output = run_watched(command, program_environment(), log, cancellation)
    if status != 0:
        raise ConversionFailed(f"The speed of {model.stem} could not be measured.", detail=output)
    return read_speed(output)


def read_speed(output: str) -> MeasuredSpeed:
    """The lines of JSON that llama-bench printed among others. Raises ConversionFailed."""
    prompt = generation = None
    for line in output.splitlines():
        with suppress(ValueError, KeyError, TypeError):
            found: dict[str, Any] = json.loads(line)
            estimate = Estimate(float(found["avg_ts"]), float(found["stddev_ts"]))
            if not (math.isfinite(estimate.value) and math.isfinite(estimate.error)):
                continue
            if found["n_gen"]:
                generation = estimate
            elif found["n_prompt"]:
                prompt = estimate
    if prompt is None or generation is None:
        raise ConversionFailed("llama-bench did not say how fast the model is.", detail=output)
    return MeasuredSpeed(prompt, generation)


def _named(name: str, output: str) -> Estimate:
    match = re.search(rf"^{re.escape(name)}\s*:\s*{_NUMBER}\s*±\s*{_NUMBER}", output, re.MULTILINE)
    if match is None:
        raise ConversionFailed(
            f"llama-perplexity did not say “{' '.join(name.split())}”: the model may give no numbers at all, "
            "as damaged ones do.",
            detail=output,
        )
    return _estimate(match[1], match[2], output)


def _estimate(value: str, error: str, output: str) -> Estimate:
    found = Estimate(float(value), float(error))
    if not (math.isfinite(found.value) and math.isfinite(found.error)):
        raise ConversionFailed("llama-perplexity gave no number.", detail=output)
    return found
