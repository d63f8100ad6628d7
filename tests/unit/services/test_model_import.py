"""Models that a person brings, copied or left where they are: all or nothing."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest

from app.domain.errors import Cancelled, DiskFull, EdgewiseError, ModelFileError, StorageError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LibraryEntry, Place, Soundness
from app.services import model_import
from app.services.model_library import ModelLibrary
from app.storage.checksums import Checksum, Checksums
from app.storage.paths import Paths
from tests.unit.models.gguf_writer import STRING, GgufWriter, llama, write_model
from tests.unit.models.safetensors_writer import write_weights


@pytest.fixture
def paths(empty_home: Path) -> Paths:
    paths = Paths.find()
    paths.create()
    return paths


@pytest.fixture
def library(paths: Paths) -> ModelLibrary:
    return ModelLibrary(paths)


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "Downloads 家"
    folder.mkdir()
    return folder


class Import:
    """One import, with what it reported."""

    def __init__(self, library: ModelLibrary) -> None:
        self.library = library
        self.cancellation = Cancellation()
        self.progress: list[tuple[int, int]] = []

    def __call__(self, path: Path, *, copy: bool = True) -> LibraryEntry:
        return self.library.import_model(
            path, copy=copy, progress=self._report, cancellation=self.cancellation
        )

    def _report(self, done: int, total: int) -> None:
        self.progress.append((done, total))


@pytest.fixture
def bring(library: ModelLibrary) -> Import:
    return Import(library)


def content(folder: Path) -> dict[str, int]:
    """All files under `folder` with their sizes, hidden ones too."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def test_a_copied_file_is_whole_described_and_can_be_verified(
    paths: Paths, library: ModelLibrary, bring: Import, downloads: Path
) -> None:
    path = write_model(downloads / "Modell 家-Q8_0.gguf")
    entry = bring(path)
    size = path.stat().st_size
    assert (entry.model.name, entry.model.place) == ("Modell 家-Q8_0", Place.LIBRARY)
    assert entry.model.path == paths.models / path.name
    assert entry.model.path.read_bytes() == path.read_bytes()
    assert entry.details is not None
    assert bring.progress[-1] == (size, size)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert Checksums(paths.checksums).all() == {path.name: Checksum(sha256, size)}
    verified = library.verify(entry, lambda *_: None, Cancellation())
    assert verified.soundness is Soundness.WHOLE
    assert set(content(paths.models)) == {path.name, ".checksums.json"}


def test_all_parts_and_the_projector_come_along(paths: Paths, bring: Import, downloads: Path) -> None:
    for part in (1, 2, 3):
        write_model(downloads / f"vl-Q8_0-0000{part}-of-00003.gguf")
    write_model(downloads / "mmproj-vl-f16.gguf")
    (downloads / "other.txt").write_text("stays")
    entry = bring(downloads / "vl-Q8_0-00002-of-00003.gguf")
    folder = paths.models / "vl-Q8_0"
    assert entry.model.path == folder / "vl-Q8_0-00001-of-00003.gguf"
    assert entry.projector == folder / "mmproj-vl-f16.gguf"
    assert len(list(folder.iterdir())) == 4
    assert len(Checksums(paths.checksums).all()) == 4
    assert Checksums(paths.checksums).get("vl-Q8_0/mmproj-vl-f16.gguf") is not None


def test_a_folder_of_safetensors(paths: Paths, bring: Import, downloads: Path) -> None:
    folder = downloads / "Tiny"
    write_weights(folder / "model.safetensors", {"a": ("BF16", [8], 16)})
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / "holiday.jpg").write_text("no")
    entry = bring(folder)
    assert (entry.model.path, entry.model.format) == (paths.models / "Tiny", Format.SAFETENSORS)
    names = sorted(path.name for path in (paths.models / "Tiny").iterdir())
    assert names == ["config.json", "model.safetensors", "tokenizer.json"]


def test_in_place_only_the_path_is_remembered(paths: Paths, bring: Import, downloads: Path) -> None:
    path = write_model(downloads / "x.gguf")
    entry = bring(path, copy=False)
    assert (entry.model.path, entry.model.place) == (path, Place.IN_PLACE)
    assert content(paths.models) == {}
    assert ModelLibrary(paths).entries() == [entry]


@pytest.mark.parametrize("copy", [True, False])
def test_what_is_there_already_is_told(paths: Paths, bring: Import, downloads: Path, copy: bool) -> None:
    path = write_model(downloads / "x.gguf")
    bring(path, copy=copy)
    with pytest.raises(ModelFileError, match=r"already in the library"):
        bring(path, copy=copy)
    inside = write_model(paths.models / "inside.gguf")
    with pytest.raises(ModelFileError, match=r"already in the library, as inside"):
        bring(inside, copy=copy)
    assert sum(name.startswith("x") for name in content(paths.models)) == copy


def test_another_file_of_that_name_is_never_overwritten(paths: Paths, bring: Import, downloads: Path) -> None:
    path = write_model(downloads / "x.gguf", llama().tensor("more", (512,), 0, 7168))
    there = write_model(paths.models / "x.gguf")
    before = there.read_bytes()
    with pytest.raises(ModelFileError, match=r"something else called x\.gguf"):
        bring(path)
    assert there.read_bytes() == before
    assert content(paths.models) == {"x.gguf": len(before)}


def test_a_model_of_another_program_can_be_copied(
    paths: Paths, bring: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    snapshot = tmp_path / "hub" / "models--o--n" / "snapshots" / "1"
    blob = write_model(snapshot.parents[1] / "blobs" / ("0" * 64))
    snapshot.mkdir(parents=True)
    (snapshot / "x.gguf").symlink_to(blob)
    entry = bring(snapshot / "x.gguf")
    assert entry.model.path == paths.models / "x.gguf"
    assert not entry.model.path.is_symlink()


def no_model(folder: Path) -> Path:
    path = folder / "x.gguf"
    path.write_bytes(b"hello")
    return path


def too_short(folder: Path) -> Path:
    path = write_model(folder / "x.gguf")
    os.truncate(path, path.stat().st_size - 1)
    return path


def part_missing(folder: Path) -> Path:
    return write_model(folder / "x-00001-of-00002.gguf")


def first_missing(folder: Path) -> Path:
    return write_model(folder / "x-00002-of-00002.gguf")


def projector(folder: Path) -> Path:
    writer = GgufWriter().add("general.architecture", STRING, "clip").tensor("t", (8,), 0, 0)
    return write_model(folder / "mmproj-x.gguf", writer)


def no_weights(folder: Path) -> Path:
    return write_model(folder / "x.gguf", GgufWriter().add("general.architecture", STRING, "llama"))


def text(folder: Path) -> Path:
    path = folder / "notes.txt"
    path.write_text("hello")
    return path


def damaged_weights(folder: Path) -> Path:
    write_weights(folder / "st" / "model.safetensors", {"a": ("BF16", [8], 16)}, data=15)
    (folder / "st" / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    return folder / "st"


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (no_model, "not a GGUF model file"),
        (too_short, "ends early"),
        (part_missing, "1 of its 2 files are missing"),
        (first_missing, "not a model that Edgewise knows"),
        (projector, "This is a projector"),
        (no_weights, "no weights"),
        (text, "not a model that Edgewise knows"),
        (damaged_weights, "ends early"),
        (lambda folder: folder, "not a model that Edgewise knows"),
        (lambda folder: folder / "gone.gguf", r"There is no file gone\.gguf"),
        (lambda folder: folder / "a\0b.gguf", "There is no file"),
    ],
)
def test_what_is_no_whole_model_is_refused(
    paths: Paths, library: ModelLibrary, bring: Import, downloads: Path, make, says: str, copy: bool
) -> None:
    with pytest.raises(ModelFileError, match=says):
        bring(make(downloads), copy=copy)
    assert library.entries() == []
    assert content(paths.models) == {}


def test_a_person_who_stops_it_finds_nothing(
    paths: Paths, bring: Import, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_import, "CHUNK", 1000)
    path = write_model(downloads / "x.gguf")
    report = bring._report

    def stop(done: int, total: int) -> None:
        report(done, total)
        bring.cancellation.cancel()

    monkeypatch.setattr(bring, "_report", stop)
    with pytest.raises(Cancelled):
        bring(path)
    assert bring.progress == [(1000, path.stat().st_size)]
    assert content(paths.models) == {}
    assert list(paths.incoming.iterdir()) == []


def test_a_disk_without_room_is_told_before_a_byte_is_written(
    paths: Paths, bring: Import, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_model(downloads / "x.gguf")
    free = model_import.RESERVE + path.stat().st_size - 1
    usage = type(shutil.disk_usage(downloads))(10**12, 10**12 - free, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskFull, match="use the file where it is"):
        bring(path)
    assert bring.progress == []
    assert content(paths.models) == {}


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, DiskFull), (errno.EROFS, StorageError), (errno.EIO, StorageError)]
)
def test_a_disk_that_fails_leaves_nothing(
    paths: Paths, bring: Import, downloads: Path, monkeypatch: pytest.MonkeyPatch,
    number: int, expected: type[EdgewiseError],
) -> None:  # fmt: skip
    path = write_model(downloads / "x.gguf")

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(expected):
        bring(path)
    assert content(paths.models) == {}
    assert list(paths.incoming.iterdir()) == []


def test_a_file_that_changes_while_it_is_copied(
    paths: Paths, bring: Import, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_model(downloads / "x.gguf")

    def grow(*_: object) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr(model_import, "_check_space", grow)
    with pytest.raises(ModelFileError, match="changed while it was copied"):
        bring(path)
    assert content(paths.models) == {}


def test_a_file_that_goes_away_meanwhile(
    paths: Paths, bring: Import, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_model(downloads / "x.gguf")
    monkeypatch.setattr(model_import, "_check_space", lambda *_: path.unlink())
    with pytest.raises(ModelFileError, match=r"x\.gguf cannot be read"):
        bring(path)
    assert content(paths.models) == {}
    assert list(paths.incoming.iterdir()) == []
    write_model(path)
    monkeypatch.setattr(model_import, "_refuse_duplicate", lambda *_, **__: path.unlink())
    with pytest.raises(ModelFileError, match=r"x\.gguf cannot be read"):
        bring(path)
    assert content(paths.models) == {}


def test_who_was_quicker_keeps_the_name(
    paths: Paths, bring: Import, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_model(downloads / "x.gguf")
    quicker = paths.models / "x.gguf"
    monkeypatch.setattr(model_import, "_check_space", lambda *_: quicker.write_bytes(b"quicker"))
    with pytest.raises(ModelFileError, match="something else"):
        bring(path)
    assert quicker.read_bytes() == b"quicker"
    assert content(paths.models) == {"x.gguf": 7}


def test_what_a_crash_left_behind_is_cleared_and_a_running_copy_is_not(
    paths: Paths, bring: Import, downloads: Path
) -> None:
    old, running, foreign = (paths.incoming / name for name in ("import-old", "import-new", "download-1"))
    for folder in (old, running, foreign):
        write_model(folder / "half.gguf")
    for folder in (old, foreign):
        long_ago = time.time() - 2 * model_import.STALE_S
        os.utime(folder, (long_ago, long_ago))
    bring(write_model(downloads / "x.gguf"))
    assert not old.exists()
    assert (running / "half.gguf").exists()
    assert (foreign / "half.gguf").exists()


def test_an_import_is_there_even_if_its_hash_cannot_be_kept(
    paths: Paths, bring: Import, downloads: Path
) -> None:
    paths.checksums.mkdir()
    (paths.checksums / "in the way").touch()
    assert bring(write_model(downloads / "x.gguf")).model.name == "x"
