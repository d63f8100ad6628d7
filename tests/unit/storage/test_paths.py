import sys
import tempfile
from pathlib import Path

import platformdirs
import pytest

from app.domain.errors import DiskFull, StorageError
from app.storage.paths import PORTABLE, Paths, portable_folder


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


# --- portable ----------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The folder of an installed Edgewise, and where its data would lie without a portable folder."""
    folder = tmp_path / "Stick – 家" / "Edgewise"
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(folder / "edgewise"))
    for variable in ("EDGEWISE_HOME", "APPIMAGE", "APPDIR"):
        monkeypatch.delenv(variable, raising=False)
    return folder


def test_a_folder_beside_the_executable_takes_everything(installed):
    assert not Paths.find().portable
    (installed / PORTABLE).mkdir()
    paths = Paths.find()
    assert paths.portable
    assert paths.home == installed / PORTABLE
    assert paths.logs == installed / PORTABLE / "logs"
    paths.create()


def test_a_file_of_that_name_is_no_data_folder(installed):
    (installed / PORTABLE).write_text("")
    assert not Paths.find().portable


def test_the_executable_is_found_through_a_link(installed, tmp_path, monkeypatch):
    (installed / "edgewise").write_text("")
    (installed / PORTABLE).mkdir()
    (tmp_path / "edgewise").symlink_to(installed / "edgewise")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "edgewise"))
    assert Paths.find().home == installed / PORTABLE


def test_edgewise_home_goes_before_it(installed, tmp_path, monkeypatch):
    (installed / PORTABLE).mkdir()
    monkeypatch.setenv("EDGEWISE_HOME", str(tmp_path / "own"))
    paths = Paths.find()
    assert (paths.home, paths.portable) == (tmp_path / "own", False)


def test_from_source_there_is_none(installed, monkeypatch):
    (installed / PORTABLE).mkdir()
    monkeypatch.delattr(sys, "frozen")
    assert not Paths.find().portable


def test_an_appimage_has_it_beside_its_file(installed, tmp_path, monkeypatch):
    (tmp_path / PORTABLE).mkdir()
    monkeypatch.setenv("APPIMAGE", str(tmp_path / "Edgewise.AppImage"))
    monkeypatch.setenv("APPDIR", str(installed.parent))
    assert Paths.find().home == tmp_path / PORTABLE


def test_the_variables_of_another_appimage_say_nothing(installed, tmp_path, monkeypatch):
    (tmp_path / PORTABLE).mkdir()
    monkeypatch.setenv("APPIMAGE", str(tmp_path / "Terminal.AppImage"))
    monkeypatch.setenv("APPDIR", str(tmp_path / "mounted"))
    assert not Paths.find().portable


def test_on_a_mac_it_lies_beside_the_app(installed, monkeypatch):
    inside = installed / "Edgewise.app" / "Contents" / "MacOS"
    inside.mkdir(parents=True)
    (installed / PORTABLE).mkdir()
    monkeypatch.setattr(sys, "executable", str(inside / "edgewise"))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert portable_folder() == installed / PORTABLE


def test_a_medium_that_cannot_be_written_is_a_sentence(installed, monkeypatch):
    (installed / PORTABLE).mkdir()

    def refuse(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(StorageError, match=r"portable data folder .* cannot be written") as caught:
        Paths.find().create()
    assert "Copy Edgewise together with it" in caught.value.message
