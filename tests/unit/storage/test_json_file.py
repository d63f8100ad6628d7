"""JSON files, written all or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.domain.errors import StorageError
from app.storage.json_file import write_json


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for values in ({"name": "größer", "half": "\ud83d"}, {}):
        write_json(path, values)
        assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    assert json.loads(path.read_text("utf-8")) == {}


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})
    (tmp_path / "a.json.new").mkdir()
    with pytest.raises(StorageError):
        write_json(path, {"new": 2})
    assert json.loads(path.read_text("utf-8")) == {"old": 1}
