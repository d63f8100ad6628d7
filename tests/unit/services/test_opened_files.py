"""What becomes of files that a person opened."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from app.domain.generation import Cancellation
from app.services.model_library import ModelLibrary
from app.services.opened_files import sort_out
from app.storage.paths import Paths
from tests.unit.models.gguf_writer import STRING, GgufWriter, write_model


@pytest.fixture
def library(empty_home: Path) -> ModelLibrary:
    paths = Paths.find()
    paths.create()
    return ModelLibrary(paths)


def test_known_and_new_ones(library: ModelLibrary, tmp_path: Path) -> None:
    own = write_model(Paths.find().models / "Own.gguf")
    kept, new = write_model(tmp_path / "Kept 家.gguf"), write_model(tmp_path / "New.gguf")
    library.import_model(kept, copy=False, progress=lambda *_: None, cancellation=Cancellation())
    files = sort_out(library, [kept, new, own, new])
    assert [entry.model.path for entry in files.known] == [kept, own]
    assert all(entry.details is not None for entry in files.known)
    assert (files.new, files.refused) == ((new,), ())


def test_a_bundled_model_is_known(
    library: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    bundled = write_model(tmp_path / "models" / "Starter.gguf")
    assert [entry.model.path for entry in sort_out(library, [bundled]).known] == [bundled]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_link_is_what_it_leads_to(library: ModelLibrary, tmp_path: Path) -> None:
    own = write_model(Paths.find().models / "Own.gguf")
    (tmp_path / "link.gguf").symlink_to(own)
    assert [entry.model.path for entry in sort_out(library, [tmp_path / "link.gguf"]).known] == [own]


def test_a_later_part_means_the_whole_model(library: ModelLibrary, tmp_path: Path) -> None:
    first, second = (write_model(tmp_path / f"big-0000{n}-of-00002.gguf") for n in (1, 2))
    assert sort_out(library, [second, first]).new == (first,)


def test_each_that_cannot_be_used_has_its_sentence(library: ModelLibrary, tmp_path: Path) -> None:
    early = write_model(tmp_path / "early.gguf")
    os.truncate(early, early.stat().st_size - 1)
    text = tmp_path / "text.gguf"
    text.write_text("not a model")
    other = tmp_path / "notes.txt"
    other.write_text("not a model")
    projector = GgufWriter().add("general.architecture", STRING, "clip").tensor("t", (8,), 0, 0)
    encoder = write_model(tmp_path / "projector.gguf", projector)
    good = write_model(tmp_path / "good.gguf")
    paths = [early, text, other, tmp_path / "gone.gguf", tmp_path, Path("/" + "x" * 5000), encoder, good]
    files = sort_out(library, paths)
    assert files.new == (good,)
    said = [error.message for error in files.refused]
    assert len(said) == len(paths) - 1
    assert "ends early" in said[0]
    assert "text" in said[1]
    assert "not a model that Edgewise knows" in said[2]
    assert said[3] == "There is no file gone.gguf."
