"""Paths that outlive a move of the data folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.home_paths import found_at, kept_as, moved


def test_what_lies_in_the_folder_is_kept_from_there_on(tmp_path: Path) -> None:
    inside = tmp_path / "models" / "Zoë 家" / "a.gguf"
    assert kept_as(str(inside), tmp_path) == "models/Zoë 家/a.gguf"
    assert (
        found_at("models/Zoë 家/a.gguf", tmp_path / "elsewhere")
        == tmp_path / "elsewhere/models/Zoë 家/a.gguf"
    )


def test_what_lies_elsewhere_is_kept_whole(tmp_path: Path) -> None:
    beside = f"{tmp_path}-2{os.sep}a.gguf"
    assert kept_as(beside, tmp_path) == beside
    assert found_at(beside, tmp_path) == Path(beside)


def test_what_lay_in_the_folder_has_moved_with_it(tmp_path: Path) -> None:
    assert (
        moved("/media/anna/STICK/data/x/a.gguf", "/media/anna/STICK/data", tmp_path)
        == tmp_path / "x" / "a.gguf"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="its own paths are the other way round")
def test_what_was_written_on_windows_is_found_here(tmp_path: Path) -> None:
    home = tmp_path / "Edgewise" / "edgewise-data"
    beside = tmp_path / "models" / "b.gguf"
    beside.parent.mkdir()
    beside.touch()
    old = "E:\\Edgewise\\edgewise-data"
    assert moved("E:\\Edgewise\\edgewise-data\\x\\a.gguf", old, home) == home / "x" / "a.gguf"
    assert moved("E:\\models\\b.gguf", old, home) == beside
    assert moved("C:\\models\\b.gguf", old, home) is None


def test_what_lay_beside_it_has_moved_likewise(tmp_path: Path) -> None:
    old, new = tmp_path / "anna" / "STICK", tmp_path / "bob" / "STICK"
    for stick in (old, new):
        (stick / "models").mkdir(parents=True)
        (stick / "Edgewise" / "data").mkdir(parents=True)
    path, found = old / "models" / "a.gguf", new / "models" / "a.gguf"
    homes = str(old / "Edgewise" / "data"), new / "Edgewise" / "data"
    assert moved(str(path), *homes) == path  # it is at neither place: one can still say where it was
    found.touch()
    assert moved(str(path), *homes) == found
    path.touch()
    assert moved(str(path), *homes) == path  # it is where it was


@pytest.mark.parametrize("path", ["", "relative.gguf", "../up.gguf", "C:x"])
def test_what_is_no_whole_path_leads_nowhere(tmp_path: Path, path: str) -> None:
    assert moved(path, "/old", tmp_path) is None


@given(st.text(max_size=60).filter(lambda text: "\0" not in text), st.text(max_size=60))
def test_whatever_a_file_says_the_answer_is_absolute(path: str, old: str) -> None:
    found = moved(path, old, Path("/home/data"))
    assert found is None or found.is_absolute()
