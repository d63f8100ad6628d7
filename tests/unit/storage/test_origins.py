import json

import pytest

from app.domain.conversion import Origin
from app.storage.origins import FILE, Origins

ORIGIN = Origin("SmolLM2 家", "llama-quantize", 12.5, "prose.txt", "ab" * 32)


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "Modelle 家"
    (folder / "owner").mkdir(parents=True)
    return folder


def test_an_origin_is_found_by_the_file(models):
    file = models / "owner" / "a.gguf"
    file.touch()
    Origins(models).put(file, ORIGIN)
    assert Origins(models).get(file) == ORIGIN
    assert Origins(models).get(models / "b.gguf") is None
    assert Origins(models).get(models.parent / "owner" / "a.gguf") is None
    assert "prose.txt" in ORIGIN.words


def test_files_that_are_gone_are_forgotten(models):
    gone, there = models / "a.gguf", models / "b.gguf"
    for file in (gone, there):
        file.touch()
        Origins(models).put(file, ORIGIN)
    gone.unlink()
    Origins(models).put(there, ORIGIN)
    assert list(json.loads((models / FILE).read_text(encoding="utf-8"))) == ["b.gguf"]


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, {"made_from": "a"},
        {"made_from": "a", "made_with": "b", "at": True, "importance_matrix": "", "importance_text": ""},
        {"made_from": "a" * 9999, "made_with": "b", "at": 1, "importance_matrix": "", "importance_text": ""},
        {"made_from": 3, "made_with": "b", "at": 1, "importance_matrix": "", "importance_text": ""},
    ],
)  # fmt: skip
def test_a_strange_record_says_nothing(models, value):
    (models / FILE).write_text(json.dumps({"a.gguf": value}), encoding="utf-8")
    assert Origins(models).get(models / "a.gguf") is None
