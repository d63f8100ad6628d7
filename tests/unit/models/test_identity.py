import json

import pytest

from app.domain.errors import ModelFileError
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.models.identity import identity_of
from tests.unit.models.gguf_writer import STRING, U32, GgufWriter, write_model
from tests.unit.models.safetensors_writer import write_weights

CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 30,
    "hidden_size": 576,
    "num_attention_heads": 9,
    "vocab_size": 49152,
    "max_position_embeddings": 8192,
}
"""The starter model's."""


def compressed(bits, kind):
    """As llm-compressor writes it."""
    weights = {"num_bits": bits, "type": kind}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights}}}


@pytest.fixture
def folder(tmp_path):
    """Makes models as folders of safetensors."""

    def made(name, stored="BF16", **config):
        path = tmp_path / name.replace("/", "_")
        write_weights(path / "model.safetensors", {"w": (stored, [10, 10], 200)})
        (path / "config.json").write_text(json.dumps({**CONFIG, **config}))
        return LocalModel(name, path, 200, format=Format.SAFETENSORS)

    return made


@pytest.fixture
def starter(starter_model):
    return LocalModel(starter_model.stem, starter_model, starter_model.stat().st_size)


def test_the_starter_model(starter):
    found = identity_of(starter)
    assert found.title == "SmolLM2 135M Instruct"
    assert found.sizes == (30, 576, 9, 49152)
    assert found.precision == "Q4_1"
    assert found.bits == pytest.approx(5.74, abs=0.01), "its table of tokens is kept in more than the rest"
    assert found.context_trained == 8192


@pytest.mark.parametrize(
    "name",
    [
        "SmolLM2-135M-Instruct",
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "smollm2_135m_instruct-bf16",
        "SmolLM2-135M-Instruct-AWQ",
        "SmolLM2-135M-Instruct.Q4_1-safetensors",
        "SmolLM2-135M-Instruct-GPTQ-Int4",
        "SmolLM2-135M-Instruct-quantized.w8a8",
        "SmolLM2-135M-Instruct-FP8-dynamic",
        "SmolLM2-Instruct-135M",
    ],
)
def test_forms_of_the_same_model(starter, folder, name):
    assert identity_of(folder(name)).is_same(identity_of(starter))


@pytest.mark.parametrize(
    "name",
    [
        "SmolLM2-135M",
        "SmolLM2-135M-Base",
        "SmolLM2-135M-Instruct-Coder",
        "SmolLM2-360M-Instruct",
        "SmolLM3-135M-Instruct",
        "Zephyr-135M-Instruct",
        "model",
    ],
)
def test_other_models_of_the_same_sizes(starter, folder, name):
    assert not identity_of(folder(name)).is_same(identity_of(starter))


@pytest.mark.parametrize("size", list(CONFIG)[1:5])
def test_a_model_of_other_sizes_is_another_whatever_its_name(starter, folder, size):
    other = folder("SmolLM2-135M-Instruct", **{size: 64})
    assert not identity_of(other).is_same(identity_of(starter))
    unknown = folder("SmolLM2-135M-Instruct", **{size: "many"})
    assert identity_of(unknown).sizes is None
    assert not identity_of(unknown).is_same(identity_of(starter))


def test_a_name_that_says_nothing_is_no_name(folder):
    first, second = folder("model-q4_k_m"), folder("model-f16")
    assert not identity_of(first).is_same(identity_of(second))


def write_gguf(path, **said):
    """A small GGUF model of `CONFIG`'s sizes, whose header says that of itself."""
    writer = GgufWriter().add("general.architecture", STRING, "llama")
    for key, value in said.items():
        writer.add(f"general.{key}", STRING, value)
    for key, value in (("block_count", 30), ("embedding_length", 576), ("attention.head_count", 9)):
        writer.add(f"llama.{key}", U32, value)
    writer.tensor("token_embd.weight", (576, 49152), 1, 0)
    write_model(path, writer)
    return LocalModel(path.stem, path, path.stat().st_size)


def test_the_name_that_a_header_gives(folder, tmp_path):
    named = {"basename": "SmolLM2", "size_label": "135M"}
    mine = identity_of(write_gguf(tmp_path / "mine-f16.gguf", **named))
    tuned = identity_of(write_gguf(tmp_path / "tuned.gguf", finetune="Instruct", **named))
    assert (mine.title, mine.precision, mine.sizes) == ("mine", "fp16", (30, 576, 9, 49152))
    base, instruct = identity_of(folder("SmolLM2-135M")), identity_of(folder("SmolLM2-135M-Instruct"))
    assert mine.is_same(base)
    assert not mine.is_same(instruct)
    assert tuned.is_same(instruct)
    assert not tuned.is_same(base)
    made_from_it = identity_of(folder("finance", _name_or_path="HuggingFaceTB/SmolLM2-135M"))
    assert not made_from_it.is_same(base), "what it was trained from is another model"


@pytest.mark.parametrize(
    ("said", "precision", "bits"),
    [
        ({"quant_method": "awq", "bits": 4}, "AWQ int4", 4),
        ({"quant_method": "awq", "w_bit": 4}, "AWQ int4", 4),
        ({"quant_method": "gptq", "bits": 8}, "GPTQ int8", 8),
        ({"quant_method": "fp8", "activation_scheme": "dynamic"}, "FP8", 8),
        ({"quant_method": "fbgemm_fp8"}, "FP8", 8),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "NVFP4", 4.5),
        ({"quant_method": "mxfp4"}, "MXFP4", 4.25),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8", 8),
        ({"quant_method": "bitsandbytes", "_load_in_4bit": True}, "int4", 4),
        (compressed(8, "int"), "int8", 8),
        (compressed(8, "float"), "FP8", 8),
        ({"quant_method": "hqq"}, "HQQ", None),
        ({"quant_method": 5, "bits": "four", "config_groups": []}, "", None),
        ("junk", "bf16", 16),
    ],
)  # fmt: skip
def test_what_config_json_says_of_the_precision(folder, said, precision, bits):
    found = identity_of(folder("m", quantization_config=said))
    assert (found.precision, found.bits) == (precision, bits)


@pytest.mark.parametrize(("stored", "precision", "bits"), [("F16", "fp16", 16), ("F32", "fp32", 32)])
def test_floating_point(folder, stored, precision, bits):
    found = identity_of(folder("m", stored))
    assert (found.precision, found.bits) == (precision, bits)


def test_what_is_not_there(tmp_path):
    with pytest.raises(ModelFileError):
        identity_of(LocalModel("x", tmp_path / "x.gguf", 1))
