import itertools
import math
from dataclasses import replace

import pytest

from app.domain.catalog import Dimensions
from app.models.footprint import RunOptions, active_bytes, forecast, kv_bytes_per_token
from app.models.gguf_header import read_header
from app.models.model_shape import model_shape
from app.models.sketch import sketch
from tests.made_models import MADE_MODELS
from tests.unit.models.published import DESCRIBED, dimensions_of

SMOLLM2 = Dimensions("llama", 30, 576, 1536, 9, (3,), 64, 49_152, tied=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return {name: read_header(MADE_MODELS[name]().write(folder / name)) for name in DESCRIBED}


def test_the_real_model(starter_model):
    real = read_header(starter_model)
    sketched = sketch(SMOLLM2, 8192, "Q4_1")
    assert sketched.tensor_bytes == real.tensor_bytes
    assert sketched.file_size == pytest.approx(real.file_size, rel=0.001)
    assert {(t.name, t.shape, t.type_id) for t in sketched.tensors} == {
        (t.name, t.shape, t.type_id) for t in real.tensors
    }
    for context in (2048, 8192):
        assert forecast(sketched, RunOptions(context)) == forecast(real, RunOptions(context))


@pytest.mark.parametrize("name", DESCRIBED)
def test_forecasts_are_those_of_real_headers(made, name):
    real = made[name]
    sketched = sketch(dimensions_of(MADE_MODELS[name]()), 8192, "MXFP4" if name == "gpt_oss_20b" else "Q8_0")
    assert sketched.tensor_bytes == pytest.approx(real.tensor_bytes, rel=0.005)
    assert model_shape(sketched).layers == model_shape(real).layers
    for context in (2048, 32_768):
        for gpu_layers in (0, 5, 99):
            ours = forecast(sketched, RunOptions(context), gpu_layers=gpu_layers)
            theirs = forecast(real, RunOptions(context), gpu_layers=gpu_layers)
            assert ours.host.cache == theirs.host.cache
            assert ours.gpu.cache == theirs.gpu.cache
            assert ours.host.total == pytest.approx(theirs.host.total, rel=0.01)
            assert ours.gpu.total == pytest.approx(theirs.gpu.total, rel=0.01)
    assert active_bytes(sketched, RunOptions(8192)) == pytest.approx(
        active_bytes(real, RunOptions(8192)), rel=0.01
    )


def test_published_files():
    """Sizes of Qwen's own files on the hub, Qwen/Qwen3-4B-GGUF."""
    qwen3_4b = Dimensions("qwen3", 36, 2560, 9728, 32, (8,), 128, 151_936, tied=True)
    published = {
        "Q4_K_M": 2_497_280_256,
        "Q5_K_M": 2_889_513_184,
        "Q6_K": 3_306_260_704,
        "Q8_0": 4_280_404_704,
    }
    for quantization, size in published.items():
        assert sketch(qwen3_4b, 40_960, quantization).file_size == pytest.approx(size, rel=0.005)


def test_a_window_of_its_own_pattern():
    windowed = replace(SMOLLM2, architecture="gemma3", window=512, window_pattern=2)
    layers = model_shape(sketch(windowed, 8192, "Q8_0")).layers
    assert [layer.window for layer in layers[:4]] == [512, None, 512, None]


def test_dense_layers_before_those_with_experts():
    mixed = replace(SMOLLM2, experts=8, experts_used=2, expert_feed_forward=256, dense_layers=1)
    names = {tensor.name for tensor in sketch(mixed, 8192, "Q8_0").tensors}
    assert "blk.0.ffn_up.weight" in names
    assert "blk.0.ffn_up_exps.weight" not in names
    assert "blk.1.ffn_up_exps.weight" in names
    assert "blk.1.ffn_up.weight" not in names


def test_experts_published_in_four_bits_stay_so():
    dimensions = dimensions_of(MADE_MODELS["gpt_oss_20b"]())
    in_eight, in_four = (sketch(dimensions, 8192, name) for name in ("Q8_0", "MXFP4"))
    assert in_eight.tensor_bytes == in_four.tensor_bytes


def test_tensors_follow_each_other():
    tensors = sketch(SMOLLM2, 8192, "Q4_K_M").tensors
    for tensor, following in itertools.pairwise(tensors):
        assert tensor.size is not None
        assert following.offset == math.ceil((tensor.offset + tensor.size) / 32) * 32


def test_a_quantization_nobody_knows_the_mixture_of():
    with pytest.raises(ValueError, match="UD-Q4_K_XL"):
        sketch(SMOLLM2, 8192, "UD-Q4_K_XL")


def test_the_cache_does_not_depend_on_the_quantization():
    sizes = {kv_bytes_per_token(sketch(SMOLLM2, 8192, name)) for name in ("F16", "Q8_0", "Q4_K_M", "IQ2_M")}
    assert sizes == {30 * 3 * (64 + 64) * 2}
