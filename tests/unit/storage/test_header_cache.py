"""What headers said, kept for the next time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.errors import StorageError
from app.domain.model import ModelDetails
from app.storage import header_cache
from app.storage.header_cache import CachedHeader, HeaderCache

DETAILS = ModelDetails("Zoë 家", "llama", 135_000_000, "Q4_1", 8192, "MIT", True, 30, ("de", "家"), False)
HEADER = CachedHeader(10, 20, DETAILS)
PROBLEM = CachedHeader(11, 21, None, "The file is damaged.")
ONE, TWO = "/models/Zoë 家.gguf", "/models/two.gguf"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "headers.json"


def test_what_was_saved_is_there_for_the_next_one(path: Path) -> None:
    cache = HeaderCache(path)
    assert cache.get(ONE, 10, 20) is None
    cache.put(ONE, HEADER)
    cache.put(TWO, PROBLEM)
    assert not path.exists()
    cache.save([ONE, TWO])
    for again in (cache, HeaderCache(path)):
        assert again.get(ONE, 10, 20) == HEADER
        assert again.get(TWO, 11, 21) == PROBLEM


def test_a_file_that_changed_is_not_known(path: Path) -> None:
    cache = HeaderCache(path)
    cache.put(ONE, HEADER)
    assert cache.get(ONE, 11, 20) is None
    assert cache.get(ONE, 10, 21) is None
    assert cache.get(TWO, 10, 20) is None


def test_what_is_gone_is_forgotten_and_nothing_is_written_without_a_change(path: Path) -> None:
    cache = HeaderCache(path)
    cache.put(ONE, HEADER)
    cache.put(TWO, PROBLEM)
    cache.save([ONE, TWO])
    path.unlink()
    cache.save([TWO, ONE])
    assert not path.exists()
    cache.save([TWO])
    assert HeaderCache(path).get(ONE, 10, 20) is None
    assert HeaderCache(path).get(TWO, 11, 21) == PROBLEM


def test_there_is_an_end_to_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_cache, "MOST_ENTRIES", 5)
    cache = HeaderCache(path)
    paths = [f"/{n}" for n in range(9)]
    for one in paths:
        cache.put(one, HEADER)
    cache.save(paths)
    assert sum(HeaderCache(path).get(one, 10, 20) is not None for one in paths) == 5


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"5", b"\xff", b"[" * 60_000, b'{"version": 1}', b'{"version": 1, "models": [1]}',
     b'{"version": 0, "models": {}}'],
)  # fmt: skip
def test_a_damaged_file_knows_nothing_and_is_written_anew(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    cache = HeaderCache(path)
    assert cache.get(ONE, 10, 20) is None
    cache.put(ONE, HEADER)
    cache.save([ONE])
    assert HeaderCache(path).get(ONE, 10, 20) == HEADER


@pytest.mark.parametrize(
    "change",
    [
        {"size": "10"},
        {"size": True},
        {"mtime_ns": None},
        {"problem": 5},
        {"details": 5},
        {"details": {}},
        {"details": {"title": 5}},
        {"details": {"parameters": 1.5}},
        {"details": {"parameters": True}},
        {"details": {"has_template": 1}},
        {"details": {"languages": [5]}},
        {"details": {"languages": "de"}},
        {"details": {"more": 1}},
    ],
)
def test_only_what_can_be_is_believed(path: Path, change: dict[str, object]) -> None:
    cache = HeaderCache(path)
    cache.put(ONE, HEADER)
    cache.put(TWO, PROBLEM)
    cache.save([ONE, TWO])
    values = json.loads(path.read_text("utf-8"))
    entry = values["models"][ONE]
    details = change.get("details")
    entry |= (
        change if not (isinstance(details, dict) and details) else {"details": entry["details"] | details}
    )
    path.write_text(json.dumps(values), encoding="utf-8")
    again = HeaderCache(path)
    assert again.get(ONE, 10, 20) is None
    assert again.get(TWO, 11, 21) == PROBLEM


def test_a_disk_that_takes_nothing_is_said_and_what_is_known_stays(tmp_path: Path) -> None:
    cache = HeaderCache(tmp_path / "gone" / "x.json")
    changed = replace(HEADER, problem="It ends early.")
    cache.put(ONE, changed)
    with pytest.raises(StorageError):
        cache.save([ONE])
    assert cache.get(ONE, 10, 20) == changed
