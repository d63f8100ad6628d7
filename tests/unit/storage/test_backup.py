"""Copies of the database before a migration, and the way back to one."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from app.domain.errors import DatabaseTooNew, DiskFull, StorageError
from app.domain.generation import Role
from app.storage import backup, migrations
from app.storage.backup import Lost, back_up, backups, lost_since, prune, put_aside, readable_backup
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.migrations import MIGRATIONS, migrate, schema_version

TODAY = f"{date.today():%Y-%m-%d}"
NEWEST = len(MIGRATIONS)
ROOT = Path(__file__).parents[3]

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "Größe – 数据"
    folder.mkdir()
    return folder / "edgewise.db"


def make(path: Path, version: int, *titles: str) -> None:
    """A database as the Edgewise of that time left it, with a chat of a message for each title."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, MIGRATIONS[:version])
        for title in titles:
            add(connection, title)


def add(connection: sqlite3.Connection, title: str) -> None:
    chat = connection.execute(
        "INSERT INTO conversations (title, created_at, last_used_at) VALUES (?, 1, 1)", (title,)
    ).lastrowid
    connection.execute(
        "INSERT INTO messages (conversation_id, role, text, state, created_at)"
        " VALUES (?, 'user', 'hello', 'complete', 1)",
        (chat,),
    )


def titles(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        return [row[0] for row in connection.execute("SELECT title FROM conversations ORDER BY id")]


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return schema_version(connection)


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def from_the_future(path: Path, *more: str) -> bytes:
    """Let a newer Edgewise have taken two more steps and stored more; returns the file's bytes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE of_the_future (x)")
        for title in more:
            add(connection, title)
        connection.execute(f"PRAGMA user_version = {NEWEST + 2}")
    return path.read_bytes()


def broken_step(monkeypatch: pytest.MonkeyPatch, step: Callable[[sqlite3.Connection], None]) -> None:
    monkeypatch.setattr(migrations.migrate, "__defaults__", ((*MIGRATIONS[:-1], step),))


@pytest.mark.parametrize("version", range(1, NEWEST))
def test_opening_an_older_database_keeps_a_whole_copy_of_it(path: Path, version: int) -> None:
    make(path, version, "Lighthouse", "größer 家")
    with Database.open(path) as database:
        assert [it.title for it in Conversations(database).summaries()]
    copy = path.with_name(f"edgewise-v{version}-{TODAY}.db")
    assert names(path) == sorted([copy.name, "edgewise.db"])
    assert (version_of(copy), titles(copy)) == (version, ["Lighthouse", "größer 家"])
    assert (version_of(path), titles(path)) == (NEWEST, ["Lighthouse", "größer 家"])
    assert readable_backup(path, version) == backups(path)[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_copy_is_for_its_owners_eyes_only(path: Path) -> None:
    make(path, 2, "Secret")
    Database.open(path).close()
    assert backups(path)[0].path.stat().st_mode & 0o777 == 0o600


def test_a_new_database_and_one_of_this_version_are_not_copied(path: Path) -> None:
    Database.open(path).close()
    Database.open(path).close()
    assert names(path) == ["edgewise.db"]


def test_what_lies_in_the_log_is_copied_too(path: Path, tmp_path: Path) -> None:
    make(tmp_path / "source.db", 2, "In the file")
    with closing(sqlite3.connect(tmp_path / "source.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        add(connection, "In the log")
        for ending in ("", "-wal"):  # as after a kill
            shutil.copy(f"{tmp_path / 'source.db'}{ending}", f"{path}{ending}")
    assert path.with_name("edgewise.db-wal").stat().st_size > 0
    Database.open(path).close()
    assert titles(backups(path)[0].path) == ["In the file", "In the log"]


def test_the_last_three_are_kept(path: Path) -> None:
    for day in ("2024-01-05", "2025-03-01", "2025-03-02", "2025-02-01"):
        make(path.with_name(f"edgewise-v1-{day}.db"), 1)
    for other in ("edgewise-v1-2024-01-05.db.txt", "edgewise-vx-2024-01-05.db", "edgewise-v1-2024-99-05.db"):
        path.with_name(other).write_text("somebody’s own")
    make(path, 3, "Lighthouse")
    Database.open(path).close()
    assert [it.path.name for it in backups(path)] == [
        f"edgewise-v3-{TODAY}.db",
        "edgewise-v1-2025-03-02.db",
        "edgewise-v1-2025-03-01.db",
    ]
    assert len(list(path.parent.iterdir())) == 1 + 3 + 3


def test_a_name_that_is_taken_gets_a_number(path: Path) -> None:
    taken = path.with_name(f"edgewise-v2-{TODAY}.db")
    taken.write_bytes(b"of this morning")
    make(path, 2, "Lighthouse")
    assert back_up(path, 2).name == f"edgewise-v2-{TODAY}-2.db"
    assert taken.read_bytes() == b"of this morning"


def test_a_migration_that_fails_leaves_everything_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(path, 2, "Lighthouse")
    before = path.read_bytes()
    older = path.with_name("edgewise-v1-2024-01-05.db")
    make(older, 1)

    def fail(connection: sqlite3.Connection) -> None:
        assert len(backups(path)) == 2  # the copy is there before the first step
        connection.execute("DELETE FROM conversations")
        raise RuntimeError("half-way")

    with monkeypatch.context() as patch:
        broken_step(patch, fail)
        for _ in range(4):
            with pytest.raises(RuntimeError, match="half-way"):
                Database.open(path)
    assert path.read_bytes() == before
    assert names(path) == [older.name, "edgewise.db"]
    with Database.open(path) as database:
        assert [it.title for it in Conversations(database).summaries()] == ["Lighthouse"]


KILLED = """
import os, signal, sys
from pathlib import Path
from app.storage import backup, migrations
from app.storage.database import Database

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def step(connection):
    connection.execute("DELETE FROM messages")
    connection.execute("CREATE TABLE half (x)")
    connection.execute("PRAGMA cache_spill = 1")
    connection.execute("PRAGMA cache_size = 1")  # what was changed is on its way to the log
    connection.execute("INSERT INTO half SELECT zeroblob(100000) FROM conversations, conversations")
    kill()

if sys.argv[2] == "copy":
    backup._is_whole = kill
elif sys.argv[2] == "name":
    backup._put = kill
else:
    migrations.migrate.__defaults__ = ((*migrations.MIGRATIONS[:-1], step),)
Database.open(Path(sys.argv[1]))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows ends processes otherwise")
@pytest.mark.parametrize("moment", ["copy", "name", "step"])
def test_a_kill_in_the_middle_leaves_the_old_database_usable(path: Path, moment: str) -> None:
    make(path, NEWEST - 1, "Lighthouse", "Regex")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), moment],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    # The Edgewise that wrote it still can read and write it.
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert schema_version(connection) == NEWEST - 1
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (2,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        add(connection, "Since then")
    with Database.open(path) as database:
        assert database.set_aside is None
        assert len(Conversations(database).summaries()) == 3
    assert [it.version for it in backups(path)] == [NEWEST - 1] * (2 if moment == "step" else 1)
    assert not [name for name in names(path) if ".part" in name]


def test_without_room_nothing_is_migrated_or_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(path, 2, "Lighthouse")
    before = path.read_bytes()
    needed = 2 * len(before) + backup.SPARE_BYTES
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, needed - 1))
    with pytest.raises(DiskFull, match=r"have to be copied.*takes 4\.\d MB.*Free some space.*Nothing was"):
        Database.open(path)
    assert names(path) == ["edgewise.db"]
    assert path.read_bytes() == before
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, needed))
    Database.open(path).close()
    assert version_of(path) == NEWEST


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small file system")
def test_a_disk_that_fills_up_while_copying_leaves_the_old_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "klein 小"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=False
    ).returncode:
        pytest.skip("mounting needs root")
    try:
        path = folder / "edgewise.db"
        make(path, 2, "Lighthouse", "x" * 500_000)
        (folder / "ballast").write_bytes(bytes(shutil.disk_usage(folder).free - 300_000))
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, 10**9))  # others write meanwhile
            patch.setattr("app.storage.failures._nothing_free", lambda _: True)
            with pytest.raises(DiskFull, match=r"full\. Free some space"):
                Database.open(path)
        assert names(path) == ["ballast", "edgewise.db"]
        assert len(titles(path)) == 2
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_copy_that_is_not_whole_stops_the_migration(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(path, 2, "Lighthouse")
    monkeypatch.setattr(backup, "_is_whole", lambda _: False)
    with pytest.raises(StorageError, match="could not be copied whole"):
        Database.open(path)
    assert names(path) == ["edgewise.db"]
    assert version_of(path) == 2


def test_pruning_a_folder_without_copies(tmp_path: Path) -> None:
    prune(tmp_path / "edgewise.db")
    prune(tmp_path / "nowhere" / "edgewise.db")
    assert list(tmp_path.iterdir()) == []


# --- back to an older Edgewise -------------------------------------------------------------------------


def test_the_newest_copy_that_can_be_read_is_found(path: Path) -> None:
    assert readable_backup(path) is None
    make(path.with_name("edgewise-v2-2025-01-01.db"), 2)
    make(path.with_name("edgewise-v3-2025-02-01.db"), 3)
    from_the_future(copied(path.with_name("edgewise-v3-2025-02-01.db"), "edgewise-v3-2025-04-01.db"))
    path.with_name("edgewise-v2-2025-03-01.db").write_bytes(b"not a database at all")
    whole = path.with_name("edgewise-v3-2025-02-01.db").read_bytes()
    path.with_name("edgewise-v3-2025-03-02.db").write_bytes(whole[:8192])
    path.with_name("edgewise-v0-2025-03-03.db").write_bytes(b"")
    found = readable_backup(path)
    assert found is not None
    assert (found.path.name, found.version, found.day) == ("edgewise-v3-2025-02-01.db", 3, date(2025, 2, 1))
    found = readable_backup(path, known=2)
    assert found is not None
    assert found.version == 2
    assert readable_backup(path, known=1) is None


def copied(path: Path, name: str) -> Path:
    return Path(shutil.copy(path, path.with_name(name)))


def test_the_way_down_and_what_is_lost_on_it(path: Path) -> None:
    make(path, NEWEST, "Lighthouse", "Regex")
    copy = back_up(path, NEWEST)
    newer = from_the_future(path, "Since then", "And then")
    with pytest.raises(DatabaseTooNew):
        Database.open(path)
    found = readable_backup(path)
    assert found is not None
    assert lost_since(path, found) == Lost(messages=2, conversations=2)
    aside = put_aside(path, found)
    assert aside.name == f"edgewise-newer-{TODAY}.db"
    assert aside.read_bytes() == newer
    assert copy.exists()
    with Database.open(path) as database:
        assert {it.title for it in Conversations(database).summaries()} == {"Lighthouse", "Regex"}
        chat = Conversations(database).create().result()
        Conversations(database).append(chat.id, Role.USER, "down here", parent_id=None).result()
    assert titles(copy) == ["Lighthouse", "Regex"]
    assert aside.read_bytes() == newer


def test_the_newer_databases_log_goes_with_it(path: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    make(source, NEWEST, "Lighthouse")
    copy = back_up(source, NEWEST)
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        add(connection, "In the log")
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
        for ending in ("", "-wal"):
            shutil.copy(f"{source}{ending}", f"{path}{ending}")
    shutil.copy(copy, path.with_name(copy.name.replace("source", "edgewise")))
    log = path.with_name("edgewise.db-wal").read_bytes()
    found = readable_backup(path)
    assert found is not None
    assert lost_since(path, found) == Lost(1, 1)
    aside = put_aside(path, found)
    assert aside.with_name(aside.name + "-wal").read_bytes() == log
    with Database.open(path) as database:
        assert [it.title for it in Conversations(database).summaries()] == ["Lighthouse"]
    with closing(sqlite3.connect(aside)) as connection:  # as a newer Edgewise meets it
        assert schema_version(connection) == NEWEST + 1
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (2,)


def test_without_a_copy_one_begins_anew_and_the_newer_one_stays(path: Path) -> None:
    make(path, NEWEST, "Lighthouse")
    newer = from_the_future(path)
    aside = put_aside(path, None)
    assert aside.read_bytes() == newer
    assert not path.exists()
    with Database.open(path) as database:
        assert Conversations(database).summaries() == []


@pytest.mark.parametrize("at", range(6))
def test_a_way_down_that_breaks_off_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    make(path, NEWEST, "Lighthouse")
    back_up(path, NEWEST)
    newer = from_the_future(path, "Since then")
    found = readable_backup(path)
    assert found is not None
    done = 0

    def breaking(original: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            nonlocal done
            done += 1
            if done > at:
                raise OSError(5, "the cable was pulled")
            return original(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", breaking(shutil.copyfile))
        patch.setattr(Path, "rename", breaking(Path.rename))
        patch.setattr(Path, "replace", breaking(Path.replace))
        patch.setattr(os, "fsync", breaking(os.fsync))
        try:
            put_aside(path, found)
        except StorageError:
            pass
        else:
            assert at == 5
    whole = [file for file in path.parent.iterdir() if file.read_bytes() == newer]
    assert len(whole) == 1
    assert titles(found.path) == ["Lighthouse"]
    assert not [name for name in names(path) if ".part" in name]


def test_what_a_stranger_schema_lost_is_not_guessed(path: Path) -> None:
    make(path, NEWEST, "Lighthouse")
    back_up(path, NEWEST)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE messages RENAME TO utterances")
    found = readable_backup(path)
    assert found is not None
    assert lost_since(path, found) is None
