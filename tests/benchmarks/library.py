"""How long a library of 1,000 models takes to open: by the window's list, and by the command that prints it.

`first` has no cache: the list is there before any header is read, and `headers_ms` is what reading them all
takes after it. `cached` is every later opening, in a fresh object, details and all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.services.model_library import ModelLibrary
from app.storage.paths import Paths
from tests.benchmarks.figures import at_most, median, spread
from tests.unit.models.gguf_writer import ARRAY, STRING, U32, Array, GgufWriter, llama

MODELS = 1000
VOCABULARY = 2000
"""Texts in each header. Real ones have 50,000 and more: reading those takes longer, opening does not."""
ROUNDS = 11
BAR_MS = 200.0


def measure() -> dict[str, Any]:
    first, cached, headers, command = [], [], [], []
    with TemporaryDirectory() as home:
        # No other program's models: those of this machine would be counted, too.
        os.environ |= {"EDGEWISE_HOME": home, "HOME": home, "USERPROFILE": home, "OLLAMA_MODELS": home}
        for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
            os.environ.pop(variable, None)
        paths = Paths.find()
        paths.create()
        _fill(paths.models)
        for _ in range(ROUNDS):
            paths.header_cache.unlink(missing_ok=True)
            library = ModelLibrary(paths)
            begin = time.perf_counter()
            entries = library.entries()
            first.append((time.perf_counter() - begin) * 1000)
            assert len(entries) == MODELS
            assert not any(entry.details for entry in entries)
            begin = time.perf_counter()
            library.read_details(entries, lambda _: None)
            headers.append((time.perf_counter() - begin) * 1000)
            begin = time.perf_counter()
            entries = ModelLibrary(paths).entries()
            cached.append((time.perf_counter() - begin) * 1000)
            assert all(entry.details for entry in entries)
        for _ in range(3):
            begin = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "app", "models", "list", "--json"],
                check=True,
                stdout=subprocess.DEVNULL,
                timeout=60,
            )
            command.append((time.perf_counter() - begin) * 1000)
    return {
        "models": MODELS,
        "first": at_most(median(first), BAR_MS, unit="ms"),
        "cached": at_most(median(cached), BAR_MS, unit="ms"),
        "headers_ms": round(median(headers), 1),
        "command_ms": round(median(command), 1),
        "spread": {"first_ms": spread(first), "cached_ms": spread(cached), "headers_ms": spread(headers)},
    }


def _fill(folder: Path) -> None:
    words = Array(STRING, tuple(f"word{number}" for number in range(VOCABULARY)))
    content = (
        llama(GgufWriter().add("general.file_type", U32, 7))
        .add("tokenizer.ggml.more", ARRAY, words)
        .add("tokenizer.chat_template", STRING, "{{ messages }}" * 100)
        .header()
    )
    whole = content + bytes(-len(content) % 32 + 7104)
    for number in range(MODELS):
        repository = folder / f"owner{number % 50}" / f"Model {number} 家-GGUF"
        repository.mkdir(parents=True)
        (repository / f"Model-{number}-Q8_0.gguf").write_bytes(whole)
