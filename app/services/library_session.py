"""What the library page asks for: models here, details, checks, imports, removal. Nothing here blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.domain.errors import Cancelled, EdgewiseError
from app.domain.generation import Cancellation
from app.domain.model import LibraryEntry, Soundness, Verification
from app.services.background import Background
from app.services.model_library import ModelLibrary

PROGRESS_MS = 100

T = TypeVar("T")


class LibrarySession(QObject):
    """Lives on the window's thread; its signals arrive there. Work is known by the name of its model."""

    listed = Signal(object)
    """All `LibraryEntry`s, with the details that are known."""
    looking = Signal(bool)
    """Whether the folders are being looked through."""
    work_changed = Signal(str, str, object, object)
    """Name, what is done in words, bytes done, bytes in all (None: not known)."""
    work_ended = Signal(str, str, bool)
    """Name, a remark for the person (may be empty), whether it failed."""
    import_begun = Signal()
    """Files are being taken in: what was said of earlier ones is over."""
    imported = Signal(object)
    """The `LibraryEntry` of a model that is in the library now."""
    verified = Signal(object)
    """A `Verification`."""
    removed = Signal(object, int)
    """The `LibraryEntry` that is gone, and the bytes freed."""
    freed_known = Signal(str, int)
    """Name, bytes that removing it would free."""
    failed = Signal(object)
    """An `EdgewiseError`."""

    def __init__(self, library: ModelLibrary, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._background = background
        self._entries: list[LibraryEntry] = []
        self._work: dict[str, _Work] = {}
        self._reading = Cancellation()
        self._looking = self._again = False
        self._timer = QTimer(self)
        self._timer.setInterval(PROGRESS_MS)
        self._timer.timeout.connect(self._tell_progress)

    @property
    def entries(self) -> list[LibraryEntry]:
        """As they were listed last."""
        return self._entries

    def look(self) -> None:
        """List the models; `listed` comes at once, and again when headers not known yet were read."""
        if self._looking:
            self._again = True  # something may have changed since it began
            return
        self._looking = True
        self.looking.emit(True)
        self._background.run(self._library.entries, self._listed, self._not_listed)

    def verify(self, entry: LibraryEntry) -> None:
        """Look at all of its bytes."""
        self._start(
            entry.model.name,
            "Checking",
            lambda work: self._library.verify(entry, work.progress, work.cancellation),
            self._verified,
        )

    def import_models(self, paths: list[Path], *, copy: bool) -> None:
        """Take files or folders into the library, each as work of its own."""
        self.import_begun.emit()
        for path in paths:
            self._import(path, copy=copy)

    def _import(self, path: Path, *, copy: bool) -> None:
        def bring(work: _Work) -> LibraryEntry:
            return self._library.import_model(
                path, copy=copy, progress=work.progress, cancellation=work.cancellation
            )

        # Files in different folders may have one name.
        name = path.name if path.name not in self._work else str(path)
        self._start(name, "Copying" if copy else "Adding", bring, lambda entry: self._imported(name, entry))

    def consider_removing(self, entry: LibraryEntry) -> None:
        """Reckon what removing it would free."""
        self._background.run(
            lambda: self._library.freed_by_removing(entry),
            lambda freed: self.freed_known.emit(entry.model.name, freed),
            self.failed.emit,
        )

    def remove(self, entry: LibraryEntry) -> None:
        """Delete its files, or forget one kept in place."""
        self._background.run(
            lambda: self._library.remove(entry), lambda freed: self._removed(entry, freed), self._not_removed
        )

    def cancel(self, name: str) -> None:
        """Stop the work on it."""
        if name in self._work:
            self._work[name].cancellation.cancel()

    def shut_down(self) -> None:
        """Stop all work; nothing half done is left."""
        self._reading.cancel()
        self._timer.stop()
        for work in self._work.values():
            work.cancellation.cancel()

    # Listing

    def _listed(self, entries: list[LibraryEntry]) -> None:
        self._entries = entries
        self._looking = False
        self.looking.emit(False)
        self.listed.emit(entries)
        if self._again:
            self._again = False
            self.look()
        elif any(entry.details is None and not entry.problem for entry in entries):
            self._reading.cancel()
            reading = self._reading = Cancellation()
            self._background.run(lambda: self._read(entries, reading), self._details_read, self.failed.emit)

    def _not_listed(self, error: EdgewiseError) -> None:
        self._looking = self._again = False
        self.looking.emit(False)
        self.failed.emit(error)

    def _read(self, entries: list[LibraryEntry], reading: Cancellation) -> dict[str, LibraryEntry]:
        found: dict[str, LibraryEntry] = {}

        def keep(entry: LibraryEntry) -> None:
            found[entry.model.name] = entry

        self._library.read_details(entries, keep, reading)
        return {} if reading.cancelled else found

    def _details_read(self, found: dict[str, LibraryEntry]) -> None:
        if found:
            self._entries = [found.get(entry.model.name, entry) for entry in self._entries]
            self.listed.emit(self._entries)

    # Work

    def _start(
        self,
        name: str,
        words: str,
        operation: Callable[[_Work], T],
        done: Callable[[T], None],
    ) -> None:
        if name in self._work:
            return
        work = self._work[name] = _Work(words)
        self.work_changed.emit(name, words, 0, None)
        self._timer.start()

        def succeed(value: T) -> None:
            self._end(name)
            done(value)

        def fail(error: EdgewiseError) -> None:
            self._end(name)
            cancelled = isinstance(error, Cancelled)
            self.work_ended.emit(name, "" if cancelled else error.message, not cancelled)
            if not cancelled:
                self.failed.emit(error)

        self._background.run(lambda: operation(work), succeed, fail)

    def _end(self, name: str) -> None:
        del self._work[name]
        if not self._work:
            self._timer.stop()

    def _tell_progress(self) -> None:
        for name, work in self._work.items():
            done, total = work.so_far
            self.work_changed.emit(name, work.words, done, total or None)

    def _verified(self, verification: Verification) -> None:
        damaged = verification.soundness is Soundness.DAMAGED
        self.work_ended.emit(verification.model.name, verification.message, damaged)
        self.verified.emit(verification)

    def _imported(self, name: str, entry: LibraryEntry) -> None:
        self.work_ended.emit(name, "", False)
        self.imported.emit(entry)
        self.look()

    def _removed(self, entry: LibraryEntry, freed: int) -> None:
        self.removed.emit(entry, freed)
        self.look()

    def _not_removed(self, error: EdgewiseError) -> None:
        self.failed.emit(error)
        self.look()


class _Work:
    """One model's work; the worker writes how far it is, the window's timer reads it."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.cancellation = Cancellation()
        self._lock = threading.Lock()
        self._so_far = (0, 0)

    @property
    def so_far(self) -> tuple[int, int]:
        with self._lock:
            return self._so_far

    def progress(self, done: int, total: int) -> None:
        with self._lock:
            self._so_far = (done, total)
