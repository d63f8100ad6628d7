import json
import logging
import os
import threading
import time

import pytest

from app.storage import hub_cache
from app.storage.hub_cache import HubCache

KEY = "repository https://hub.example a/b main"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "hub 家"


@pytest.fixture
def cache(folder):
    return HubCache(folder)


def only_file(folder):
    (file,) = folder.iterdir()
    return file


def test_what_is_put_is_got_again(cache, folder):
    assert cache.get(KEY) is None
    cache.put(KEY, {"name": "Zoë", "list": [1, 2.5, None]})
    kept = HubCache(folder).get(KEY)
    assert kept is not None
    assert kept.value == {"name": "Zoë", "list": [1, 2.5, None]}
    assert 0 <= kept.age_s < 60
    cache.put(KEY, {"new": True})
    assert cache.get(KEY).value == {"new": True}
    assert cache.get("another") is None
    cache.forget(KEY)
    assert cache.get(KEY) is None
    cache.forget(KEY)


@pytest.mark.parametrize("key", ["../../x", "a\0b", "x" * 5000, "\ud800", "C:\\x"])
def test_any_key_stays_in_the_folder(cache, folder, key):
    cache.put(key, {"x": 1})
    assert only_file(folder).parent == folder
    # JSON has no place for half a surrogate pair: such a key is never found again, and harms nobody.
    assert key == "\ud800" or cache.get(key).value == {"x": 1}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"key": "other", "value": {}}',
     json.dumps({"key": KEY, "value": [], "at": 1.0}).encode(), json.dumps({"key": KEY, "at": 1.0}).encode()],
    ids=range(9),
)  # fmt: skip
def test_a_damaged_file_is_not_there(cache, folder, content):
    cache.put(KEY, {"x": 1})
    only_file(folder).write_bytes(content)
    assert cache.get(KEY) is None
    cache.put(KEY, {"x": 2})
    assert cache.get(KEY).value == {"x": 2}


@pytest.mark.parametrize(
    "at", [None, "1", True, 10**400, float("nan"), float("inf"), 1e300, time.time() + 9999]
)
def test_an_impossible_age_is_infinite(cache, folder, at):
    cache.put(KEY, {"x": 1})
    only_file(folder).write_text(json.dumps({"key": KEY, "value": {"x": 1}, "at": at}))
    assert cache.get(KEY).age_s == float("inf")


def test_what_is_too_large_is_not_kept(cache, folder, monkeypatch):
    monkeypatch.setattr(hub_cache, "MOST_BYTES", 1000)
    cache.put(KEY, {"x": "a" * 2000})
    assert list(folder.iterdir()) == []
    cache.put(KEY, {"x": "a" * 100})
    only_file(folder).write_text(json.dumps({"key": KEY, "value": {"x": "a" * 2000}, "at": 1.0}))
    assert cache.get(KEY) is None


def test_the_oldest_go(cache, folder, monkeypatch):
    monkeypatch.setattr(hub_cache, "MOST_FILES", 3)
    for number in range(5):
        cache.put(str(number), {"n": number})
        for age, file in enumerate(sorted(folder.iterdir(), key=lambda file: -file.stat().st_mtime)):
            os.utime(file, (1e9 - age, 1e9 - age))
    assert [number for number in range(5) if cache.get(str(number))] == [2, 3, 4]


def test_a_folder_that_cannot_be_written_is_only_logged(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    cache = HubCache(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        cache.put(KEY, {"x": 1})
    assert "not kept" in caplog.text
    assert cache.get(KEY) is None


def test_many_threads_put_the_same(cache):
    threads = [threading.Thread(target=cache.put, args=(KEY, {"n": n})) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get(KEY).value["n"] in range(8)
