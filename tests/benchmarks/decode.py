"""Tokens per second as they appear in the window, against llama-bench on the same file and threads.

A third figure, the server over a bare HTTP connection, shows what the server costs and what the window
costs. All three take turns, so that a busy machine does not favour one of them.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from app.domain.generation import SamplingParams
from app.engines.llama_cpp import find_program
from app.hardware.probe import usable_physical_cores
from tests.benchmarks.bare_client import BareClient, long_question
from tests.benchmarks.figures import at_least, median, spread
from tests.benchmarks.window import Window, new_home, settle, starter_model

ROUNDS = 7
TOKENS = 256
BAR = 0.95
PARAMS = SamplingParams(temperature=0.0, max_tokens=TOKENS)


def measure() -> dict[str, Any]:
    threads = usable_physical_cores()
    window_speeds, bare_speeds, server_speeds, reference = [], [], [], []
    with new_home() as paths:
        window = Window(paths)
        try:
            window.wait_until_ready()
            bare = BareClient.of(window.edgewise.supervisor)
            in_window(window)  # warm-up
            bare.reply(long_question(), PARAMS)
            for _ in range(ROUNDS):
                reference.append(llama_bench(starter_model(), threads))
                seen, server = in_window(window)
                window_speeds.append(seen)
                server_speeds.append(server)
                bare_speeds.append(bare.reply(long_question(), PARAMS).tokens_per_second)
        finally:
            window.close()
    ratios = [seen / best for seen, best in zip(window_speeds, reference, strict=True)]
    return {
        "painted": at_least(
            median(window_speeds),
            BAR,
            reference=median(reference),
            ratio=median(ratios),
            unit="tokens/s; llama-bench tg128",
        ),
        "bare_http_tokens_per_s": round(median(bare_speeds), 2),
        "painted_over_bare_http": round(
            median([a / b for a, b in zip(window_speeds, bare_speeds, strict=True)]), 4
        ),
        "bare_http_over_llama_bench": round(
            median([a / b for a, b in zip(bare_speeds, reference, strict=True)]), 4
        ),
        "server_timings_tokens_per_s": round(median(server_speeds), 2),
        "threads": threads,
        "spread": {
            "painted": spread(window_speeds),
            "bare_http": spread(bare_speeds),
            "llama_bench": spread(reference),
            "ratio": spread(ratios, 4),
        },
    }


def in_window(window: Window) -> tuple[float, float]:
    """Tokens per second between the first painted text and the painted end, and the server's own figure.

    A reply that the model ended by itself is asked for again: its length must be the same each time.
    """
    for _ in range(5):
        window.new_chat(PARAMS)
        turn = window.ask(long_question())
        metrics = turn.message.metrics if turn.message else None
        if metrics is None or metrics.completion_tokens is None:
            raise RuntimeError(f"The reply was not counted: {turn.message}")
        if metrics.completion_tokens == TOKENS:
            settle()
            seen = (TOKENS - 1) / (turn.end_painted - turn.first_painted)
            return seen, metrics.server_tokens_per_second or 0.0
    raise RuntimeError("The model ended each of its replies early.")


def llama_bench(model: Path, threads: int) -> float:
    """llama.cpp's own figure: 128 tokens from an empty context, after a warm-up of its own."""
    done = subprocess.run(
        [
            find_program("llama-bench"),
            *("-m", model, "-p", "0", "-n", "128", "-t", str(threads), "-r", "2", "-o", "json"),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(median(json.loads(done.stdout)[0]["samples_ts"]))
