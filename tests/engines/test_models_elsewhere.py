"""The real llama-server loads models where other programs keep them, by the paths that the library names."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from app.domain.errors import ModelFileError
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Finished, Role, SamplingParams
from app.domain.hub import Format
from app.domain.model import LocalModel, Place
from app.engines.llama_cpp import LlamaCpp
from app.services.loading import LoadWishes, load_model
from app.services.model_library import ModelLibrary
from app.storage.paths import Paths

CONTEXT = 512


@pytest.fixture
def library(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelLibrary:
    person = tmp_path / "Jürgen 家"
    monkeypatch.setenv("HOME", str(person))
    monkeypatch.setenv("USERPROFILE", str(person))
    monkeypatch.setenv("OLLAMA_MODELS", str(person / "ollama"))
    paths = Paths.find()
    paths.create()
    return ModelLibrary(paths)


def put(model: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True)
    try:
        os.link(model, target)
    except OSError:  # another file system
        shutil.copyfile(model, target)
    return target


def in_ollama(model: Path, home: Path) -> None:
    with model.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    put(model, home / "ollama" / "blobs" / f"sha256-{digest}")
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}
    tag = home / "ollama" / "manifests" / "registry.ollama.ai" / "library" / "smollm2" / "135m"
    tag.parent.mkdir(parents=True)
    tag.write_text(json.dumps({"layers": [layer]}))


def in_hugging_face(model: Path, home: Path) -> None:
    repository = home / ".cache" / "huggingface" / "hub" / "models--owner--Small"
    put(model, repository / "blobs" / ("0f" * 32))
    link = repository / "snapshots" / "1234" / "Small-Q4_1.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(Path("..", "..", "blobs", "0f" * 32))


def in_lm_studio(model: Path, home: Path) -> None:
    put(model, home / ".lmstudio" / "models" / "maker 家" / "Zoë’s Modell" / "模型 ü.gguf")


@pytest.mark.parametrize(
    ("place", "keep", "name"),
    [
        (Place.OLLAMA, in_ollama, "smollm2:135m"),
        (Place.HUGGING_FACE, in_hugging_face, "Small-Q4_1"),
        (Place.LM_STUDIO, in_lm_studio, "模型 ü"),
    ],
)
def test_a_model_of_another_program_replies(
    library: ModelLibrary, starter_model: Path, tmp_path: Path, place: Place, keep, name: str
) -> None:
    keep(starter_model, tmp_path / "Jürgen 家")
    model = library.choose(None, None)
    assert (model.name, model.place) == (name, place)
    (entry,) = map(library.details, library.entries())
    assert (entry.problem, entry.details is not None) == ("", True)
    loaded = load_model(LlamaCpp(), model, LoadWishes(context_length=CONTEXT, threads=1), logs=tmp_path)
    try:
        request = ChatRequest([ChatMessage(Role.USER, "Hi")], SamplingParams(max_tokens=3))
        *_, last = loaded.client.stream(request, Cancellation())
        assert isinstance(last, Finished)
        assert last.usage is not None
        assert last.usage.completion_tokens > 0
    finally:
        loaded.stop()


def test_safetensors_say_what_to_do(tmp_path: Path) -> None:
    model = LocalModel("Tiny", tmp_path, 10, format=Format.SAFETENSORS)
    with pytest.raises(ModelFileError, match=r"Tiny did not start: it is stored as safetensors.* as GGUF\."):
        load_model(LlamaCpp(), model, LoadWishes(), logs=tmp_path)
