from __future__ import annotations

import pytest

from app.engine_servers.model_files import CannotServe, check_files, is_gguf


def test_a_folder_of_safetensors_and_a_gguf(tmp_path):
    (tmp_path / "model-00001-of-00002.safetensors").touch()
    file = tmp_path / "Zoë.GGUF"
    file.touch()
    check_files(tmp_path)
    check_files(file)
    assert is_gguf(file)
    assert not is_gguf(tmp_path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.safetensors.index.json"])
def test_pickled_weights_are_not_loaded(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(CannotServe, match=r"^no safetensors in the folder"):
        check_files(tmp_path)


def test_a_gguf_in_several_files(tmp_path):
    for name in ("m-00001-of-00003.gguf", "m-00001-of-00001.gguf"):
        (tmp_path / name).touch()
    with pytest.raises(CannotServe, match=r"^a GGUF model in several files"):
        check_files(tmp_path / "m-00001-of-00003.gguf")
    check_files(tmp_path / "m-00001-of-00001.gguf")


def test_a_model_that_is_gone(tmp_path):
    with pytest.raises(CannotServe, match=r"^no such model"):
        check_files(tmp_path / "gone.gguf")
