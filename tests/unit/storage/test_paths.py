from pathlib import Path

import platformdirs
import pytest

from app.domain.errors import DiskFull, StorageError
from app.storage.paths import Paths


def test_everything_moves_with_edgewise_home(tmp_path, monkeypatch):
    home = tmp_path / "Zuhause – 家"
    monkeypatch.setenv("EDGEWISE_HOME", str(home))
    paths = Paths.find()
    paths.create()
    assert paths.home == home
    assert {paths.models, paths.logs} == {home / "models", home / "logs"}
    assert {paths.database, paths.settings} == {home / "edgewise.db", home / "settings.json"}
    for folder in (paths.home, paths.models, paths.logs):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [entry for entry in folder.iterdir() if entry.is_file()] == []


def test_a_relative_or_abbreviated_home_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEWISE_HOME", "here")
    assert Paths.find().home == tmp_path / "here"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EDGEWISE_HOME", "~/there")
    assert Paths.find().home == tmp_path / "there"


@pytest.mark.parametrize("unset", [True, False])
def test_without_edgewise_home_the_systems_places_are_used(monkeypatch, unset):
    if unset:
        monkeypatch.delenv("EDGEWISE_HOME", raising=False)
    else:
        monkeypatch.setenv("EDGEWISE_HOME", "")
    paths = Paths.find()
    assert paths.home == platformdirs.user_data_path("Edgewise", appauthor=False)
    assert paths.logs == platformdirs.user_log_path("Edgewise", appauthor=False)
    assert paths.models.parent == paths.database.parent == paths.settings.parent == paths.home


def test_creating_again_keeps_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEWISE_HOME", str(tmp_path))
    paths = Paths.find()
    paths.create()
    (paths.models / "model.gguf").write_bytes(b"GGUF")
    paths.create()
    assert (paths.models / "model.gguf").read_bytes() == b"GGUF"


@pytest.mark.parametrize("blocked", ["", "models", "logs"])
def test_a_file_in_the_way_is_named(tmp_path, monkeypatch, blocked):
    home = tmp_path / "daheim"
    in_the_way = home / blocked if blocked else home
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.write_text("not a folder")
    monkeypatch.setenv("EDGEWISE_HOME", str(home))
    with pytest.raises(StorageError, match="a file is in the way") as caught:
        Paths.find().create()
    assert str(in_the_way) in caught.value.message
    assert "EDGEWISE_HOME" in caught.value.message


def test_a_file_in_the_middle_of_the_path_is_a_sentence_too(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGEWISE_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StorageError, match="a file is in the way"):
        Paths.find().create()


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [(28, DiskFull, "full"), (30, StorageError, "not allowed"), (5, StorageError, "healthy")],
    ids=["no space", "read-only", "I/O"],
)
def test_what_the_system_reports_becomes_advice(tmp_path, monkeypatch, number, kind, words):
    def refuse(*args, **kwargs):
        raise OSError(number, "as the system says it")

    monkeypatch.setenv("EDGEWISE_HOME", str(tmp_path))
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(kind, match=words) as caught:
        Paths.find().create()
    assert "as the system says it" in caught.value.detail
