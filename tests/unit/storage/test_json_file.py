"""JSON files, written all or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.domain.errors import StorageError
from app.storage.json_file import read_json, write_json


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for values in ({"name": "größer", "half": "\ud83d"}, {}):
        write_json(path, values)
        assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    assert json.loads(path.read_text("utf-8")) == {}


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b"null", b'{"a": ', b"\xff{}", b"[" * 200_000, b'{"long": "0123456789"}  ']
)
def test_what_is_no_small_object_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    assert read_json(path, 1000) == read_json(tmp_path, 1000) == {}
    path.write_bytes(content)
    assert read_json(path, len(content) - 1 if b"long" in content else 1_000_000) == {}


def test_an_object_is_read_up_to_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": 1}')
    assert read_json(path, 8) == {"a": 1}


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})
    (tmp_path / "a.json.new").mkdir()
    with pytest.raises(StorageError):
        write_json(path, {"new": 2})
    assert json.loads(path.read_text("utf-8")) == {"old": 1}
