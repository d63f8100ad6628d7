"""What to do while there is no model."""

from __future__ import annotations

from pathlib import Path

FIRST = "qwen3.5-0.8b"
"""The catalog's id of a model that every machine runs and that is worth talking to."""


def no_model_yet(folder: Path) -> str:
    """In two sentences; `folder` is the model folder."""
    return (
        f"There is no model yet. Download one (edgewise models download {FIRST}), or put a GGUF file into "
        f"{folder}."
    )
