import hashlib
import os

import pytest

from app.domain.errors import Cancelled, ModelFileError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.models.verify import sha256_of
from app.services.model_hash import ModelHash
from app.storage.checksums import Checksums
from app.storage.paths import Paths


@pytest.fixture
def paths(tmp_path):
    made = Paths(tmp_path, tmp_path / "models", tmp_path / "logs", tmp_path / "db", tmp_path / "settings")
    made.models.mkdir()
    return made


@pytest.fixture
def read(monkeypatch):
    """The files that were read."""
    files = []

    def noted(path, *more):
        files.append(path.name)
        return sha256_of(path, *more)

    monkeypatch.setattr("app.services.model_hash.sha256_of", noted)
    return files


def sha(data):
    return hashlib.sha256(data).hexdigest()


def model(path):
    return LocalModel(path.stem, path, path.stat().st_size)


def test_it_is_read_once_and_again_when_it_has_changed(paths, tmp_path, read):
    file = tmp_path / "x.gguf"
    file.write_bytes(b"one")
    assert ModelHash(paths).of(model(file), Cancellation()) == sha(b"one")
    assert ModelHash(paths).of(model(file), Cancellation()) == sha(b"one")
    assert read == ["x.gguf"]
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert ModelHash(paths).of(model(file), Cancellation()) == sha(b"two")


def test_what_the_hub_told_is_taken_until_the_file_changes(paths, read):
    file = paths.models / "x.gguf"
    file.write_bytes(b"one")
    Checksums(paths.checksums).add("x.gguf", "ab" * 32, 3)
    assert ModelHash(paths).of(model(file), Cancellation()) == "ab" * 32
    assert read == []
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert ModelHash(paths).of(model(file), Cancellation()) == sha(b"two")


def test_what_was_told_of_another_size_is_not_taken(paths):
    file = paths.models / "x.gguf"
    file.write_bytes(b"one")
    Checksums(paths.checksums).add("x.gguf", "ab" * 32, 4)
    assert ModelHash(paths).of(model(file), Cancellation()) == sha(b"one")


def test_several_files(paths, tmp_path):
    for number, data in enumerate((b"a", b"b"), start=1):
        (tmp_path / f"x-0000{number}-of-00002.gguf").write_bytes(data)
    both = model(tmp_path / "x-00001-of-00002.gguf")
    assert ModelHash(paths).of(both, Cancellation()) == sha(f"{sha(b'a')}\n{sha(b'b')}\n".encode())
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"a")
    one = LocalModel("folder", folder, 1, format=Format.SAFETENSORS)
    assert ModelHash(paths).of(one, Cancellation()) == sha(b"a")


def test_a_cancel_and_a_file_that_is_gone(paths, tmp_path):
    file = tmp_path / "x.gguf"
    file.write_bytes(b"one")
    thrown = Cancellation()
    thrown.cancel()
    with pytest.raises(Cancelled):
        ModelHash(paths).of(model(file), thrown)
    there = model(file)
    file.unlink()
    with pytest.raises(ModelFileError, match=r"^x cannot be read"):
        ModelHash(paths).of(there, Cancellation())
