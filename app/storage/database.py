"""The SQLite database: one thread writes, any thread reads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar
from weakref import WeakSet

from app.storage.backup import back_up, prune
from app.storage.damaged import set_aside
from app.storage.failures import explain_os_error, explain_sqlite_error, is_damage
from app.storage.migrations import migrate, refuse_newer, schema_version

T = TypeVar("T")

BUSY_TIMEOUT_S = 5.0
"""How long to wait for another process (a terminal command beside the window) that is writing."""


class Database:
    """An open database.

    `set_aside` is where a damaged database was moved to when this one was begun in its place, None in
    the ordinary case; the window should say so.

    Only one process should have the database open for long. Close it: the writer thread does not keep
    the program alive, and only a clean close spares the next start a check of the whole file.
    """

    def __init__(self, path: Path, writer: sqlite3.Connection, set_aside: Path | None) -> None:
        """Use `Database.open`."""
        self.path = path
        self.set_aside = set_aside
        self._writer = writer
        self._jobs: SimpleQueue[tuple[Callable[[sqlite3.Connection], Any], Future[Any]] | None] = (
            SimpleQueue()
        )
        self._lock = threading.Lock()
        self._closed = False
        self._local = threading.local()
        # Weak: a thread that ends takes its reader with it.
        self._readers: WeakSet[_Reader] = WeakSet()
        self._thread = threading.Thread(target=self._write_jobs, name="database-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open the database at `path`, creating it, or migrating it once a copy of it was made.

        A damaged file is set aside and a new database begun. Raises `DatabaseTooNew` (the file stays as
        it is), `DiskFull` (also where there is no room for the copy) or `StorageError`.
        """
        moved: Path | None = None
        try:
            if _is_damaged(path):
                moved = set_aside(path, ("-wal", "-shm"))
            _suspicion(path).unlink(missing_ok=True)
            path.touch(mode=0o600)  # SQLite gives its -wal and -shm the same permissions
        except OSError as error:
            raise explain_os_error(error, path) from error
        try:
            writer = _connect(path)
            try:
                # FULL: a commit is on the disk when its future is done, also after a power cut. One
                # message takes 0.5 ms here (median; 8 ms at the 99th percentile), NORMAL 0.02 ms: too
                # little to notice on a thread of its own, for a chat that is never lost.
                writer.execute("PRAGMA journal_mode = WAL")
                writer.execute("PRAGMA synchronous = FULL")
                writer.execute("PRAGMA foreign_keys = ON")
                _migrate(writer, path)
            except BaseException:
                writer.close()
                raise
        except sqlite3.Error as error:
            if is_damage(error):
                _suspect(path)
            failure = explain_sqlite_error(error, path)
            if failure is None:
                raise
            raise failure from error
        return cls(path, writer, moved)

    def write(self, operation: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Run `operation` on the writer thread, in a transaction of its own, after all earlier ones.

        The future is done once the transaction is on the disk. What `operation` raises rolls it back and
        is the future's exception; a full disk is `DiskFull`, other failures of the disk `StorageError`.
        The future's callbacks run on the writer thread: wait for no other write there. Raises
        `RuntimeError` after `close`.
        """
        future: Future[T] = Future()
        with self._lock:
            self._refuse_if_closed()
            self._jobs.put((operation, future))
        return future

    def read(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Run `operation` on this thread, on one unchanging view of the database, and return its result.

        Never waits for writes. Raises what `operation` raises, `StorageError` when the file cannot be
        read, and `RuntimeError` after `close`.
        """
        reader: _Reader | None = getattr(self._local, "reader", None)
        try:
            if reader is None:
                reader = self._new_reader()
            with reader.lock:
                self._refuse_if_closed()
                reader.connection.execute("BEGIN")
                try:
                    return operation(reader.connection)
                finally:
                    if reader.connection.in_transaction:  # SQLite ends it itself after some failures
                        reader.connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def close(self) -> None:
        """Finish all writes and reads that were begun, then close. Calling it again does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        for reader in list(self._readers):
            with reader.lock:
                reader.connection.close()
        self._writer.close()  # the last to go: it folds the log into the file and removes it

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise RuntimeError("the database is closed")

    def _new_reader(self) -> _Reader:
        with self._lock:
            self._refuse_if_closed()
            reader = _Reader(self.path)
            self._readers.add(reader)
        self._local.reader = reader
        return reader

    def _write_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            operation, future = job
            if future.set_running_or_notify_cancel():
                try:
                    result = self._transact(operation)
                except sqlite3.Error as error:
                    future.set_exception(self._explained(error))
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del job, operation, future  # an idle thread must keep nothing alive

    def _transact(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        writer = self._writer
        writer.execute("BEGIN IMMEDIATE")
        try:
            result = operation(writer)
            writer.execute("COMMIT")
        except BaseException:
            # SQLite itself has already rolled back after some failures; rolling back can fail on a
            # broken disk, and then the first error is the one to tell.
            with suppress(sqlite3.Error):
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
            raise
        return result

    def _explained(self, error: sqlite3.Error) -> Exception:
        if is_damage(error):
            _suspect(self.path)
        failure = explain_sqlite_error(error, self.path)
        if failure is None:
            return error
        failure.__cause__ = error
        return failure


class _Reader:
    """A thread's own connection for reading; closed with its thread."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.connection = _connect(path)
        self.connection.execute("PRAGMA query_only = ON")

    def __del__(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()


def _migrate(writer: sqlite3.Connection, path: Path) -> None:
    """Migrate with a copy before. A copy of what then did not change is removed: starts that fail again and
    again would else fill the disk."""
    made: list[tuple[int, Path]] = []
    try:
        migrate(writer, first=lambda version: made.append((version, back_up(path, version))))
    except BaseException:
        with suppress(sqlite3.Error, OSError):
            for version, copy in made:
                if schema_version(writer) == version:
                    copy.unlink()
        raise
    if made:
        prune(path)


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where this module says so. Connections are opened
    # and closed on other threads than the one that uses them, never used by two at once.
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _is_damaged(path: Path) -> bool:
    """Whether the file at `path` cannot be used as a database.

    Checking every page takes about two seconds per gigabyte, too long for each start. Always checked, in
    under a millisecond: the header, the file's length against it, and the schema. After a clean close
    SQLite has removed the -wal file; where one is left, the last run was killed or the power went, and
    all pages are checked. Where an earlier run met damage, the contents of all indices are checked too.
    Reads only, so that a newer database stays as it is. Raises `DatabaseTooNew`.
    """
    log = path.with_name(path.name + "-wal")
    unclean = log.exists() and log.stat().st_size > 0
    if not path.exists() or path.stat().st_size == 0:
        return unclean  # a log whose database is gone: SQLite would delete it
    # immutable: without a log there is nothing to share, and no -wal and -shm need to be made.
    mode = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            refuse_newer(connection)
            check = "integrity_check" if _suspicion(path).exists() else "quick_check" if unclean else None
            return bool(check and connection.execute(f"PRAGMA {check}(1)").fetchone()[0] != "ok")
    except sqlite3.Error as error:
        # Anything else (no permission, no space, a lock) is for opening proper to meet and explain.
        return is_damage(error)


def _suspicion(path: Path) -> Path:
    """An empty file that says: damage was met here, check everything at the next start."""
    return path.with_name(path.name + ".suspect")


def _suspect(path: Path) -> None:
    with suppress(OSError):  # on a broken disk even this may fail; the error itself is told anyway
        _suspicion(path).touch(mode=0o600)
