"""Which model the decision guide suggests, with the real catalog on made machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.advisor.correction import UNCORRECTED
from app.advisor.guide_answer import ModelSuggestion, Wish
from app.advisor.ladder import Goal, climb
from app.domain.catalog import Dimensions
from app.domain.hub import Format
from app.domain.machine import Machine
from app.domain.model import LocalModel
from app.models.catalog import catalog
from app.models.sketch import sketch
from app.models.weights import weigh
from app.services.guidance_models import LARGEST_DOWNLOAD, SMALL_FILE, ModelSuggester, cache_bytes
from tests.unit.advisor.guide_machines import GB, MACHINES, subjects

USUAL = Wish(Goal())
ENGINES = ("llama_cpp", "transformers", "vllm", "sglang", "tensorrt_llm")


def suggester(machine: Machine, *local: LocalModel) -> ModelSuggester:
    return ModelSuggester(
        machine,
        catalog(),
        subjects(),
        lambda subject, goal: climb(subject, machine, goal, UNCORRECTED),
        local,
    )


def suggest(machine: Machine, engine: str, wish: Wish = USUAL, *local: LocalModel) -> ModelSuggestion:
    found = suggester(machine, *local)(engine, wish)
    assert found is not None
    return found


@pytest.mark.parametrize("name", [name for name in MACHINES if name != "full"])
def test_llama_cpp_has_a_model_everywhere(name: str) -> None:
    found = suggest(MACHINES[name], "llama_cpp")
    model = next(it for it in catalog() if it.id == found.model_id)
    assert found.precision in model.quantizations
    assert (found.format, found.repository, found.parameters) == (
        Format.GGUF,
        model.repository,
        model.parameters,
    )
    assert all(sentence.endswith(".") for sentence in (*found.because, *found.would_change))


def test_it_reaches_the_speed_that_is_wanted() -> None:
    laptop = MACHINES["laptop"]
    quick, slow = (suggest(laptop, "llama_cpp", Wish(Goal(target_speed=speed))) for speed in (15.0, 5.0))
    assert quick.speed is not None
    assert slow.speed is not None
    assert quick.speed >= 15 > slow.speed >= 5
    assert slow.parameters > quick.parameters
    assert quick.verdict.startswith("Runs well: about ")


def test_where_nothing_tells_how_fast_it_is_small() -> None:
    found = suggest(replace(MACHINES["Linux with A100"], gpus=(), bandwidth=None), "llama_cpp")
    assert found.speed is None
    assert next(it for it in catalog() if it.id == found.model_id).active_parameters <= 4 * GB


def test_engines_of_floating_point_get_the_original() -> None:
    for engine in ENGINES[1:]:
        found = suggest(MACHINES["Linux with A100"], engine)
        model = next(it for it in catalog() if it.id == found.model_id)
        assert (found.repository, found.precision, found.format) == (
            model.original,
            "bf16",
            Format.SAFETENSORS,
        )
        assert found.size == 2 * model.parameters <= LARGEST_DOWNLOAD
        assert not model.gated, "nobody would have to ask for it first"
        assert found.speed is None
        assert "on the GPU" in found.verdict


def test_on_a_processor_they_get_what_can_be_read() -> None:
    laptop = MACHINES["laptop"]
    found = suggest(laptop, "transformers")
    assert found.parameters * 2 * 5 < 40 * GB, "five tokens a second read so many bytes"
    assert laptop.bandwidth is not None
    faster = replace(MACHINES["Linux with Radeon"], bandwidth=replace(laptop.bandwidth, read=400 * GB))
    assert suggest(faster, "transformers").parameters > found.parameters


def test_nothing_fits_where_there_is_no_memory_and_no_disk() -> None:
    assert [suggester(MACHINES["full"])(engine, USUAL) for engine in ENGINES] == [None] * 5
    small_card = replace(MACHINES["Linux with A100"].gpus[0], memory_free=4 * GB)
    assert suggester(replace(MACHINES["Linux with A100"], gpus=(small_card,)))("vllm", USUAL) is None


def test_a_full_disk_is_no_matter_for_what_is_there() -> None:
    crowded = replace(MACHINES["laptop"], disk=replace(MACHINES["laptop"].disk, free=10))
    assert suggester(crowded)("llama_cpp", USUAL) is None
    path = Path("/models/HuggingFaceTB/SmolLM2-135M-Instruct-Q8_0.gguf")
    local = LocalModel("SmolLM2 135M Instruct · Q8_0", path, 145_000_000)
    found = suggest(crowded, "llama_cpp", USUAL, local)
    assert (found.model_id, found.path) == ("smollm2-135m", path)


def test_safetensors_that_are_there() -> None:
    folder = Path("/models/Qwen/Qwen3.5-0.8B")
    local = LocalModel("Qwen3.5 0.8B", folder, 1_500_000_000, format=Format.SAFETENSORS)
    found = suggest(MACHINES["laptop"], "transformers", USUAL, local)
    assert (found.model_id, found.path) == ("qwen3.5-0.8b", folder)


@pytest.mark.parametrize("name", ["tiny", "laptop", "Linux with A100"])
def test_for_a_phone_it_is_a_small_file_that_is_good(name: str) -> None:
    found = suggest(MACHINES[name], "llama_cpp", Wish(Goal(), small=True))
    assert found.size is not None
    assert found.size <= SMALL_FILE
    assert found.speed is None, "of the phone nobody knows"
    assert not found.precision.startswith(("Q2", "Q3", "IQ2", "IQ3"))


def test_it_remembers_what_it_suggested() -> None:
    suggests = suggester(MACHINES["laptop"])
    assert suggests("llama_cpp", USUAL) is suggests("llama_cpp", Wish(Goal()))


def test_a_cache_is_that_of_the_footprint_where_all_layers_are_alike() -> None:
    """Two bytes an element, for keys and for values."""
    dimensions = Dimensions("llama", 32, 4096, 14_336, 32, (8,), 128, 128_256, tied=False)
    shape = weigh(sketch(dimensions, 8192, "Q8_0")).shape
    assert shape is not None
    assert cache_bytes(dimensions, 8192) == 32 * 8 * 128 * 2 * 2 * 8192
    each = replace(dimensions, kv_heads=(8,) * 31 + (4,))
    assert cache_bytes(each, 8192) == (31 * 8 + 4) * 128 * 2 * 2 * 8192
