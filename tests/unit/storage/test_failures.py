import errno
import shutil
import sqlite3
from collections import namedtuple

import pytest

from app.domain.errors import DiskFull, StorageError
from app.storage.failures import explain_os_error, explain_sqlite_error, is_damage


def sqlite_error(code, text="as SQLite says it"):
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    error.sqlite_errorname = "SQLITE_X"
    return error


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (sqlite3.SQLITE_FULL, DiskFull, "is full"),
        (sqlite3.SQLITE_READONLY, StorageError, "not allowed"),
        (sqlite3.SQLITE_READONLY_DBMOVED, StorageError, "not allowed"),
        (sqlite3.SQLITE_IOERR_READ, StorageError, "healthy"),
        (sqlite3.SQLITE_CANTOPEN, StorageError, "healthy"),
        (sqlite3.SQLITE_BUSY, StorageError, "Another program"),
        (sqlite3.SQLITE_CORRUPT, StorageError, "damaged"),
        (sqlite3.SQLITE_NOTADB, StorageError, "damaged"),
    ],
)
def test_each_failure_of_the_disk_has_its_sentence(tmp_path, code, kind, words):
    failure = explain_sqlite_error(sqlite_error(code), tmp_path / "edgewise.db")
    assert failure is not None
    assert type(failure) is kind
    assert words in failure.message
    assert failure.detail == "SQLITE_X: as SQLite says it"


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_CANTOPEN])
def test_an_unclear_error_on_a_full_disk_is_a_full_disk(tmp_path, monkeypatch, code):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1_000_000, 1_000_000, 0))
    assert isinstance(explain_sqlite_error(sqlite_error(code), tmp_path / "edgewise.db"), DiskFull)


def test_a_vanished_folder_is_no_full_disk(tmp_path):
    failure = explain_sqlite_error(sqlite_error(sqlite3.SQLITE_IOERR), tmp_path / "gone" / "edgewise.db")
    assert type(failure) is StorageError


@pytest.mark.parametrize(
    "error", [sqlite_error(sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY), sqlite3.ProgrammingError("a bug")]
)
def test_a_bug_stays_a_bug(tmp_path, error):
    assert explain_sqlite_error(error, tmp_path / "edgewise.db") is None
    assert not is_damage(error)


def test_an_unknown_system_error_keeps_its_reason(tmp_path):
    failure = explain_os_error(OSError(errno.ESTALE, "Stale file handle"), tmp_path)
    assert "Stale file handle" in failure.message
    assert str(tmp_path) in failure.message
