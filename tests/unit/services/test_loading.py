from dataclasses import replace

import pytest

from app.advisor.correction import DEFAULT_SPEED_SHARE
from app.domain.errors import ModelFileError
from app.domain.machine import Gpu
from app.domain.model import LocalModel
from app.models.footprint import RunOptions, forecast
from app.models.gguf_header import read_header
from app.services import loading
from app.services.loading import (
    PROMPT_CACHE_BYTES,
    Experience,
    LoadWishes,
    free_words,
    needed_words,
    plan_load,
)

GIB = 1 << 30


@pytest.fixture
def machine(monkeypatch):
    """A machine of three cores and as much free memory as is asked for."""

    def free(size):
        monkeypatch.setattr(loading, "available_memory", lambda: size)
        monkeypatch.setattr(loading, "computing_threads", lambda: 3)

    return free


@pytest.fixture
def model(starter_model):
    return LocalModel("small", starter_model, starter_model.stat().st_size)


def test_without_wishes(model, machine):
    machine(64 * GIB)
    options = plan_load(model, LoadWishes(), engine="llama_cpp").options
    assert (options.context_length, options.threads) == (8192, 3)
    assert options.prompt_cache_bytes == PROMPT_CACHE_BYTES


def test_wishes_are_granted(model, machine):
    machine(64 * GIB)
    options = plan_load(model, LoadWishes(context_length=512, threads=7), engine="llama_cpp").options
    assert (options.context_length, options.threads) == (512, 7)


def test_a_small_machine(model, machine):
    free = GIB * 7 // 8
    machine(free)
    options = plan_load(model, LoadWishes(), engine="llama_cpp").options
    assert 2048 < options.context_length < 8192
    assert options.prompt_cache_bytes == free // 8


def test_a_damaged_file_is_told_with_the_model_s_name(tmp_path, machine):
    machine(GIB)
    path = tmp_path / "x.gguf"
    path.write_bytes(b"junk")
    with pytest.raises(
        ModelFileError, match=r"^Zoë did not start: x\.gguf is not a GGUF model file\.$"
    ) as caught:
        plan_load(LocalModel("Zoë", path, 4), LoadWishes(), engine="llama_cpp")
    assert caught.value.detail


def test_what_is_expected_is_what_the_engine_is_started_with(model, machine):
    machine(64 * GIB)
    plan = plan_load(model, LoadWishes(context_length=4096), engine="llama_cpp")
    made = forecast(read_header(model.path), RunOptions(4096)).total
    expected = plan.expected
    assert plan.free == 64 * GIB
    assert (expected.context_length, expected.threads, expected.gpu_layers) == (4096, 3, 0)
    assert (expected.model, expected.architecture, expected.quantization) == ("small", "llama", "Q4_1")
    assert expected.raw_memory == expected.forecast_memory == made
    assert (expected.raw_speed, expected.forecast_speed) == (None, None), "no bandwidth was measured"
    assert (expected.measured_memory, expected.measured_speed) == (None, None)


def test_a_speed_is_forecast_from_the_bandwidth(model, machine):
    machine(64 * GIB)
    experience = Experience(bandwidth=30e9)
    expected = plan_load(model, LoadWishes(), engine="llama_cpp", experience=experience).expected
    assert expected.raw_speed is not None
    assert 200 < expected.raw_speed < 30e9 / 98e6
    assert expected.forecast_speed == expected.raw_speed * DEFAULT_SPEED_SHARE


def test_what_earlier_loads_took_leaves_less_room_for_context(model, machine):
    machine(GIB * 7 // 8)
    first = plan_load(model, LoadWishes(), engine="llama_cpp").expected
    took = replace(first, id=1, measured_memory=int(first.raw_memory * 1.2))
    experience = Experience((took,))
    again = plan_load(model, LoadWishes(), engine="llama_cpp", experience=experience)
    assert 2048 <= again.expected.context_length < first.context_length
    assert again.expected.forecast_memory > again.expected.raw_memory
    wished = plan_load(model, LoadWishes(8192), engine="llama_cpp", experience=experience)
    assert wished.options.context_length == 8192, "a wish is a wish"
    other = plan_load(model, LoadWishes(), engine="another", experience=experience).expected
    assert other.context_length == first.context_length


def test_many_replies_at_once_are_forecast_as_they_are_loaded(model, machine):
    machine(64 * GIB)
    wishes = LoadWishes(parallel=128, prompt_cache_bytes=0, most_context=30_000)
    plan = plan_load(model, wishes, engine="llama_cpp")
    options = plan.options
    assert (options.context_length, options.parallel, options.prompt_cache_bytes) == (30_208, 128, 0)
    made = forecast(read_header(model.path), RunOptions(30_208, sequences=128)).total
    assert plan.expected.raw_memory == made
    assert made > forecast(read_header(model.path), RunOptions(30_208)).total
    too_many = plan_load(model, replace(wishes, parallel=1000), engine="llama_cpp").options
    assert too_many.parallel == 256, "llama.cpp's most"


def test_the_most_context_is_cut_to_what_memory_holds(model, machine):
    machine(GIB)
    wishes = LoadWishes(parallel=8, prompt_cache_bytes=0, most_context=100_000)
    plan = plan_load(model, wishes, engine="llama_cpp")
    assert 2048 <= plan.options.context_length < 100_000
    assert not plan.lacking
    machine(GIB // 4)
    tight = plan_load(model, wishes, engine="llama_cpp")
    assert tight.options.context_length == 2048
    small = plan_load(model, replace(wishes, most_context=600), engine="llama_cpp").options
    assert small.context_length == 768
    wished = plan_load(model, replace(wishes, context_length=4096), engine="llama_cpp").options
    assert wished.context_length == 4096, "a wish is a wish"


GPU = Gpu("NVIDIA L4", 24 * GIB, 23 * GIB, device="CUDA0")


def test_all_layers_go_to_a_gpu_with_room(model, machine):
    machine(64 * GIB)
    experience = Experience(bandwidth=30e9)
    plan = plan_load(model, LoadWishes(), engine="llama_cpp_cuda", experience=experience, gpus=(GPU,))
    made = forecast(read_header(model.path), RunOptions(8192), gpu_layers=31)
    expected = plan.expected
    assert (plan.options.gpu_layers, plan.options.devices) == (31, ("CUDA0",))
    assert (expected.gpu_layers, expected.engine, expected.context_length) == (31, "llama_cpp_cuda", 8192)
    assert (plan.gpu_memory, plan.main_memory) == (made.gpu.total, made.host.total)
    assert expected.raw_memory == expected.forecast_memory == made.total
    assert (plan.gpu_free, plan.main_free, plan.free) == (23 * GIB, 64 * GIB, 87 * GIB)
    assert not plan.lacking
    assert expected.raw_speed is None, "nobody has told the bandwidth of the GPU's memory"
    assert "of main memory" in needed_words(plan)
    assert (
        free_words(plan) == f"{23 * GIB / 1e9:.1f} GB on the GPU and {64 * GIB / 1e9:.1f} GB of main memory"
    )


def test_a_model_larger_than_the_gpu_is_split(model, machine):
    machine(64 * GIB)
    small = replace(GPU, memory_free=GIB + 608 * (1 << 20) + 200 * (1 << 20))
    plan = plan_load(model, LoadWishes(), engine="llama_cpp_cuda", gpus=(small,))
    assert plan.options.gpu_layers is not None
    assert 0 < plan.options.gpu_layers < 31
    assert plan.options.context_length == 8192
    assert 0 < plan.gpu_memory <= (small.memory_free or 0)
    assert not plan.lacking


def test_with_layers_in_main_memory_that_is_full_it_lacks_some(model, machine):
    machine(GIB // 8)
    small = replace(GPU, memory_free=GIB + 608 * (1 << 20) + 120 * (1 << 20))
    wishes = LoadWishes(context_length=8192)
    plan = plan_load(model, wishes, engine="llama_cpp_cuda", gpus=(small,))
    assert plan.options.context_length == 8192, "a wish is a wish"
    assert plan.lacking == plan.main_memory - GIB // 8 > 0
    machine(64 * GIB)
    assert not plan_load(model, wishes, engine="llama_cpp_cuda", gpus=(small,)).lacking


def test_a_full_gpu_is_not_used(model, machine):
    machine(64 * GIB)
    full = replace(GPU, memory_free=GIB // 2)
    plan = plan_load(model, LoadWishes(), engine="llama_cpp_cuda", gpus=(full,))
    assert plan.expected.gpu_layers == plan.gpu_memory == 0
    assert plan.options.gpu_layers == 0, "or llama.cpp would try all the same"
    assert plan.expected.forecast_memory == plan.main_memory


def test_a_gpu_that_shares_main_memory_leaves_its_layers_to_llama_cpp(model, machine):
    machine(GIB)
    shared = replace(GPU, unified_memory=True, memory_free=None, device="Vulkan0")
    experience = Experience(bandwidth=30e9)
    plan = plan_load(model, LoadWishes(), engine="llama_cpp_vulkan", experience=experience, gpus=(shared,))
    assert plan.options.gpu_layers is None
    assert plan.options.devices == ("Vulkan0",)
    assert plan.expected.gpu_layers == 31
    assert (plan.gpu_memory, plan.free) == (0, GIB)
    assert plan.expected.raw_speed is not None
    assert not plan.lacking


def test_loads_on_gpus_are_corrected_by_loads_on_gpus(model, machine):
    machine(64 * GIB)
    first = plan_load(model, LoadWishes(), engine="llama_cpp_cuda", gpus=(GPU,)).expected
    took = replace(first, id=1, measured_memory=int(first.raw_memory * 1.2))
    on_gpu = plan_load(
        model, LoadWishes(), engine="llama_cpp_cuda", gpus=(GPU,), experience=Experience((took,))
    )
    assert on_gpu.expected.forecast_memory > on_gpu.expected.raw_memory
    processor = replace(took, gpu_layers=0)
    other = plan_load(
        model, LoadWishes(), engine="llama_cpp_cuda", gpus=(GPU,), experience=Experience((processor,))
    )
    assert other.expected.forecast_memory == other.expected.raw_memory
