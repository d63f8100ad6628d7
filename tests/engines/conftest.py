"""The real engines with the real model. One server of each engine serves all tests of the common suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.model import LocalModel
from app.engines.base import LoadOptions
from app.engines.llama_cpp import LlamaCpp
from app.engines.loaded_model import LoadedModel
from tests.engines.real_engines import CONTEXT, ENGINES, NAME, every_engine
from tests.engines.safetensors_model import starter_safetensors  # noqa: F401  # a fixture


@pytest.fixture(scope="session")
def model(starter_model: Path) -> LocalModel:
    return LocalModel(NAME, starter_model, starter_model.stat().st_size)


@pytest.fixture(scope="session", params=every_engine())
def engine(request, starter_model):
    """Each engine that can run here."""
    return ENGINES[request.param](starter_model)


@pytest.fixture(scope="session")
def served(engine, tmp_path_factory):
    """The model, loaded by each engine in turn. Tests leave it as they found it."""
    logs = tmp_path_factory.mktemp("Protokolle 家")
    served = LoadedModel.load(engine.adapter, engine.model, engine.options, logs=logs)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def loaded(model, tmp_path_factory):
    """The model in llama.cpp."""
    logs = tmp_path_factory.mktemp("Protokolle 家")
    loaded = LoadedModel.load(LlamaCpp(), model, LoadOptions(CONTEXT, 1), logs=logs)
    yield loaded
    loaded.stop()


@pytest.fixture
def load(model, tmp_path):
    """Loads models with other options; ends them after the test."""
    running: list[LoadedModel] = []

    def loader(of=model, *, adapter=None, context=512, options=None, cancellation=None):
        one = LoadedModel.load(
            adapter or LlamaCpp(),
            of,
            options or LoadOptions(context, 1),
            logs=tmp_path / "logs",
            cancellation=cancellation,
        )
        running.append(one)
        return one

    yield loader
    for one in running:
        one.stop()
