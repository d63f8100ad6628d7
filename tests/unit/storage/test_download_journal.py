"""The downloads that are not done, on the disk."""

from __future__ import annotations

import json
import sys

import pytest

from app.domain.errors import StorageError
from app.domain.hub import Format, HubFile, Variant
from app.storage.download_journal import ENTRY, MOST_BYTES, DownloadJournal, JournalEntry

VARIANT = Variant("owner/name", "main", Format.GGUF, "Q4_K_M", (HubFile("a.gguf", 5, "a" * 64),))
KEY, OTHER = "0123456789abcdef", "fedcba9876543210"


def entry(key=KEY, added=1.0, **more):
    return JournalEntry(key, "Zoë · 家", VARIANT, added, **more)


@pytest.fixture
def journal(tmp_path):
    return DownloadJournal(tmp_path / "models" / ".incoming")


def test_what_is_written_is_there_for_the_next_one(journal, tmp_path):
    first = entry(added=2.0, paused=True)
    second = entry(OTHER, added=1.0, error="Kein Platz.", needs_token=True)
    journal.write(first)
    journal.write(second)
    assert DownloadJournal(tmp_path / "models" / ".incoming").entries() == [second, first]
    assert journal.strays() == []


def test_without_a_folder_there_is_nothing(journal):
    assert journal.entries() == []
    assert journal.strays() == []


def test_forgetting_takes_all_that_was_gathered(journal):
    journal.write(entry())
    (journal.folder_of(KEY) / "0000.part").write_bytes(b"x")
    journal.forget(KEY)
    assert not journal.folder_of(KEY).exists()
    journal.forget(KEY)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "[" * 100_000, json.dumps({"name": "x"}), "x" * (MOST_BYTES + 1),
        json.dumps({"name": 1, "variant": {}, "added": 1}),
    ],
    ids=["empty", "cut", "list", "null", "nested", "half", "huge", "types"],
)  # fmt: skip
def test_a_damaged_entry_is_a_stray(journal, text):
    journal.write(entry(OTHER))
    folder = journal.folder_of(KEY)
    folder.mkdir()
    (folder / ENTRY).write_text(text, encoding="utf-8")
    assert [found.key for found in journal.entries()] == [OTHER]
    assert journal.strays() == [KEY]


@pytest.mark.parametrize("field", ["name", "variant", "added", "paused", "error", "needs_token"])
def test_an_entry_with_a_field_of_another_kind_is_a_stray(journal, field):
    journal.write(entry())
    path = journal.folder_of(KEY) / ENTRY
    path.write_text(
        json.dumps({**json.loads(path.read_text(encoding="utf-8")), field: [1]}), encoding="utf-8"
    )
    assert journal.strays() == [KEY]


def test_other_folders_are_not_its_business(journal, tmp_path):
    (tmp_path / "models" / ".incoming" / "import-1").mkdir(parents=True)
    assert journal.strays() == []
    with pytest.raises(ValueError, match="key"):
        journal.folder_of("../../x")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_is_neither_followed_nor_emptied(journal, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"x")
    (tmp_path / "models" / ".incoming").mkdir(parents=True)
    journal.folder_of(KEY).symlink_to(outside)
    assert journal.strays() == []
    journal.forget(KEY)
    assert (outside / "kept").exists()


def test_a_folder_that_cannot_be_made_is_a_failure_with_a_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        DownloadJournal(tmp_path / "file" / "x").write(entry())
