"""How a whole model gets into the library."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.errors import HubError, StorageError
from app.domain.hub import Format, HubFile, Variant
from app.models.download_shelving import check_names, key_file, place_of, shelve, target_of
from app.models.download_staging import Staging

PARTS = tuple(HubFile(f"Q4/m-0000{n}-of-00003.gguf", 1) for n in (1, 2, 3))
SPLIT = Variant("owner/name", "main", Format.GGUF, "Q4_K_M", PARTS, HubFile("mmproj-F16.gguf", 1))
FOLDER = Variant(
    "owner/name", "main", Format.SAFETENSORS, "BF16",
    (HubFile("config.json", 1), HubFile("model.safetensors", 1), HubFile("tokenizer.json", 1)),
)  # fmt: skip


@pytest.fixture
def staging(tmp_path):
    staging = Staging(tmp_path / "models" / ".incoming" / "x")
    staging.folder.mkdir(parents=True)
    for index in range(4):
        staging.whole(index).write_bytes(b"new %d" % index)
    return staging


@pytest.fixture
def library(tmp_path):
    return tmp_path / "models"


def shown(library):
    return sorted(
        path.name for path in library.rglob("*") if path.is_file() and ".incoming" not in path.parts
    )


@pytest.mark.parametrize(
    ("variant", "key"), [(SPLIT, PARTS[0]), (FOLDER, FOLDER.files[0])], ids=["split", "folder"]
)
def test_the_file_that_readers_look_for_comes_last_and_goes_first(
    variant, key, staging, library, monkeypatch
):
    assert key_file(variant) == key
    moves = []
    rename, unlink = Path.replace, Path.unlink

    def recorded_rename(self, to):
        moves.append(("to", to.name))
        return rename(self, to)

    def recorded_unlink(self, **more):
        moves.append(("away", self.name))
        unlink(self, **more)

    monkeypatch.setattr(Path, "replace", recorded_rename)
    monkeypatch.setattr(Path, "unlink", recorded_unlink)
    name = key.path.rsplit("/", 1)[-1]
    for old in variant.all_files:
        target = library / place_of(variant, old)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"old")
    shelve(variant, library, staging, range(len(variant.all_files)))
    assert moves[0] == ("away", name)
    assert moves[-1] == ("to", name)
    assert len(moves) == len(variant.all_files) + 1
    index = variant.all_files.index(key)
    assert (library / place_of(variant, key)).read_bytes() == b"new %d" % index


def test_one_file_replaces_an_old_one_in_one_step(staging, library, monkeypatch):
    one = replace(SPLIT, files=PARTS[:1], projector=None)
    target = library / place_of(one, PARTS[0])
    target.parent.mkdir(parents=True)
    target.write_bytes(b"old")
    monkeypatch.setattr(Path, "unlink", None)
    shelve(one, library, staging, [0])
    assert target.read_bytes() == b"new 0"


def test_a_move_that_fails_shows_no_half_model(staging, library):
    staging.whole(1).unlink()
    with pytest.raises(StorageError, match="cannot be moved"):
        shelve(SPLIT, library, staging, range(4))
    assert "m-00001-of-00003.gguf" not in shown(library)
    staging.whole(1).write_bytes(b"new 1")
    left = [index for index in range(4) if staging.whole(index).exists()]
    shelve(SPLIT, library, staging, left)
    assert len(shown(library)) == 4


def test_names_that_are_one_on_some_system_are_refused():
    twins = replace(SPLIT, files=(HubFile("a.gguf"), HubFile("A.gguf")))
    with pytest.raises(HubError, match="alike"):
        check_names(twins)
    check_names(SPLIT)
    check_names(FOLDER)


@pytest.mark.parametrize(
    "variant",
    [
        replace(SPLIT, repository="../../etc"),
        replace(SPLIT, revision="../x"),
        replace(SPLIT, projector=HubFile("../x.gguf")),
    ],
)
def test_unsafe_names_are_refused(variant):
    with pytest.raises(HubError):
        check_names(variant)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_target_behind_a_link_is_refused_but_the_library_may_be_one(tmp_path):
    real = tmp_path / "elsewhere"
    real.mkdir()
    library = tmp_path / "models"
    library.symlink_to(real)
    assert target_of(library, "owner/name/a.gguf") == library / "owner" / "name" / "a.gguf"
    (library / "owner").symlink_to(tmp_path)
    with pytest.raises(StorageError, match="is a link"):
        target_of(library, "owner/name/a.gguf")
