"""The models that come with a bundle."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from app.domain.model import Place
from app.models import bundled
from app.models.bundled import bundled_models, starter_sha256
from app.models.model_files import models_under
from build.starter_model import StarterModel
from tests.unit.models.gguf_writer import write_model


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "Edgewise 家" / "_internal"
    monkeypatch.setattr(sys, "_MEIPASS", str(folder), raising=False)
    return folder


def test_none_from_source_and_none_in_a_bundle_without_any(bundle: Path) -> None:
    assert bundled_models([]) == []


def test_they_are_found_in_place(bundle: Path) -> None:
    path = write_model(bundle / "models" / "Starter-Q4_1.gguf")
    (found,) = bundled_models([])
    assert (found.path, found.place) == (path, Place.BUNDLED)


def test_one_with_a_copy_in_the_model_folder_is_left_out(bundle: Path, tmp_path: Path) -> None:
    write_model(bundle / "models" / "Starter-Q4_1.gguf")
    write_model(tmp_path / "models" / "deep" / "Starter-Q4_1.gguf")
    own = models_under(tmp_path / "models", Place.LIBRARY)
    assert bundled_models(own) == []
    with own[0].path.open("ab") as other:  # of another size it is another model
        other.write(b"x")
    assert len(bundled_models(models_under(tmp_path / "models", Place.LIBRARY))) == 1


def test_the_starter_models_hash_is_known_by_its_name() -> None:
    pin = StarterModel.read()
    assert starter_sha256(pin.file) == pin.sha256
    assert starter_sha256("another.gguf") is None


def test_without_the_pin_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "__file__", str(tmp_path / "app" / "models" / "bundled.py"))
    assert starter_sha256("any.gguf") is None
    (tmp_path / "resources").mkdir()
    pin = tmp_path / "resources" / "starter_model.json"
    pin.write_text(json.dumps({"file": "any.gguf", "sha256": "not a hash"}))
    assert starter_sha256("any.gguf") is None
