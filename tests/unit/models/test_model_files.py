import os
import sys
from pathlib import Path

import pytest

from app.domain.hub import Format
from app.domain.model import Place
from app.models import model_files
from app.models.model_files import (
    MAX_CONFIG_BYTES,
    MAX_DEPTH,
    files_of,
    model_at,
    models_under,
    parts_of,
    read_json,
)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "Modelle 模型"
    folder.mkdir()
    return folder


def put(folder, name, size=10):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def safetensors(folder, name, architecture="LlamaForCausalLM"):
    put(folder, f"{name}/model.safetensors", 100)
    put(folder, f"{name}/tokenizer.json")
    (folder / name / "config.json").write_text(f'{{"architectures": ["{architecture}"]}}')
    return folder / name


def found(folder):
    return models_under(folder, Place.LM_STUDIO)


def names(folder):
    return [model.names[0] for model in found(folder)]


def test_what_lies_deeper_has_the_folders_in_its_longer_name(folder):
    put(folder, "owner/repo/model-Q8_0.gguf")
    (model,) = models_under(folder, Place.HUGGING_FACE, prefix="cached/")
    assert model.names == ("model-Q8_0", "model-Q8_0", "cached/owner/repo/model-Q8_0")
    assert (model.place, model.size) == (Place.HUGGING_FACE, 10)


def test_names_of_strangers_are_one_line(folder):
    put(folder, "evil\x1b[31m\nname.gguf")
    assert names(folder) == ["evil [31m name"]


def test_what_is_hidden_is_no_model(folder):
    put(folder, ".incoming/half.gguf")
    put(folder, ".hidden.gguf")
    put(folder, "seen.gguf")
    assert names(folder) == ["seen"]


def test_endings_in_capitals(folder):
    put(folder, "A-00001-of-00002.GGUF", 5)
    put(folder, "A-00002-of-00002.gguf", 7)
    put(folder, "B.GGUF")
    assert [(model.names[0], model.size) for model in found(folder)] == [("A", 12), ("B", 10)]


def test_links_to_files_are_followed_and_those_to_folders_are_not(folder, tmp_path):
    real = put(tmp_path, "elsewhere/real.gguf")
    (folder / "link.gguf").symlink_to(real)
    (folder / "loop").symlink_to(folder)
    (folder / "out").symlink_to(real.parent)
    (folder / "nowhere.gguf").symlink_to(folder / "gone")
    assert names(folder) == ["link"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_a_pipe_is_no_model_and_nothing_waits_for_it(folder):
    os.mkfifo(folder / "pipe.gguf")
    safetensors(folder, "piped")
    (folder / "piped" / "config.json").unlink()
    os.mkfifo(folder / "piped" / "config.json")
    assert found(folder) == []
    assert read_json(folder / "piped" / "config.json", 100) == {}


def test_a_part_that_is_missing_is_told(folder):
    put(folder, "whole-00001-of-00002.gguf", 1)
    put(folder, "whole-00002-of-00002.gguf", 1)
    put(folder, "half-00001-of-00003.gguf", 1)
    put(folder, "half-00003-of-00003.gguf", 1)
    put(folder, "late-00002-of-00002.gguf", 1)
    assert {model.names[0]: model.problem for model in found(folder)} == {
        "half": "1 of its 3 files are missing.",
        "whole": "",
    }


def test_the_parts_of_one_are_not_those_of_another(folder):
    first = put(folder, "a-00001-of-00002.gguf")
    second = put(folder, "a-00002-of-00002.gguf")
    put(folder, "a-00002-of-00003.gguf")
    put(folder, "ab-00002-of-00002.gguf")
    alone = put(folder, "a.gguf")
    assert parts_of(first) == [first, second]
    assert parts_of(alone) == [alone]
    assert files_of(first, Format.GGUF) == [first, second]


@pytest.mark.parametrize(
    ("projectors", "chosen"),
    [
        ([], None),
        (["mmproj-model-f16.gguf"], "mmproj-model-f16.gguf"),
        (["mmproj-Q8_0.gguf", "mmproj-F16.gguf", "mmproj-BF16.gguf"], "mmproj-F16.gguf"),
        (["mmproj-other.gguf", "mmproj-Tiny-VL-Q8_0.gguf"], "mmproj-Tiny-VL-Q8_0.gguf"),
    ],
)
def test_a_model_alone_in_its_folder_sees_with_what_lies_beside_it(folder, projectors, chosen):
    put(folder, "vl/Tiny-VL-Q4_K_M.gguf")
    put(folder, "vl/Tiny-VL-Q8_0.gguf")
    for name in projectors:
        put(folder, f"vl/{name}")
    assert {model.projector for model in found(folder)} == {folder / "vl" / chosen if chosen else None}


def test_where_models_lie_together_a_projector_belongs_to_the_one_it_names(folder):
    put(folder, "Tiny-VL-Q8_0.gguf")
    put(folder, "Blind-Q8_0.gguf")
    put(folder, "mmproj-tiny_vl-f16.gguf")
    put(folder, "mmproj-model-f16.gguf")
    assert {model.names[0]: model.projector for model in found(folder)} == {
        "Tiny-VL-Q8_0": folder / "mmproj-tiny_vl-f16.gguf",
        "Blind-Q8_0": None,
    }


def test_a_folder_of_safetensors_is_a_model(folder):
    path = safetensors(folder, "owner/Tiny")
    put(folder, "owner/Tiny/notes.odt")
    put(folder, "owner/Tiny/LICENSE")
    (model,) = found(folder)
    assert (model.path, model.size, model.format) == (path, 100, Format.SAFETENSORS)
    assert model.names == ("Tiny", "owner/Tiny")
    files = [file.name for file in files_of(path, Format.SAFETENSORS)]
    assert files == ["LICENSE", "config.json", "model.safetensors", "tokenizer.json"]


def test_encoders_pipelines_and_adapters_are_none(folder):
    safetensors(folder, "encoder", "BertModel")
    safetensors(folder, "pipeline/text_encoder")
    (folder / "pipeline" / "model_index.json").write_text("{}")
    put(folder, "adapter/adapter_model.safetensors")
    put(folder, "bare/model.safetensors")
    broken = safetensors(folder, "broken")
    (broken / "config.json").write_text('{"architectures": [1, null, {"a": []}]}')
    assert found(folder) == []


def test_the_model_at_a_path(folder):
    first = put(folder, "big-00001-of-00002.gguf", 3)
    second = put(folder, "big-00002-of-00002.gguf", 4)
    projector = put(folder, "mmproj-f16.gguf")
    folder_model = safetensors(folder, "st")
    for path in (first, second):
        model = model_at(path, Place.IN_PLACE)
        assert model is not None
        assert (model.path, model.size, model.names[0]) == (first, 7, "big")
    model = model_at(folder_model, Place.IN_PLACE)
    assert model is not None
    assert model.names == ("st", "Modelle 模型/st")
    itself = model_at(projector, Place.IN_PLACE)
    assert itself is not None
    assert itself.path == projector
    for nothing in (folder, folder / "gone.gguf", folder / "st" / "config.json", Path("a\0b.gguf")):
        assert model_at(nothing, Place.IN_PLACE) is None


def test_depth_and_number_have_an_end(folder, monkeypatch):
    deep = "/".join("d" * 1 for _ in range(MAX_DEPTH))
    put(folder, f"{deep}/last.gguf")
    put(folder, f"{deep}/d/deeper.gguf")
    assert names(folder) == ["last"]
    monkeypatch.setattr(model_files, "MAX_ENTRIES", MAX_DEPTH + 50)
    for number in range(200):
        put(folder, f"{number}.gguf")
    assert len(found(folder)) <= MAX_DEPTH + 50


def test_small_json_files_only(folder):
    path = folder / "x.json"
    for content, values in (
        (b'{"a": 1}', {"a": 1}),
        (b"[1]", {}),
        (b"{", {}),
        (b"[" * 100_000, {}),
        (b"\xff", {}),
        (b'{"a": "' + b"x" * MAX_CONFIG_BYTES + b'"}', {}),
    ):
        path.write_bytes(content)
        assert read_json(path, MAX_CONFIG_BYTES) == values
    assert read_json(folder / "gone.json", 10) == {}
