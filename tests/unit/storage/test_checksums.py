"""What downloaded files must hash to, kept beside them."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from app.domain.errors import StorageError
from app.storage.checksums import MOST_BYTES, Checksum, Checksums

ONE, OTHER = "0f" * 32, "ab" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Modelle 模型.json"


def test_what_is_added_is_there_for_the_next_one_too(path: Path) -> None:
    checksums = Checksums(path)
    assert checksums.get("a.gguf") is None
    checksums.add("owner/Zoë 家/a.gguf", ONE.upper(), 10)
    checksums.add("b.gguf", OTHER, 0)
    again = Checksums(path)
    assert again.get("owner/Zoë 家/a.gguf") == Checksum(ONE, 10)
    assert again.get("owner\\Zoë 家\\a.gguf") == Checksum(ONE, 10)
    assert again.get("b.gguf") == Checksum(OTHER, 0)
    checksums.add("b.gguf", ONE, 5)
    assert again.get("b.gguf") == Checksum(ONE, 5)


def test_what_is_forgotten_is_gone(path: Path) -> None:
    checksums = Checksums(path)
    for name in ("a", "b", "c"):
        checksums.add(name, ONE, 1)
    checksums.forget(["a", "c", "never there"])
    assert checksums.all() == {"b": Checksum(ONE, 1)}


@pytest.mark.parametrize(("sha256", "size"), [("", 1), ("0" * 63, 1), ("g" * 64, 1), (ONE, -1)])
def test_what_is_no_checksum_is_a_bug(path: Path, sha256: str, size: int) -> None:
    with pytest.raises(ValueError, match="no checksum"):
        Checksums(path).add("a", sha256, size)
    assert not path.exists()


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"5", b"\xff\xfe", b"[" * 60_000, b'{"a": 1}', b" " * (MOST_BYTES + 1)]
)
def test_a_damaged_file_knows_nothing_and_is_written_anew(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    checksums = Checksums(path)
    assert checksums.all() == {}
    checksums.add("a", ONE, 1)
    assert checksums.get("a") == Checksum(ONE, 1)


@pytest.mark.parametrize(
    "value",
    [None, [], {"sha256": ONE}, {"size": 1}, {"sha256": 5, "size": 1}, {"sha256": ONE, "size": True},
     {"sha256": ONE[:-1], "size": 1}, {"sha256": ONE, "size": "1"}, {"sha256": ONE + "\n", "size": 1}],
)  # fmt: skip
def test_only_what_can_be_is_believed(path: Path, value: object) -> None:
    path.write_text(json.dumps({"a": value, "b": {"sha256": OTHER, "size": 7, "more": 1}}), encoding="utf-8")
    assert Checksums(path).all() == {"b": Checksum(OTHER, 7)}


def test_two_that_end_together_are_both_remembered(path: Path) -> None:
    checksums = [Checksums(path), Checksums(path)]

    def add(which: int) -> None:
        for file in range(20):
            checksums[which].add(f"{which}-{file}", ONE, file)

    threads = [threading.Thread(target=add, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Checksums(path).all()) == 40


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        Checksums(tmp_path / "gone" / "x.json").add("a", ONE, 1)
