import sqlite3
import threading

import pytest

from app.domain.errors import DatabaseTooNew, StorageError
from app.storage.database import Database


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "Größe – 数据"
    folder.mkdir()
    return folder / "edgewise.db"


@pytest.fixture
def database(path):
    with Database.open(path) as database:
        database.write(lambda c: c.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")).result()
        yield database


def insert(text):
    return lambda connection: connection.execute("INSERT INTO notes (text) VALUES (?)", (text,)).lastrowid


def texts(connection):
    return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY id")]


def test_a_new_database_is_durable_and_private(path, database):
    def pragmas(connection):
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert database.write(pragmas).result() == ["wal", 2, 1, 5000]
    assert database.set_aside is None
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600


def test_writes_happen_in_order_on_one_other_thread(database):
    threads = set()

    def operation(text):
        def run(connection):
            threads.add(threading.get_ident())
            return insert(text)(connection)

        return run

    futures = [database.write(operation(str(i))) for i in range(200)]
    assert [future.result() for future in futures] == list(range(1, 201))
    assert database.read(texts) == [str(i) for i in range(200)]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_two_threads_write_without_losing_or_reordering_anything(database):
    together = threading.Barrier(2)
    failures = []

    def many(name):
        together.wait()
        for i in range(100):
            try:
                database.write(insert(f"{name}{i}")).result()
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=many, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    stored = database.read(texts)
    for name in "ab":
        assert [text for text in stored if text[0] == name] == [f"{name}{i}" for i in range(100)]


def test_what_fails_is_rolled_back_and_what_follows_goes_on(database):
    def half(connection):
        insert("never")(connection)
        raise ValueError("half-way")

    failed = database.write(half)
    after = database.write(insert("after"))
    with pytest.raises(ValueError, match="half-way"):
        failed.result()
    assert after.result() == 1
    assert database.read(texts) == ["after"]


def test_a_bug_in_the_sql_stays_a_sqlite_error(database):
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        database.write(lambda c: c.execute("INSERT INTO nowhere VALUES (1)")).result()
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        database.read(lambda c: c.execute("SELECT * FROM nowhere"))
    assert database.read(texts) == []


def test_a_cancelled_write_does_not_happen(database):
    started, go_on = threading.Event(), threading.Event()

    def hold(connection):
        started.set()
        go_on.wait()

    held = database.write(hold)
    started.wait()
    unwanted = database.write(insert("unwanted"))
    wanted = database.write(insert("wanted"))
    assert unwanted.cancel()
    go_on.set()
    held.result()
    wanted.result()
    assert database.read(texts) == ["wanted"]


def test_reading_goes_on_while_a_write_is_under_way(database):
    database.write(insert("old")).result()
    written, go_on = threading.Event(), threading.Event()

    def hold(connection):
        insert("new")(connection)
        written.set()
        go_on.wait()

    held = database.write(hold)
    written.wait()
    assert database.read(texts) == ["old"]
    go_on.set()
    held.result()
    assert database.read(texts) == ["old", "new"]


def test_one_read_sees_one_moment(database):
    def twice(connection):
        before = texts(connection)
        database.write(insert("meanwhile")).result()
        return before, texts(connection)

    before, after = database.read(twice)
    assert before == after == []
    assert database.read(texts) == ["meanwhile"]


def test_reading_cannot_write(database):
    with pytest.raises(StorageError):
        database.read(insert("sneaky"))
    assert database.read(texts) == []


def test_closing_finishes_every_write_and_leaves_one_file(path):
    database = Database.open(path)
    database.write(lambda c: c.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)"))
    futures = [database.write(insert(str(i))) for i in range(50)]
    database.close()
    database.close()
    assert all(future.done() for future in futures)
    assert [file.name for file in path.parent.iterdir()] == ["edgewise.db"]
    with Database.open(path) as again:
        assert len(again.read(texts)) == 50
        assert again.set_aside is None


def test_a_closed_database_refuses(database):
    database.read(texts)
    database.close()
    with pytest.raises(RuntimeError, match="closed"):
        database.write(insert("late"))
    with pytest.raises(RuntimeError, match="closed"):
        database.read(texts)


def test_closing_waits_for_a_read_on_another_thread(database):
    reading, go_on, read = threading.Event(), threading.Event(), []

    def operation(connection):
        reading.set()
        go_on.wait()
        return texts(connection)

    reader = threading.Thread(target=lambda: read.append(database.read(operation)))
    database.write(insert("kept")).result()
    reader.start()
    reading.wait()
    closer = threading.Thread(target=database.close)
    closer.start()
    go_on.set()
    reader.join()
    closer.join()
    assert read == [["kept"]]


def test_a_readers_connection_ends_with_its_thread(database):
    seen = []

    def operation(connection):
        seen.append(connection)

    thread = threading.Thread(target=lambda: database.read(operation))
    thread.start()
    thread.join()
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        seen[0].execute("SELECT 1")


def test_a_newer_database_is_refused_and_left_as_it_is(path):
    Database.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseTooNew, match="version 99"):
        Database.open(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["edgewise.db"]


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(StorageError, match="cannot use"):
        Database.open(tmp_path / "nowhere" / "edgewise.db")


def test_a_folder_in_the_place_of_the_file_is_a_sentence(tmp_path):
    (tmp_path / "edgewise.db" / "something").mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot read or write"):
        Database.open(tmp_path / "edgewise.db")
    assert (tmp_path / "edgewise.db" / "something").is_dir()


def test_another_programs_lock_is_a_sentence(path, monkeypatch):
    monkeypatch.setattr("app.storage.database.BUSY_TIMEOUT_S", 0.0)
    with Database.open(path) as database:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="Another program"):
            database.write(lambda c: c.total_changes).result()
        other.execute("ROLLBACK")
        other.close()
        database.write(lambda c: c.total_changes).result()


def fails_with(code, kind=sqlite3.DatabaseError):
    def step(connection, **_):
        error = kind("as SQLite says it")
        error.sqlite_errorcode = code
        raise error

    return step


def test_damage_that_a_migration_meets_is_told_and_checked_at_the_next_start(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("app.storage.database.migrate", fails_with(sqlite3.SQLITE_CORRUPT))
        with pytest.raises(StorageError, match="damaged"):
            Database.open(path)
    assert path.with_name("edgewise.db.suspect").exists()
    with Database.open(path) as database:
        assert database.set_aside is None
    assert not path.with_name("edgewise.db.suspect").exists()


def test_a_migrations_own_mistake_is_not_dressed_up(path, monkeypatch):
    mistake = fails_with(sqlite3.SQLITE_ERROR, sqlite3.OperationalError)
    monkeypatch.setattr("app.storage.database.migrate", mistake)
    with pytest.raises(sqlite3.OperationalError, match="as SQLite says it"):
        Database.open(path)
