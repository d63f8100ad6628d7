"""A real llama-server with the real model, loaded once for a test file."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.model import LocalModel
from app.engines.base import LoadOptions
from app.engines.llama_cpp import LlamaCpp
from app.engines.loaded_model import LoadedModel
from tests.engines.safetensors_model import starter_safetensors  # noqa: F401  # a fixture

CONTEXT = 512
"""Small, and one thread: tests share the machine with each other's engines."""


@pytest.fixture(scope="session")
def model(starter_model: Path) -> LocalModel:
    return LocalModel("SmolLM2, klein & schön 家", starter_model, starter_model.stat().st_size)


@pytest.fixture(scope="module")
def loaded(model, tmp_path_factory):
    logs = tmp_path_factory.mktemp("Protokolle 家")
    loaded = LoadedModel.load(LlamaCpp(), model, LoadOptions(CONTEXT, 1), logs=logs)
    yield loaded
    loaded.stop()


@pytest.fixture
def load(model, tmp_path):
    """Loads models with other options; ends them after the test."""
    running: list[LoadedModel] = []

    def loader(of=model, *, adapter=None, context=512, cancellation=None):
        options = LoadOptions(context, 1)
        one = LoadedModel.load(
            adapter or LlamaCpp(), of, options, logs=tmp_path / "logs", cancellation=cancellation
        )
        running.append(one)
        return one

    yield loader
    for one in running:
        one.stop()
