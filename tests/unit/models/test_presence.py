from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.hub import Format, HubFile, Variant
from app.domain.model import LocalModel
from app.models.catalog import catalog
from app.models.presence import holds, is_of, present, quantization_of

STARTER = catalog()[0]
MODEL = replace(STARTER, id="mine", repository="unsloth/Qwen3-4B-GGUF", original="Qwen/Qwen3-4B")


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


GGUF = Variant(
    "unsloth/Qwen3-4B-GGUF", "0" * 40, Format.GGUF, "BF16", (HubFile("BF16/q-00001-of-00002.gguf"),)
)
SAFETENSORS = Variant("Qwen/Qwen3-4B", "0" * 40, Format.SAFETENSORS, "BF16", (HubFile("config.json"),))


@pytest.mark.parametrize(
    ("path", "variant", "here"),
    [
        ("/models/unsloth/Qwen3-4B-GGUF/BF16/q-00001-of-00002.gguf", GGUF, True),
        ("/hub/models--unsloth--Qwen3-4B-GGUF/snapshots/ab12/BF16/q-00001-of-00002.gguf", GGUF, True),
        ("/models/unsloth/Qwen3-4B-GGUF/q-Q4_K_M.gguf", GGUF, False),
        ("/models/other/Qwen3-4B-GGUF/BF16/q-00001-of-00002.gguf", GGUF, False),
        ("/hub/models--unsloth--Qwen3-4B-GGUF/snapshots/ab12", GGUF, False),
        ("/models/BF16/q-00001-of-00002.gguf", GGUF, False),
        ("/models/Qwen/Qwen3-4B", SAFETENSORS, True),
        ("/hub/models--Qwen--Qwen3-4B/snapshots/ab12", SAFETENSORS, True),
        ("/hub/models--Qwen--Qwen3-4B/snapshots/", SAFETENSORS, False),
        ("/models/Qwen/Qwen3-4B-Instruct", SAFETENSORS, False),
    ],
)
def test_what_a_download_would_bring_is_known_by_where_it_lies(path, variant, here) -> None:
    assert holds(replace(local(path), format=variant.format), variant) is here


def test_another_format_and_nothing_at_all_are_not_it() -> None:
    assert not holds(local("/models/Qwen/Qwen3-4B"), SAFETENSORS)
    assert not holds(local("/models/unsloth/Qwen3-4B-GGUF/x.gguf"), replace(GGUF, files=()))


def test_a_thousand_models_are_looked_at_in_no_time():
    """In the window's thread: in the time of two frames, on a slow machine in that of ten."""
    many = [local(f"/models/owner{n % 50}/Model-{n}-7B-GGUF/Model-{n}-7B-Q4_K_M.gguf") for n in range(1000)]
    begun = time.process_time()
    assert present([*many, local("/models/Qwen3-4B-Q8_0.gguf")], [*catalog(), MODEL]) == {MODEL.id}
    assert time.process_time() - begun < 0.15
    assert present([], catalog()) == frozenset()
