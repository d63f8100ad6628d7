"""The downloads: which run, which wait, and what becomes of them when something goes wrong.

Each runs in a process of its own (`app.models.download_process`). One thread starts and ends those, keeps
the journal and counts the time until the next try; `snapshot` and the orders (`add`, `pause` …) only touch
memory, so that the window may call them at any time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.domain.download import Download, DownloadState
from app.domain.errors import EdgewiseError, StorageError
from app.domain.hub import Variant
from app.domain.variant_record import key_of
from app.models.download_messages import DownloadJob, Failed, Finished, Message, Progress
from app.models.download_process import DownloadProcess
from app.models.download_staging import Staging
from app.services.download_entry import OFFLINE, DownloadEntry, Patience
from app.storage.checksums import Checksums
from app.storage.download_journal import DownloadJournal
from app.storage.paths import Paths

__all__ = ["OFFLINE", "RESERVE", "DownloadQueue", "Patience"]

RESERVE = 1_000_000_000
"""Bytes that downloads leave free on the disk: systems with a full disk fail in strange ways."""
CLOSE_PATIENCE_S = 5.0
_POLL_S = 0.2
"""How often the offline switch is looked at."""


class DownloadQueue:
    """All downloads. Any thread may call.

    `on_change` is called when the state of one changed; not for every byte: who shows those looks at
    `snapshot`. `token` is asked before each start, `offline` some times a second, too. All three are called
    on the queue's own thread.
    """

    def __init__(
        self,
        paths: Paths,
        token: Callable[[], str | None],
        offline: Callable[[], bool],
        on_change: Callable[[], None] | None = None,
        parallel: int = 2,
        patience: Patience | None = None,
    ) -> None:
        self._paths = paths
        self._journal = DownloadJournal(paths.incoming)
        self._token = token
        self._offline = offline
        self._on_change = on_change or (lambda: None)
        self._parallel = parallel
        self._patience = patience or Patience()
        self._entries: dict[int, DownloadEntry] = {}
        self._graves: list[tuple[str, DownloadProcess | None]] = []
        """Cancelled ones, whose folders go when their processes are gone."""
        self._last_id = 0
        self._restore = False
        self._closing = False
        self._changed = threading.Condition()
        """Guards all of the above, and wakes the queue's thread and who waits for a download."""
        self._thread = threading.Thread(target=self._run, name="downloads", daemon=True)
        self._thread.start()

    # Orders

    def restore(self) -> None:
        """Take up what earlier runs left: it goes on, unless a person paused it or it failed.

        For the window, once. The command line leaves it alone and only adds its own; `add` finds what has
        arrived of it.
        """
        with self._changed:
            self._restore = True
            self._changed.notify_all()

    def add(self, variant: Variant, name: str) -> int:
        """Download `variant`; returns its id. One that is there already goes on, if it does not anyway."""
        key = key_of(variant)
        with self._changed:
            for entry in self._entries.values():
                if entry.key == key and not entry.over:
                    entry.go_on()
                    self._changed.notify_all()
                    return entry.id
            return self._new(key, name, variant, time.time()).id

    def pause(self, id_: int) -> None:
        """Stop it at once; what has arrived stays."""
        self._order(id_, DownloadEntry.pause)

    def resume(self, id_: int) -> None:
        """Go on with one that was paused, failed, or waits for its next try."""
        self._order(id_, DownloadEntry.go_on)

    retry = resume

    def retry_denied(self) -> None:
        """Go on with all that failed for want of a token: there is another one now."""
        with self._changed:
            for entry in self._entries.values():
                if entry.needs_token and not entry.over:
                    entry.go_on()
            self._changed.notify_all()

    def cancel(self, id_: int) -> None:
        """Stop it, forget it, and delete what has arrived. One that is done is only forgotten."""
        with self._changed:
            entry = self._entries.pop(id_, None)
            if entry is not None:
                self._graves.append((entry.key, entry.process))
                entry.stop()
                self._changed.notify_all()

    forget = cancel

    def snapshot(self) -> tuple[Download, ...]:
        """All downloads as they stand, in the order they were added. Quick."""
        with self._changed:
            now = time.monotonic()
            return tuple(entry.as_download(now) for entry in self._entries.values())

    def wait(self, id_: int, timeout_s: float | None = None) -> Download | None:
        """Block until it does not go on by itself, or for `timeout_s`; where it stands, or None."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or not self._goes_on(id_), timeout_s)
            entry = self._entries.get(id_)
            return None if entry is None else entry.as_download(time.monotonic())

    def close(self) -> None:
        """Stop everything; it goes on after the next `restore`. Returns when no process is left."""
        with self._changed:
            self._closing = True
            processes = [entry.process for entry in self._entries.values() if entry.process is not None]
            self._changed.notify_all()
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
        self._thread.join(CLOSE_PATIENCE_S)

    def _order(self, id_: int, order: Callable[[DownloadEntry], None]) -> None:
        with self._changed:
            entry = self._entries.get(id_)
            if entry is not None and not entry.over:
                order(entry)
                self._changed.notify_all()

    def _goes_on(self, id_: int) -> bool:
        entry = self._entries.get(id_)
        return entry is not None and entry.active

    def _new(self, key: str, name: str, variant: Variant, added: float) -> DownloadEntry:
        self._last_id += 1
        entry = DownloadEntry(self._last_id, key, name, variant, added, size=variant.size)
        self._entries[entry.id] = entry
        self._changed.notify_all()
        return entry

    # The queue's thread

    def _run(self) -> None:
        told: tuple[tuple[int, DownloadState, str], ...] = ()
        while True:
            with self._changed:
                closing = self._closing
                restore, self._restore = self._restore, False
                graves, self._graves = self._graves, []
            if restore:
                self._take_up()
            for key, process in graves:
                self._bury(key, process)
            if not closing:
                self._obey_the_switch()
            self._finish()
            self._save()
            if closing:
                return
            self._start()
            with self._changed:
                states = tuple((entry.id, entry.state, entry.error) for entry in self._entries.values())
            if states != told:
                told = states
                self._on_change()
            with self._changed:
                self._changed.wait_for(self._something_to_do, self._idle_s())

    def _something_to_do(self) -> bool:
        return bool(
            self._closing
            or self._restore
            or self._graves
            or any(not entry.looked_at for entry in self._entries.values())
        )

    def _idle_s(self) -> float | None:
        now = time.monotonic()
        waits = [entry.retry_at - now for entry in self._entries.values() if entry.retry_at is not None]
        if any(entry.active or entry.offline for entry in self._entries.values()):
            waits.append(_POLL_S)
        return max(0.0, min(waits)) if waits else None

    def _take_up(self) -> None:
        """Read the journal, sweep away what nobody owns."""
        for key in self._journal.strays():
            if not Staging(self._journal.folder_of(key)).in_use:
                self._journal.forget(key)
        for record in self._journal.entries():
            staging = Staging(self._journal.folder_of(record.key))
            done = sum(staging.arrived(index) for index in range(len(record.variant.all_files)))
            with self._changed:
                if all(entry.key != record.key for entry in self._entries.values()):
                    self._new(record.key, record.name, record.variant, record.added).take_up(record, done)

    def _bury(self, key: str, process: DownloadProcess | None) -> None:
        if process is not None:
            process.wait()
        with self._changed:
            if any(entry.key == key and not entry.over for entry in self._entries.values()):
                return  # wanted again meanwhile
        if not Staging(self._journal.folder_of(key)).in_use:  # by another Edgewise
            self._journal.forget(key)

    def _obey_the_switch(self) -> None:
        off = self._offline()
        with self._changed:
            for entry in self._entries.values():
                if off and entry.active and not entry.over:
                    entry.hold()
                    self._changed.notify_all()
                elif not off and entry.offline:
                    entry.go_on()

    def _finish(self) -> None:
        """Remember the checksums of what has come into the library, and forget that it was to come."""
        with self._changed:
            ended = [e for e in self._entries.values() if e.over and e.state is not DownloadState.DONE]
        for entry in ended:
            problem = ""
            checksums = Checksums(self._paths.checksums)
            try:
                for file in entry.finished.files if entry.finished else ():
                    checksums.add(file.path, file.sha256, file.size)
            except StorageError as error:
                problem = error.detail  # the model is there all the same; it can only not be verified later
            self._journal.forget(entry.key)
            with self._changed:
                entry.end(problem)
                self._changed.notify_all()

    def _save(self) -> None:
        with self._changed:
            records = [(entry, entry.as_record()) for entry in self._entries.values() if not entry.over]
            for entry in self._entries.values():
                entry.looked_at = True
        for entry, record in records:
            if record == entry.saved:
                continue
            entry.saved = record  # also where it fails: it would only fail again
            try:
                self._journal.write(record)
            except StorageError as error:
                with self._changed:
                    if entry.active:
                        entry.stop()
                        self._fail(entry, error)

    def _start(self) -> None:
        """Start as many as may run, those that were added first."""
        while True:
            with self._changed:
                now = time.monotonic()
                for entry in self._entries.values():
                    entry.try_again(now)
                running = sum(entry.process is not None for entry in self._entries.values())
                waiting = [
                    e for e in self._entries.values() if e.state is DownloadState.WAITING and not e.over
                ]
                if self._closing or not waiting or running >= self._parallel:
                    return
                entry = waiting[0]
            try:
                token = self._token()
            except EdgewiseError as error:
                with self._changed:
                    self._fail(entry, error)
                continue
            if self._offline():
                return
            self._launch(entry, token)

    def _launch(self, entry: DownloadEntry, token: str | None) -> None:
        folder = self._journal.folder_of(entry.key)
        job = DownloadJob(entry.variant, folder, self._paths.models, token, RESERVE)
        mine: list[DownloadProcess] = []
        with self._changed:
            if entry.state is not DownloadState.WAITING or entry.id not in self._entries or self._closing:
                return  # it was stopped while the token was looked up
            try:
                mine.append(DownloadProcess(job, lambda message: self._hear(entry, mine, message)))
            except EdgewiseError as error:
                self._fail(entry, error)
            else:
                entry.run(mine[0])

    def _fail(self, entry: DownloadEntry, error: EdgewiseError) -> None:
        """To be called under the lock."""
        entry.fail(error, self._patience)
        self._changed.notify_all()

    # From a process's thread

    def _hear(self, entry: DownloadEntry, mine: list[DownloadProcess], message: Message) -> None:
        with self._changed:
            if self._closing or entry.process not in mine:
                return
            if isinstance(message, Progress):
                entry.hear(message)
                if entry.looked_at:
                    return
            elif isinstance(message, Finished):
                entry.arrive(message)
            elif isinstance(message, Failed):
                entry.fail(message.error, self._patience)
            self._changed.notify_all()
