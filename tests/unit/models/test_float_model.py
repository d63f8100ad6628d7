import json

import pytest

from app.domain.errors import ModelFileError
from app.domain.hub import Format
from app.models.float_model import read_float_model
from tests.unit.models.safetensors_writer import write_weights

CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 30,
    "hidden_size": 576,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "max_position_embeddings": 8192,
}


@pytest.fixture
def folder(tmp_path):
    def make(config, kind="BF16"):
        size = {"BF16": 2000, "F32": 4000}[kind]
        write_weights(tmp_path / "model.safetensors", {"w": (kind, [100, 10], size)})
        (tmp_path / "config.json").write_text(json.dumps(config))
        return read_float_model(tmp_path, Format.SAFETENSORS)

    return make


def test_sizes_of_a_folder(folder):
    model = folder(CONFIG)
    assert (model.architecture, model.heads, model.context_trained) == ("llama", 9, 8192)
    assert (model.weights, model.stored_bits) == (1000, 16)
    assert model.cached == 2 * 30 * 3 * 64
    assert model.cache_bytes(100, "auto") == model.cached * 100 * 2
    assert model.cache_bytes(100, "float32") == model.cached * 100 * 4


def test_bytes_of_weights_as_they_are_loaded(folder):
    model = folder(CONFIG)
    assert 2000 <= model.weight_bytes("auto", None) < 2200
    assert model.weight_bytes("float32", None) == 4000
    assert model.weight_bytes("auto", 4) == 500


def test_wide_weights_have_a_wide_cache(folder):
    model = folder(CONFIG, "F32")
    assert model.weight_bytes("auto", None) >= 4000
    assert model.cache_bytes(1, "auto") == model.cached * 4
    assert model.cache_bytes(1, "bfloat16") == model.cached * 2


def test_latent_attention_keeps_one_vector(folder):
    model = folder({**CONFIG, "kv_lora_rank": 512, "qk_rope_head_dim": 64})
    assert model.cached == 30 * 576


def test_sizes_of_a_model_that_sees_lie_deeper(folder):
    assert folder({"model_type": "vlm", "text_config": CONFIG}).cached == 2 * 30 * 3 * 64


@pytest.mark.parametrize("config", [{}, {"num_hidden_layers": "many"}, {"num_attention_heads": -1}])
def test_what_config_does_not_say_is_not_invented(folder, config):
    model = folder(config)
    assert (model.cached, model.heads) == (0, 1)
    assert model.context_trained == 4096


def test_a_folder_without_weights(tmp_path):
    with pytest.raises(ModelFileError, match="no safetensors files"):
        read_float_model(tmp_path, Format.SAFETENSORS)


def test_a_gguf_file_by_its_header(starter_model):
    model = read_float_model(starter_model, Format.GGUF)
    assert (model.architecture, model.heads, model.context_trained) == ("llama", 9, 8192)
    assert 134e6 < model.weights < 163e6
    assert model.cached == 2 * 30 * 3 * 64
    assert model.weight_bytes("auto", None) == model.weights * 2, "computed with in 16 bits"
