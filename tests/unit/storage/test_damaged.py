import re

import pytest

from app.domain.errors import StorageError
from app.storage.damaged import set_aside


def test_a_file_moves_with_its_companions(tmp_path):
    path = tmp_path / "größe.db"
    path.write_text("main")
    (tmp_path / "größe.db-wal").write_text("log")
    moved = set_aside(path, ("-wal", "-shm"))
    assert re.fullmatch(r"größe\.db\.damaged-\d{8}-\d{6}", moved.name)
    assert moved.read_text() == "main"
    assert moved.with_name(moved.name + "-wal").read_text() == "log"
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_is_overwritten_within_one_second(tmp_path):
    path = tmp_path / "a.db"
    moved = []
    for content in ("one", "two", "three"):
        path.write_text(content)
        moved.append(set_aside(path))
    assert [file.read_text() for file in moved] == ["one", "two", "three"]


def test_a_companion_that_is_in_the_way_is_kept_too(tmp_path):
    path = tmp_path / "a.db"
    (tmp_path / "a.db-wal").write_text("first log")
    first = set_aside(path, ("-wal",))
    (tmp_path / "a.db-wal").write_text("second log")
    second = set_aside(path, ("-wal",))
    assert first.with_name(first.name + "-wal").read_text() == "first log"
    assert second.with_name(second.name + "-wal").read_text() == "second log"


def test_a_folder_that_refuses_is_a_sentence(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    path.write_text("")

    def refuse(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "rename", refuse)
    with pytest.raises(StorageError, match="not allowed to write"):
        set_aside(path)
