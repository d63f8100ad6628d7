from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.model import LocalModel
from app.models.catalog import catalog
from app.models.presence import is_of, quantization_of

STARTER = catalog()[0]
MODEL = replace(STARTER, repository="unsloth/Qwen3-4B-GGUF", original="Qwen/Qwen3-4B")


def local(path: str) -> LocalModel:
    return LocalModel(Path(path).stem, Path(path), 1)


@pytest.mark.parametrize(
    "path",
    [
        "/models/unsloth/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf",
        "/models/unsloth/Qwen3-4B-GGUF/named otherwise.gguf",
        "/models/Qwen3-4B-Q8_0.gguf",
        "/downloads/qwen3_4b.Q4_K_M.gguf",
        "/models/Qwen3-4B-BF16-00001-of-00002.gguf",
    ],
)
def test_it_is_known_by_its_folder_or_its_name(path) -> None:
    assert is_of(local(path), MODEL)


@pytest.mark.parametrize(
    "path",
    [
        "/models/Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
        "/models/Qwen3-14B-Q4_K_M.gguf",
        "/models/Qwen3-4B-GGUF/unsloth/other.gguf",
        "/models/.gguf",
    ],
)
def test_another_model_is_not_it(path) -> None:
    assert not is_of(local(path), MODEL)


def test_the_real_starter_model_is_the_catalogs_first(starter_model) -> None:
    model = LocalModel(starter_model.stem, starter_model, starter_model.stat().st_size)
    assert [each.id for each in catalog() if is_of(model, each)] == [STARTER.id]
    assert quantization_of(model) == "Q4_1"


def test_the_quantization_may_stand_in_the_name_alone() -> None:
    assert quantization_of(LocalModel("qwen3:4b-q8_0", Path("/blobs/sha256-00"), 1)) == "Q8_0"
    assert quantization_of(LocalModel("qwen3:4b", Path("/blobs/sha256-00"), 1)) == ""
