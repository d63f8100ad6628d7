"""What keeps an installed engine to itself.

It runs on its environment's own Python and packages, asks no network, reports to nobody, and keeps its caches
inside its environment: they go when it is removed, and a newer version never reads an older one's.
"""

from __future__ import annotations

import sys
from pathlib import Path

_BUNDLE = getattr(sys, "_MEIPASS", None)
SOURCES = Path(__file__).resolve().parents[2] if _BUNDLE is None else Path(_BUNDLE) / "sources"
"""The folder that holds `app`: what runs in an environment, `app.engine_servers`, is found there. In a frozen
app nothing else lies in it: packages of the bundle would come before the environment's own."""
NOT_FOR_ENGINES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "PYTHON")
"""Beginnings of variables that an engine must not see: tokens, and a person's own settings of Python."""


def python_command(python: Path) -> tuple[str, ...]:
    """How an environment's Python is started: modules of the working directory do not shadow its own (-P)."""
    return (str(python), "-P")


def cache_folder(python: Path) -> Path:
    """Where the engine of the environment with that Python keeps what it compiled."""
    return python.parent.parent / "cache"


def offline() -> dict[str, str]:
    """Variables for an engine of any kind: it asks no network and reports to nobody."""
    return {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
    }


def isolated(python: Path) -> dict[str, str]:
    """`offline`, and the caches of the engine in the environment with that Python lie in it."""
    cache = cache_folder(python)
    return offline() | {
        "XDG_CACHE_HOME": str(cache),
        "XDG_CONFIG_HOME": str(cache / "config"),
        "HF_HOME": str(cache / "huggingface"),
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
        "TRITON_CACHE_DIR": str(cache / "triton"),
        "FLASHINFER_WORKSPACE_BASE": str(cache),
        "CUDA_CACHE_PATH": str(cache / "cuda"),
    }
