from dataclasses import replace

import pytest

from app.advisor.correction import DEFAULT_SPEED_SHARE
from app.domain.errors import ModelFileError
from app.domain.model import LocalModel
from app.models.footprint import RunOptions, forecast
from app.models.gguf_header import read_header
from app.services import loading
from app.services.loading import PROMPT_CACHE_BYTES, Experience, LoadWishes, plan_load

GIB = 1 << 30


@pytest.fixture
def machine(monkeypatch):
    """A machine of three cores and as much free memory as is asked for."""

    def free(size):
        monkeypatch.setattr(loading, "available_memory", lambda: size)
        monkeypatch.setattr(loading, "usable_physical_cores", lambda: 3)

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
