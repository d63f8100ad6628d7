"""The list of models that a person keeps elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.domain.errors import StorageError
from app.storage import added_models
from app.storage.added_models import AddedModels


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "added.json"


def test_added_and_forgotten(path: Path, tmp_path: Path) -> None:
    added = AddedModels(path)
    assert added.all() == []
    one, two = tmp_path / "Zoë 家.gguf", tmp_path / "two"
    added.add(one)
    added.add(two)
    added.add(one)
    assert AddedModels(path).all() == [two, one]
    added.forget(two)
    added.forget(tmp_path / "never there")
    assert AddedModels(path).all() == [one]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"5", b"\xff", b"[" * 60_000, b"{}", b'{"paths": 5}', b'{"paths": {"a": 1}}']
)
def test_a_damaged_file_is_an_empty_list(path: Path, tmp_path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert AddedModels(path).all() == []
    AddedModels(path).add(tmp_path)
    assert AddedModels(path).all() == [tmp_path]


def test_only_what_can_be_a_path_is_believed(path: Path, tmp_path: Path) -> None:
    good = str(tmp_path / "a.gguf")
    path.write_text(json.dumps({"paths": [5, None, "relative.gguf", "/nul\0.gguf", good, good]}))
    assert AddedModels(path).all() == [Path(good)]


def test_there_is_an_end_to_it(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added_models, "MOST_MODELS", 3)
    path.write_text(json.dumps({"paths": [str(tmp_path / str(n)) for n in range(9)]}))
    assert len(AddedModels(path).all()) == 3


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        AddedModels(tmp_path / "gone" / "x.json").add(tmp_path)


def test_models_move_with_the_folder(path: Path, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "bob" / "home"
    home.mkdir()
    outside = tmp_path / "outside.gguf"
    outside.touch()
    added = AddedModels(home / "added.json")
    added.add(home / "kept" / "a.gguf")
    added.add(outside)
    elsewhere.parent.mkdir()
    home.rename(elsewhere)
    after = AddedModels(elsewhere / "added.json")
    assert after.all() == [elsewhere / "kept" / "a.gguf", outside]
    after.forget(outside)
    assert AddedModels(elsewhere / "added.json").all() == [elsewhere / "kept" / "a.gguf"]


@pytest.mark.parametrize("home", [5, None, "", "relative", "\0", "C:", "/" * 5000])
def test_a_folder_that_cannot_be_is_no_failure(path: Path, tmp_path: Path, home: object) -> None:
    path.write_text(json.dumps({"home": home, "paths": [str(tmp_path / "a.gguf")]}))
    assert AddedModels(path).all() == [tmp_path / "a.gguf"]
