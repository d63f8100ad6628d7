import json
from dataclasses import dataclass

import pytest

from app.domain.engine import LoadWishes
from app.domain.errors import ModelFileError
from app.domain.hub import Format
from app.domain.machine import Gpu
from app.domain.model import LocalModel
from app.services import float_loading
from app.services.float_loading import RUNTIME_BYTES, plan_float_load
from app.services.loading import Experience
from tests.unit.models.safetensors_writer import write_weights

GIB = 1 << 30
CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131072,
}
TOKEN = 2 * 32 * 8 * 128 * 2
"""Bytes of KV cache for each token."""
WEIGHTS = 2000


@dataclass(frozen=True)
class Engine:
    id: str
    environment: str = "x"


@pytest.fixture
def model(tmp_path):
    write_weights(tmp_path / "model.safetensors", {"w": ("BF16", [100, 10], WEIGHTS)})
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return LocalModel("large", tmp_path, WEIGHTS, format=Format.SAFETENSORS)


@pytest.fixture
def plan(model, monkeypatch):
    def made(free, engine="transformers", wishes=LoadWishes(), **more):  # noqa: B008  # a frozen value
        monkeypatch.setattr(float_loading, "available_memory", lambda: free)
        monkeypatch.setattr(float_loading, "usable_physical_cores", lambda: 6)
        adapter = Engine(engine)
        return plan_float_load(adapter, model, wishes, experience=Experience(), **more)  # type: ignore[arg-type]

    return made


def gpu(free=78, total=80, name="H100"):
    return Gpu(name, total * GIB, free * GIB)


def test_plenty_of_memory(plan):
    made = plan(64 * GIB)
    assert (made.options.context_length, made.options.threads) == (32768, 6)
    assert made.expected.forecast_memory == pytest.approx(
        WEIGHTS + 32768 * TOKEN + RUNTIME_BYTES["transformers"], abs=10_000
    )
    assert made.is_comfortable
    assert (made.options.gpu_memory_share, made.options.tensor_parallel) == (None, 1)


def test_the_context_is_cut_to_what_fits(plan):
    made = plan(4 * GIB)
    assert 8192 <= made.options.context_length < 32768
    assert made.options.context_length % 256 == 0
    assert made.expected.forecast_memory < 4 * GIB
    tight = plan(GIB)
    assert tight.options.context_length == 2048
    assert not tight.is_comfortable


def test_what_others_are_about_to_take_is_not_free(plan):
    assert plan(4 * GIB, taken=2 * GIB).options.context_length < plan(4 * GIB).options.context_length


def test_a_wish_is_granted_and_what_it_lacks_is_said(plan):
    made = plan(4 * GIB, wishes=LoadWishes(65536, 2, dtype="float32"))
    assert (made.options.context_length, made.options.threads, made.options.dtype) == (65536, 2, "float32")
    assert made.lacking > 12 * GIB


def test_vllm_on_a_processor_has_a_pool_that_is_counted(plan):
    made = plan(64 * GIB, "vllm")
    assert made.options.kv_cache_bytes is not None
    assert made.options.kv_cache_bytes >= made.options.context_length * TOKEN
    assert made.expected.forecast_memory >= made.options.kv_cache_bytes + RUNTIME_BYTES["vllm"]
    assert made.lacking == 0


def test_a_gpu_is_shared_with_others(plan):
    made = plan(GIB, "vllm", gpus=[gpu()])
    options = made.options
    assert options.context_length == 32768, "main memory does not matter"
    assert options.gpu_memory_share is not None
    assert 0.4 < options.gpu_memory_share < 0.6, "eight contexts and what vLLM takes itself"
    assert options.kv_cache_bytes is None
    assert (
        plan(GIB, "vllm", wishes=LoadWishes(gpu_memory_share=0.9), gpus=[gpu()]).options.gpu_memory_share
        == 0.9
    )


def test_as_many_equal_gpus_as_it_takes(plan):
    small = [gpu(free=7, total=8, name="small") for _ in range(4)]
    wishes = LoadWishes(context_length=98304)
    assert plan(GIB, "vllm", wishes=wishes, gpus=small).options.tensor_parallel == 4
    assert plan(GIB, "vllm", wishes=LoadWishes(8192), gpus=small).options.tensor_parallel == 1
    assert plan(GIB, "vllm", wishes=wishes, gpus=small[:3]).options.tensor_parallel == 2, "32 heads"
    other = [small[0], gpu(name="another")]
    assert plan(GIB, "vllm", wishes=wishes, gpus=other).options.tensor_parallel == 1
    assert plan(GIB, "transformers", wishes=wishes, gpus=small).options.tensor_parallel == 1


def test_a_folder_that_is_damaged_is_told_with_the_model_s_name(plan, model):
    (model.path / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(ModelFileError, match=r"^large did not start: the file model\.safetensors is damaged"):
        plan(GIB)


MANY = LoadWishes(parallel=128, most_context=200_000)
UNUSED = 128 * 128
"""Tokens that the last pages of so many replies may leave unused."""


@pytest.mark.parametrize("engine", ["transformers", "vllm"])
def test_many_replies_share_a_pool(plan, engine):
    made = plan(128 * GIB, engine, MANY)
    options, expected = made.options, made.expected
    assert (options.context_length, options.parallel) == (131_072, 128), "no more than it was trained for"
    assert expected.context_length == 200_000
    assert options.kv_cache_bytes == (200_000 + UNUSED) * TOKEN
    assert expected.raw_memory == pytest.approx(
        WEIGHTS + (200_000 + UNUSED) * TOKEN + RUNTIME_BYTES[engine], abs=10_000
    )


def test_the_pool_is_cut_to_what_fits(plan):
    made = plan(16 * GIB, "transformers", MANY)
    assert 2048 < made.expected.context_length < 200_000
    assert made.options.context_length == made.expected.context_length
    assert not made.lacking


def test_a_gpu_s_share_holds_what_was_asked_and_no_more(plan):
    few = plan(GIB, "vllm", LoadWishes(parallel=8, most_context=4096), gpus=[gpu()]).options
    many = plan(GIB, "vllm", MANY, gpus=[gpu()]).options
    chat = plan(GIB, "vllm", LoadWishes(), gpus=[gpu()]).options
    assert few.gpu_memory_share < many.gpu_memory_share <= chat.gpu_memory_share
    assert many.gpu_memory_share * 80 * GIB >= 200_000 * TOKEN
