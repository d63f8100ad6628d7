"""The models of all places together: listed, described, verified and removed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from app.domain.errors import ModelFileError, StorageError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LibraryEntry, Place, Soundness
from app.services import model_library
from app.services.model_library import ModelLibrary
from app.storage.checksums import Checksums
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
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of somebody who has other programs, too."""
    home = tmp_path / "home 家"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("OLLAMA_MODELS", str(home / "ollama"))
    return home


def no_progress(_done: int, _total: int) -> None:
    pass


def safetensors(folder: Path) -> Path:
    write_weights(folder / "model.safetensors", {"a": ("BF16", [8], 16)})
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    return folder


def in_ollama(home: Path, name: str, content: bytes) -> Path:
    digest = hashlib.sha256(content).hexdigest()
    blob = home / "ollama" / "blobs" / f"sha256-{digest}"
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}
    tag = home / "ollama" / "manifests" / "registry.ollama.ai" / "library" / name.replace(":", "/")
    tag.parent.mkdir(parents=True)
    tag.write_text(json.dumps({"layers": [layer]}))
    return blob


def by_name(entries: list[LibraryEntry]) -> dict[str, LibraryEntry]:
    return {entry.model.name: entry for entry in entries}


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that came with the installation."""
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "installed"), raising=False)
    return write_model(tmp_path / "installed" / "models" / "Starter-Q4_1.gguf")


# --- what comes with Edgewise ------------------------------------------------------------------------


def test_a_bundled_model_is_there_at_the_first_start(library: ModelLibrary, bundled: Path) -> None:
    (entry,) = library.entries()
    assert (entry.model.path, entry.model.place) == (bundled, Place.BUNDLED)
    assert [model.name for model in library.chat_models()] == ["Starter-Q4_1"]
    assert library.choose(None, None).path == bundled
    assert library.find("starter").path == bundled
    assert library.details(entry).details is not None


def test_a_bundled_model_is_not_removed(library: ModelLibrary, bundled: Path) -> None:
    (entry,) = library.entries()
    assert library.freed_by_removing(entry) == 0
    assert (
        library.why_kept(entry)
        == "Starter-Q4_1 comes with Edgewise and stays as long as Edgewise is installed."
    )
    with pytest.raises(ModelFileError, match="comes with Edgewise"):
        library.remove(entry)
    assert bundled.exists()


def test_of_a_bundled_model_and_its_copy_one_is_shown(
    paths: Paths, library: ModelLibrary, bundled: Path
) -> None:
    (entry,) = library.entries()
    copied = library.import_model(bundled, copy=True, progress=no_progress, cancellation=Cancellation())
    assert copied.model.place is Place.LIBRARY
    assert copied.model.name == entry.model.name  # conversations know it by that
    assert [it.model.path for it in library.entries()] == [paths.models / bundled.name]
    library.remove(copied)
    assert [it.model.path for it in library.entries()] == [bundled]
    with pytest.raises(ModelFileError, match="already in the library"):
        library.import_model(bundled, copy=False, progress=no_progress, cancellation=Cancellation())


def test_a_bundled_model_is_verified_against_its_pin(
    library: ModelLibrary, bundled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = hashlib.sha256(bundled.read_bytes()).hexdigest()
    (entry,) = library.entries()
    for sha256, soundness in ((right, Soundness.WHOLE), ("0" * 64, Soundness.DAMAGED)):
        monkeypatch.setattr(model_library, "starter_sha256", {bundled.name: sha256}.get)
        assert library.verify(entry, no_progress, Cancellation()).soundness is soundness


# --- the list ----------------------------------------------------------------------------------------


def test_models_of_every_place(paths: Paths, library: ModelLibrary, person: Path) -> None:
    write_model(paths.models / "Own-Q8_0.gguf")
    kept = write_model(person / "Documents" / "Mine.gguf")
    library.import_model(kept, copy=False, progress=no_progress, cancellation=Cancellation())
    write_model(person / ".lmstudio" / "models" / "maker" / "repo" / "Own-Q8_0.gguf")
    safetensors(person / ".cache/huggingface/hub/models--o--Weights/snapshots/1")
    blob = in_ollama(person, "qwen3:8b", kept.read_bytes())
    entries = by_name(library.entries())
    assert {name: (entry.model.place, entry.model.format) for name, entry in entries.items()} == {
        "Own-Q8_0": (Place.LIBRARY, Format.GGUF),
        "Mine": (Place.IN_PLACE, Format.GGUF),
        "maker/repo/Own-Q8_0": (Place.LM_STUDIO, Format.GGUF),
        "Weights": (Place.HUGGING_FACE, Format.SAFETENSORS),
        "qwen3:8b": (Place.OLLAMA, Format.GGUF),
    }
    assert entries["qwen3:8b"].model.path == blob
    assert [model.name for model in library.chat_models()] == [
        "maker/repo/Own-Q8_0", "Mine", "Own-Q8_0", "qwen3:8b",
    ]  # fmt: skip
    assert library.find("Weights").format is Format.SAFETENSORS


def test_headers_are_read_after_the_list_is_there_and_once(
    paths: Paths, library: ModelLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(paths.models / "One.gguf")
    (paths.models / "Two.gguf").write_bytes(b"no model")
    first = library.entries()
    assert [(entry.details, entry.problem) for entry in first] == [(None, ""), (None, "")]
    read: list[LibraryEntry] = []
    library.read_details(first, read.append)
    assert [entry.model.name for entry in read] == ["One", "Two"]
    one, two = read
    assert one.details is not None
    assert (one.details.title, one.details.layers, one.problem) == ("Zoë 家", 4, "")
    assert two.details is None
    assert two.problem == "Two.gguf is not a GGUF model file."

    def never(*_: object) -> None:
        pytest.fail("a header was read again")

    monkeypatch.setattr(model_library, "read_header", never)
    for later in (library, ModelLibrary(paths)):
        assert later.entries() == read
        later.read_details(later.entries(), never)
        assert later.details(later.entries()[1]) == two
    assert [model.name for model in library.chat_models()] == ["One"]


def test_a_file_that_changed_is_read_anew(paths: Paths, library: ModelLibrary) -> None:
    path = write_model(paths.models / "x.gguf")
    library.read_details(library.entries(), lambda _: None)
    write_model(path, GgufWriter().add("general.architecture", STRING, "qwen3").tensor("t", (8,), 0, 0))
    (entry,) = library.entries()
    assert entry.details is None
    details = library.details(entry).details
    assert details is not None
    assert details.architecture == "qwen3"


def test_reading_can_be_stopped_and_what_was_read_is_kept(paths: Paths, library: ModelLibrary) -> None:
    for name in "abc":
        write_model(paths.models / f"{name}.gguf")
    cancellation = Cancellation()
    library.read_details(library.entries(), lambda _: cancellation.cancel(), cancellation)
    assert [entry.details is not None for entry in ModelLibrary(paths).entries()] == [True, False, False]


def test_a_cache_that_cannot_be_written_is_no_failure(paths: Paths, library: ModelLibrary) -> None:
    write_model(paths.models / "x.gguf")
    paths.header_cache.mkdir()
    read: list[LibraryEntry] = []
    library.read_details(library.entries(), read.append)
    assert len(read) == 1


def test_what_speaks_against_a_model_is_said(paths: Paths, library: ModelLibrary) -> None:
    write_model(paths.models / "embedder.gguf", GgufWriter().add("general.architecture", STRING, "bert")
                .tensor("t", (8,), 0, 0))  # fmt: skip
    early = write_model(paths.models / "early.gguf")
    os.truncate(early, early.stat().st_size - 1)
    write_model(paths.models / "split-00001-of-00002.gguf")
    entries = {name: library.details(entry) for name, entry in by_name(library.entries()).items()}
    assert "cannot chat" in entries["embedder"].problem
    assert entries["early"].problem.startswith("The file ends early")
    assert entries["split"].problem == "1 of its 2 files are missing."
    assert all(entry.details is not None for name, entry in entries.items() if name != "split")


def test_last_use_comes_from_whoever_knows(paths: Paths) -> None:
    write_model(paths.models / "used.gguf")
    write_model(paths.models / "new.gguf")
    entries = by_name(ModelLibrary(paths, lambda: {"used": 1234.5, "gone": 1.0}).entries())
    assert (entries["used"].last_used, entries["new"].last_used) == (1234.5, None)


def test_a_folder_of_safetensors_is_described(paths: Paths, library: ModelLibrary) -> None:
    safetensors(paths.models / "owner" / "Tiny")
    (entry,) = map(library.details, library.entries())
    assert entry.details is not None
    assert (entry.model.name, entry.details.architecture, entry.details.parameters) == ("Tiny", "llama", 8)


def test_the_parts_of_a_split_model_are_described_together(paths: Paths, library: ModelLibrary) -> None:
    for part in (1, 2):
        write_model(paths.models / f"big-0000{part}-of-00002.gguf")
    (entry,) = map(library.details, library.entries())
    assert entry.details is not None
    assert (entry.model.name, entry.details.parameters) == ("big", 2 * 2 * 512 * 3)


# --- which one is meant ------------------------------------------------------------------------------


def test_what_cannot_chat_is_never_chosen_by_itself(
    paths: Paths, library: ModelLibrary, person: Path
) -> None:
    (paths.models / "a-broken.gguf").write_bytes(b"x")
    safetensors(paths.models / "b-folder")
    write_model(paths.models / "c-embedder.gguf", GgufWriter().add("general.architecture", STRING, "bert")
                .tensor("t", (8,), 0, 0))  # fmt: skip
    write_model(person / ".lmstudio" / "models" / "small.gguf")
    model = llama().tensor("more", (4096,), 0, 7168)
    write_model(paths.models / "d-chat.gguf", model)
    assert library.choose(None, None).name == "d-chat"
    assert library.choose(None, "small").name == "small"
    assert library.choose(None, "b-folder").name == "d-chat"
    assert library.choose(None, "gone").name == "d-chat"
    assert library.choose("b-folder", "small").name == "b-folder"
    (paths.models / "d-chat.gguf").unlink()
    assert library.choose(None, None).name == "small"


def test_a_model_that_is_as_it_was_is_found_without_a_list(
    paths: Paths, library: ModelLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_model(paths.models / "x.gguf")
    first = library.choose("x", None)
    listed: list[bool] = []
    original = library._listed

    def listing() -> list[LibraryEntry]:
        listed.append(True)
        return original()

    monkeypatch.setattr(library, "_listed", listing)
    assert library.choose("x", None) is first
    assert listed == []
    write_model(path, llama().tensor("more", (4096,), 0, 7168))
    assert library.choose("x", None).size > first.size
    assert listed == [True]
    path.unlink()
    with pytest.raises(ModelFileError, match="There is no model “x”"):
        library.choose("x", None)


def test_where_none_can_chat_loading_the_smallest_says_why(paths: Paths, library: ModelLibrary) -> None:
    with pytest.raises(ModelFileError, match="There is no model yet") as caught:
        library.choose(None, None)
    assert caught.value.detail == str(paths.models)
    (paths.models / "broken.gguf").write_bytes(b"x")
    assert library.choose(None, None).name == "broken"


def test_an_entry_is_of_the_library(paths: Paths, library: ModelLibrary, tmp_path: Path) -> None:
    write_model(paths.models / "x.gguf")
    outside = write_model(tmp_path / "outside.gguf")
    assert library.entry("x").model.path == paths.models / "x.gguf"
    assert library.entry(str(paths.models / "x.gguf")) == library.entry("x")
    assert library.find(str(outside)).path == outside
    with pytest.raises(ModelFileError, match="not in the library"):
        library.entry(str(outside))


# --- verify ------------------------------------------------------------------------------------------


def test_what_is_known_of_a_file_is_held_against_it(
    paths: Paths, library: ModelLibrary, person: Path
) -> None:
    path = write_model(paths.models / "owner" / "x.gguf")
    entry = library.entry("x")
    assert library.verify(entry, no_progress, Cancellation()).soundness is Soundness.COMPLETE
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    Checksums(paths.checksums).add("owner/x.gguf", sha256, path.stat().st_size)
    assert library.verify(entry, no_progress, Cancellation()).soundness is Soundness.WHOLE
    blob = in_ollama(person, "x:1", path.read_bytes())
    entry = library.entry("x:1")
    assert library.verify(entry, no_progress, Cancellation()).soundness is Soundness.WHOLE
    with blob.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")
    assert library.verify(entry, no_progress, Cancellation()).soundness is Soundness.DAMAGED


# --- remove ------------------------------------------------------------------------------------------


def test_all_of_a_model_goes_and_its_folders_with_it(paths: Paths, library: ModelLibrary) -> None:
    folder = paths.models / "owner" / "vl"
    for part in (1, 2):
        write_model(folder / f"vl-Q8_0-0000{part}-of-00002.gguf")
        Checksums(paths.checksums).add(f"owner/vl/vl-Q8_0-0000{part}-of-00002.gguf", "0" * 64, 1)
    projector = write_model(folder / "mmproj-f16.gguf")
    other = write_model(paths.models / "owner" / "other.gguf")
    entry = library.entry("vl-Q8_0")
    assert entry.projector == projector
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert library.freed_by_removing(entry) == size
    assert library.remove(entry) == size
    assert not folder.exists()
    assert other.exists()
    assert Checksums(paths.checksums).all() == {}
    library.remove(library.entry("other"))
    assert list(paths.models.iterdir()) == [paths.checksums]


def test_a_projector_stays_while_another_model_sees_with_it(paths: Paths, library: ModelLibrary) -> None:
    folder = paths.models / "vl"
    write_model(folder / "vl-Q8_0.gguf")
    write_model(folder / "vl-Q4_0.gguf")
    projector = write_model(folder / "mmproj-f16.gguf")
    library.remove(library.entry("vl-Q8_0"))
    assert projector.exists()
    library.remove(library.entry("vl-Q4_0"))
    assert not folder.exists()


def test_a_folder_of_safetensors_goes_and_a_person_s_notes_stay(paths: Paths, library: ModelLibrary) -> None:
    folder = safetensors(paths.models / "owner" / "Tiny")
    notes = folder / "notes.odt"
    notes.write_text("mine")
    library.remove(library.entry("Tiny"))
    assert [path.name for path in folder.iterdir()] == ["notes.odt"]
    notes.unlink()
    safetensors(folder)
    library.remove(library.entry("Tiny"))
    assert not folder.parent.exists()


def test_of_a_link_only_the_link_goes(paths: Paths, library: ModelLibrary, tmp_path: Path) -> None:
    real = write_model(tmp_path / "elsewhere" / "real.gguf")
    (paths.models / "link.gguf").symlink_to(real)
    entry = library.entry("link")
    assert library.freed_by_removing(entry) == 0
    assert library.remove(entry) == 0
    assert real.exists()
    assert library.models() == []


def test_nothing_outside_the_model_folder_is_deleted(
    paths: Paths, library: ModelLibrary, tmp_path: Path
) -> None:
    write_model(paths.models / "sub" / "x.gguf")
    entry = library.entry("x")
    outside = tmp_path / "outside"
    (paths.models / "sub").rename(outside)
    (paths.models / "sub").symlink_to(outside)  # between the list and the click
    assert library.remove(entry) == 0
    assert (outside / "x.gguf").exists()


def test_a_checksum_that_cannot_be_forgotten_keeps_no_model_from_going(
    paths: Paths, library: ModelLibrary
) -> None:
    path = write_model(paths.models / "o" / "x.gguf")
    Checksums(paths.checksums).add("o/x.gguf", "a" * 64, path.stat().st_size)
    paths.checksums.with_name(f"{paths.checksums.name}.new").mkdir()  # it cannot be written
    assert library.remove(library.entry("x")) > 0
    assert not path.parent.exists()


def test_while_a_file_has_another_name_deleting_it_frees_nothing(
    paths: Paths, library: ModelLibrary, tmp_path: Path
) -> None:
    path = write_model(paths.models / "x.gguf")
    os.link(path, tmp_path / "other name")
    assert library.freed_by_removing(library.entry("x")) == 0


def test_what_was_added_in_place_is_only_forgotten(
    paths: Paths, library: ModelLibrary, tmp_path: Path
) -> None:
    path = write_model(tmp_path / "mine.gguf")
    entry = library.import_model(path, copy=False, progress=no_progress, cancellation=Cancellation())
    assert library.freed_by_removing(entry) == 0
    assert library.remove(entry) == 0
    assert path.exists()
    assert library.models() == []


def test_models_of_other_programs_are_never_deleted(library: ModelLibrary, person: Path) -> None:
    studio = write_model(person / ".lmstudio" / "models" / "s.gguf")
    cached = write_model(person / ".cache/huggingface/hub/models--o--n/snapshots/1/h.gguf")
    blob = in_ollama(person, "o:1", studio.read_bytes() + b"more")
    for name, where in (("s", "LM Studio"), ("h", "Hugging Face"), ("o:1", "ollama rm")):
        entry = library.entry(name)
        assert library.freed_by_removing(entry) == 0
        with pytest.raises(ModelFileError, match=where):
            library.remove(entry)
    assert studio.exists()
    assert cached.exists()
    assert blob.exists()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may delete everything")
def test_a_folder_that_does_not_allow_it_is_said(paths: Paths, library: ModelLibrary) -> None:
    path = write_model(paths.models / "sub" / "x.gguf")
    path.parent.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="cannot be deleted"):
            library.remove(library.entry("x"))
    finally:
        path.parent.chmod(0o700)


def test_a_file_in_use_is_said(paths: Paths, library: ModelLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_model(paths.models / "x.gguf")

    def in_use(*_: object, **__: object) -> None:
        raise PermissionError(13, "The process cannot access the file because it is being used")

    monkeypatch.setattr(Path, "unlink", in_use)
    with pytest.raises(StorageError, match="in use"):
        library.remove(library.entry("x"))
    assert path.exists()


def test_a_model_that_is_missing_is_shown_and_can_be_forgotten(
    paths: Paths, library: ModelLibrary, tmp_path: Path
) -> None:
    path = write_model(tmp_path / "mine.gguf")
    library.import_model(path, copy=False, progress=no_progress, cancellation=Cancellation())
    path.unlink()
    (entry,) = library.entries()
    assert (entry.model.name, entry.model.size) == ("mine", 0)
    assert "any more" in entry.problem
    assert library.details(entry) == entry
    assert library.chat_models() == []
    library.remove(entry)
    assert library.entries() == []
