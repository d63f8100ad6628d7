"""What can be converted is told before any program runs."""

from __future__ import annotations

import json

import pytest

from app.domain.errors import ModelFileError
from app.models.conversion import OUTPUT_TYPES, convertible, file_name


@pytest.fixture
def folder(tmp_path):
    """A model of two weights, in two files."""
    folder = tmp_path / "Tiny-7B-Instruct"
    folder.mkdir()
    config = {
        "architectures": ["LlamaFooForCausalLM"],
        "num_hidden_layers": 1,
        "hidden_size": 8,
        "num_attention_heads": 2,
        "vocab_size": 32,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for number in (1, 2):
        write(folder / f"model-0000{number}-of-00002.safetensors", f"w{number}")
    return folder


def write(path, name):
    header = json.dumps({name: {"dtype": "BF16", "shape": [100, 10], "data_offsets": [0, 2000]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(2000))


def index(folder, files):
    values = {"weight_map": {f"w{number}": name for number, name in enumerate(files, 1)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(values), encoding="utf-8")


def test_what_is_said_of_a_model(folder):
    found = convertible(folder)
    assert found.architecture == "LlamaFooForCausalLM"
    assert found.title == "Tiny 7B Instruct"
    assert (found.weights, found.stored) == (2000, "bf16")
    assert [round(found.size_as(each) / 1.03) for each in OUTPUT_TYPES] == [4000, 4000, 8000, 2125]


def test_an_index_that_names_what_is_there_will_do(folder):
    index(folder, sorted(path.name for path in folder.glob("*.safetensors")))
    assert convertible(folder).weights == 2000


@pytest.mark.parametrize("name", ["model-00003-of-00003.safetensors", "../../secret.safetensors"])
def test_an_index_that_names_other_files_is_refused(folder, name):
    index(folder, [name])
    with pytest.raises(ModelFileError, match="not whole: its index names files that are not there"):
        convertible(folder)


def test_an_index_that_is_none_is_refused(folder):
    (folder / "model.safetensors.index.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelFileError, match="not whole"):
        convertible(folder)


def test_a_file_that_ends_early_is_refused(folder):
    last = max(folder.glob("*.safetensors"))
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match="ends early"):
        convertible(folder)


def test_pickles_are_refused_and_it_says_why(folder):
    for path in folder.glob("*.safetensors"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ModelFileError, match=r"Python pickles.*can run any program"):
        convertible(folder)


def test_no_folder_and_no_model(tmp_path):
    with pytest.raises(ModelFileError, match="There is no folder nowhere"):
        convertible(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelFileError, match="is no model that can be converted"):
        convertible(tmp_path / "empty")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("SmolLM2 135M Instruct", "SmolLM2-135M-Instruct-Q8_0.gguf"),
        ("../../etc/passwd", "etc-passwd-Q8_0.gguf"),
        ("模型 1.5B", "模型-1.5B-Q8_0.gguf"),
        ("a:b*c?\n", "a-b-c-Q8_0.gguf"),
        ("...", "model-Q8_0.gguf"),
    ],
)
def test_a_title_becomes_a_file_s_name(title, name):
    assert file_name(title, "Q8_0") == name
