"""What of a model's files may be loaded. Looked at before the slow imports; standard library only."""

from __future__ import annotations

import re
from pathlib import Path

_PART = re.compile(r"-\d{5}-of-(?!00001)\d{5}\.gguf$", re.IGNORECASE)
"""How llama.cpp names the files of a model that it split (llama_split_path). Transformers reads one alone."""


class CannotServe(Exception):
    """Why a model cannot be served. The adapter knows these by how they begin."""


def is_gguf(path: Path) -> bool:
    """Whether `path` is one file of everything; otherwise it is a folder of safetensors."""
    return path.suffix.lower() == ".gguf"


def check_files(path: Path) -> None:
    """Raise CannotServe where there is nothing to load, or nothing but what could hold programs."""
    if not path.exists():
        raise CannotServe(f"no such model: {path}")
    if _PART.search(path.name):
        raise CannotServe(f"a GGUF model in several files: {path}")
    if not is_gguf(path) and not any(path.glob("*.safetensors")):
        raise CannotServe(f"no safetensors in the folder {path}")
