"""The engines that can run here, each with the real starter model in the form that it reads."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.domain.hub import Format
from app.domain.model import LocalModel
from app.engines.base import EngineAdapter, LoadOptions
from app.engines.installed_files import installed_versions
from app.engines.llama_cpp import LlamaCpp
from app.engines.transformers import Transformers
from app.engines.vllm import Vllm
from tests.engines.environments import installed
from tests.engines.safetensors_model import safetensors_of

CONTEXT = 512
"""Small, and few threads: tests share the machine with each other's engines."""
NAME = "SmolLM2, klein & schön 家"


@dataclass(frozen=True, slots=True)
class RealEngine:
    """An engine with what it is to load."""

    adapter: EngineAdapter
    model: LocalModel
    options: LoadOptions

    @property
    def id(self) -> str:
        """The adapter's."""
        return self.adapter.id


class Given:
    """An environment that a person has ready, in place of one that is installed for the tests."""

    def __init__(self, python: Path) -> None:
        self._python = python

    def python(self) -> Path:
        return self._python

    def installed_versions(self) -> dict[str, str]:
        return installed_versions(self._python.parents[1])


@cache
def environment(engine: str) -> Any:
    """Where `engine` is: in the environment whose Python EDGEWISE_TEST_…_PYTHON names, else installed now."""
    given = os.environ.get(f"EDGEWISE_TEST_{engine.upper()}_PYTHON")
    return Given(Path(given)) if given else installed(engine)


def _llama_cpp(gguf: Path) -> RealEngine:
    model = LocalModel(NAME, gguf, gguf.stat().st_size)
    return RealEngine(LlamaCpp(), model, LoadOptions(CONTEXT, 1))


def _safetensors(gguf: Path) -> LocalModel:
    folder = safetensors_of(gguf, environment("transformers").python())
    size = sum(file.stat().st_size for file in folder.iterdir())
    return LocalModel(NAME, folder, size, format=Format.SAFETENSORS)


def _transformers(gguf: Path) -> RealEngine:
    adapter = Transformers(environment("transformers"))
    return RealEngine(adapter, _safetensors(gguf), LoadOptions(CONTEXT, 2))


def _vllm(gguf: Path) -> RealEngine:
    options = LoadOptions(CONTEXT, 2, dtype="bfloat16", kv_cache_bytes=256 << 20)
    return RealEngine(Vllm(environment("vllm")), _safetensors(gguf), options)


ENGINES: dict[str, Callable[[Path], RealEngine]] = {
    "llama_cpp": _llama_cpp,
    "transformers": _transformers,
    "vllm": _vllm,
}


def every_engine() -> list[Any]:
    """The parameters of a fixture: `make test` runs the first, `make test-engines` the others."""
    slow = [pytest.mark.installed_engines, pytest.mark.timeout(1800)]
    return [pytest.param(id_, marks=[] if id_ == "llama_cpp" else slow) for id_ in ENGINES]
