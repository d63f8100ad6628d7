import json
from pathlib import Path

import pytest

from app.domain.errors import StorageError
from app.storage import file_hashes
from app.storage.file_hashes import FileHash, FileHashes

KNOWN = FileHash(98, 1_700_000_000_000_000_000, "ab" * 32)
FILE = Path("/models/Zoë 家.gguf")


def test_what_was_put_is_there_again(tmp_path):
    FileHashes(tmp_path / "hashes.json").put(FILE, KNOWN)
    again = FileHashes(tmp_path / "hashes.json")
    assert again.get(FILE) == KNOWN
    assert again.get(Path("/other")) is None
    newer = FileHash(99, 5, "cd" * 32)
    again.put(FILE, newer)
    assert again.get(FILE) == newer


def test_the_newest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(file_hashes, "MOST_ENTRIES", 2)
    hashes = FileHashes(tmp_path / "hashes.json")
    for name in ("/a", "/b", "/a", "/c"):
        hashes.put(Path(name), KNOWN)
    assert [hashes.get(Path(name)) for name in ("/a", "/b", "/c")] == [KNOWN, None, KNOWN]


@pytest.mark.parametrize(
    "entry",
    [
        *(None, [], {}),
        {"size": 1.5, "mtime_ns": 1, "sha256": "ab" * 32},
        {"size": 1, "mtime_ns": 1, "sha256": "AB" * 32},
    ],
)  # fmt: skip
def test_junk_knows_nothing(tmp_path, entry):
    path = tmp_path / "hashes.json"
    path.write_text(json.dumps({str(FILE): entry}))
    assert FileHashes(path).get(FILE) is None


def test_what_cannot_be_kept(tmp_path):
    with pytest.raises(StorageError):
        FileHashes(tmp_path / "nowhere" / "hashes.json").put(FILE, KNOWN)


def test_hashes_move_with_the_folder(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    FileHashes(home / "hashes.json").put(home / "models" / "a.gguf", KNOWN)
    home.rename(tmp_path / "elsewhere")
    after = FileHashes(tmp_path / "elsewhere" / "hashes.json")
    assert after.get(tmp_path / "elsewhere" / "models" / "a.gguf") == KNOWN
    assert after.get(home / "models" / "a.gguf") is None
