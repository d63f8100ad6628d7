import os

import pytest

from app.domain.errors import ModelFileError
from app.domain.hub import Format
from app.models.complete import check_headers, complete_header
from app.models.gguf_header import read_header
from tests.unit.models.gguf_writer import STRING, GgufWriter, write_model
from tests.unit.models.safetensors_writer import write_weights


def test_one_file(tmp_path):
    path = write_model(tmp_path / "Modell 家.gguf")
    assert complete_header(path, Format.GGUF) == read_header(path)


def test_the_header_of_a_split_model_has_the_tensors_of_all_parts(tmp_path):
    first = write_model(tmp_path / "big-00001-of-00002.gguf")
    writer = GgufWriter().add("general.name", STRING, "second").tensor("more", (8,), 0, 0)
    write_model(tmp_path / "big-00002-of-00002.gguf", writer)
    header = complete_header(first, Format.GGUF)
    assert header.architecture == "llama"
    assert [tensor.name for tensor in header.tensors] == ["token_embd.weight", "output.weight", "more"]
    assert header.tensor_bytes == read_header(first).tensor_bytes + 32


@pytest.mark.parametrize("part", [1, 2])
def test_a_part_that_ends_early_or_is_gone(tmp_path, part):
    parts = [write_model(tmp_path / f"big-0000{n}-of-00002.gguf") for n in (1, 2)]
    broken = parts[part - 1]
    os.truncate(broken, broken.stat().st_size - 1)
    with pytest.raises(ModelFileError, match="ends early"):
        check_headers(parts[0], Format.GGUF)
    broken.write_bytes(b"hello")
    with pytest.raises(ModelFileError, match="not a GGUF"):
        complete_header(parts[0], Format.GGUF)
    broken.unlink()
    with pytest.raises(ModelFileError, match=r"not there|1 of its 2 files are missing"):
        complete_header(parts[0], Format.GGUF)


def test_safetensors_have_no_such_header(tmp_path):
    weights = write_weights(tmp_path / "model.safetensors", {"a": ("F32", [10], 40)})
    assert check_headers(tmp_path, Format.SAFETENSORS) == []
    with pytest.raises(ModelFileError, match=r"safetensors, which llama\.cpp does not read"):
        complete_header(tmp_path, Format.SAFETENSORS)
    os.truncate(weights, weights.stat().st_size - 1)
    with pytest.raises(ModelFileError, match="ends early"):
        check_headers(tmp_path, Format.SAFETENSORS)
