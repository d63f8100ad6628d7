import json

import pytest

from app.domain.errors import ModelFileError
from app.models.safetensors_folder import MAX_HEADER, details_of_folder, read_tensors, weight_files
from tests.unit.models.safetensors_writer import write_weights


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "Tiny Model 家"
    write_weights(
        folder / "model-00001-of-00002.safetensors", {"a": ("BF16", [4, 8], 64), "b": ("F32", [4], 16)}
    )
    write_weights(folder / "model-00002-of-00002.safetensors", {"c": ("BF16", [10], 20)})
    return folder


def configure(folder, **config):
    (folder / "config.json").write_text(json.dumps(config))


def test_what_a_folder_says(folder):
    configure(folder, model_type="qwen3", num_hidden_layers=28, max_position_embeddings=40960)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    details = details_of_folder(folder)
    assert (details.title, details.architecture) == ("Tiny Model 家", "qwen3")
    assert (details.parameters, details.quantization) == (46, "BF16")
    assert (details.layers, details.context_length) == (28, 40960)
    assert details.has_template
    assert [path.name for path in weight_files(folder)] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ]


def test_what_a_model_that_sees_says(folder):
    configure(folder, model_type="vl", text_config={"num_hidden_layers": 3, "max_position_embeddings": 512})
    (folder / "tokenizer_config.json").write_text('{"chat_template": "x"}')
    details = details_of_folder(folder)
    assert (details.layers, details.context_length, details.has_template) == (3, 512, True)


def test_what_is_quantized(folder):
    configure(folder, quantization_config={"quant_method": "gptq", "bits": 4})
    assert details_of_folder(folder).quantization == "GPTQ"


def test_hostile_configurations(folder):
    configure(folder, model_type=["x"], num_hidden_layers=-1, max_position_embeddings=10**30, text_config=5,
              quantization_config="x")  # fmt: skip
    details = details_of_folder(folder)
    assert (details.architecture, details.layers, details.context_length) == ("", None, None)
    assert details.quantization == "BF16"
    (folder / "config.json").write_bytes(b"\xff")
    assert details_of_folder(folder).architecture == ""
    assert not details.has_template


def test_an_empty_and_a_missing_folder(tmp_path):
    assert details_of_folder(tmp_path).parameters is None
    assert weight_files(tmp_path / "gone") == []


def test_a_file_that_ends_early(tmp_path):
    path = write_weights(tmp_path / "x.safetensors", {"a": ("F32", [10], 40)}, data=39)
    with pytest.raises(ModelFileError, match="ends early"):
        read_tensors(path)


def entry(**changes):
    return json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} | changes}).encode()


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"a": 5}',
        entry(dtype=5),
        entry(shape=5),
        entry(shape=[-1]),
        entry(shape=[True]),
        entry(shape=[2**49]),
        entry(shape=[1] * 9),
        entry(data_offsets=[0]),
        entry(data_offsets=[4, 0]),
        entry(data_offsets=[0, 2**60]),
        entry(data_offsets=[0, 1.5]),
    ],
)
def test_damaged_headers(tmp_path, header):
    path = write_weights(tmp_path / "x.safetensors", {}, header=header, data=100)
    with pytest.raises(ModelFileError, match="is damaged"):
        read_tensors(path)


@pytest.mark.parametrize("length", [0, 1, 93, MAX_HEADER + 1, 2**64 - 1])
def test_headers_that_cannot_be_so_long(tmp_path, length):
    path = tmp_path / "x.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + b"{}" + bytes(90))
    with pytest.raises(ModelFileError, match="is damaged"):
        read_tensors(path)


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_tensors(tmp_path / "gone.safetensors")
