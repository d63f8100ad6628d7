"""The downloads: which run, which wait, and what becomes of them when something goes wrong.

Each runs in a process of its own (`app.models.download_process`). One thread starts and ends those, keeps
the journal and counts the time until the next try; `snapshot` and the orders (`add`, `pause` …) only touch
memory, so that the window may call them at any time.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from app.domain.download import Download, DownloadState
from app.domain.errors import AccessDenied, EdgewiseError, HubBusy, HubUnreachable, StorageError
from app.domain.hub import Variant
from app.domain.transfer_speed import TransferSpeed
from app.domain.variant_record import key_of
from app.models.download_messages import DownloadJob, Failed, Finished, Message, Progress
from app.models.download_process import DownloadProcess
from app.models.download_staging import Staging
from app.storage.checksums import Checksums
from app.storage.download_journal import DownloadJournal, JournalEntry
from app.storage.paths import Paths

RESERVE = 1_000_000_000
"""Bytes that downloads leave free on the disk: systems with a full disk fail in strange ways."""
OFFLINE = "Offline mode is on. It goes on when that is switched off."
CLOSE_PATIENCE_S = 5.0
_POLL_S = 0.2
"""How often the offline switch is looked at."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a download is tried again: after `first_s`, then twice as long each time, up to `longest_s`.

    Waits vary by `jitter` of themselves, so that many who were cut off together do not come back together.
    After `tries` in a row without a new byte it is given up.
    """

    first_s: float = 2.0
    longest_s: float = 60.0
    jitter: float = 0.25
    tries: int = 8

    def wait_s(self, tries: int) -> float:
        """Seconds before the try after `tries` that failed."""
        wait = min(self.longest_s, self.first_s * 2.0 ** (tries - 1))
        return wait * random.uniform(1.0 - self.jitter, 1.0 + self.jitter)


@dataclass(slots=True)
class _Entry:
    """One download in memory; all fields are guarded by the queue's lock."""

    id: int
    key: str
    name: str
    variant: Variant
    added: float
    state: DownloadState = DownloadState.WAITING
    offline: bool = False
    """Paused by the switch, not by a person."""
    done: int = 0
    size: int | None = None
    error: str = ""
    detail: str = ""
    needs_token: bool = False
    process: DownloadProcess | None = None
    speed: TransferSpeed = field(default_factory=TransferSpeed)
    retry_at: float | None = None
    tries: int = 0
    most: int = 0
    """The largest `done` at a failure: more than that is progress."""
    saved: JournalEntry | None = None
    """As the journal has it."""
    looked_at: bool = False
    """Whether the queue's thread saw its latest state."""
    finished: Finished | None = None
    """Its files are in the library; the journal does not know yet."""

    @property
    def over(self) -> bool:
        return self.state is DownloadState.DONE or self.finished is not None


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
        self._entries: dict[int, _Entry] = {}
        self._graves: list[tuple[str, DownloadProcess | None]] = []
        """Cancelled ones, whose folders go when their processes are gone."""
        self._last_id = 0
        self._restore = False
        self._closing = False
        self._changed = threading.Condition()
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
                    self._go_on(entry)
                    return entry.id
            return self._new(key, name, variant, time.time()).id

    def pause(self, id_: int) -> None:
        """Stop it at once; what has arrived stays."""
        with self._changed:
            entry = self._entries.get(id_)
            if entry is None or entry.over:
                return
            self._stop(entry)
            self._to(entry, DownloadState.PAUSED)
            entry.offline, entry.error, entry.detail = False, "", ""

    def resume(self, id_: int) -> None:
        """Go on with one that was paused, failed, or waits for its next try."""
        with self._changed:
            entry = self._entries.get(id_)
            if entry is not None and not entry.over:
                self._go_on(entry)

    retry = resume

    def cancel(self, id_: int) -> None:
        """Stop it, forget it, and delete what has arrived. One that is done is only forgotten."""
        with self._changed:
            entry = self._entries.pop(id_, None)
            if entry is None:
                return
            process, entry.process = entry.process, None
            if process is not None:
                process.kill()
            self._graves.append((entry.key, process))
            self._changed.notify_all()

    forget = cancel

    def snapshot(self) -> tuple[Download, ...]:
        """All downloads as they stand, in the order they were added. Quick."""
        with self._changed:
            now = time.monotonic()
            return tuple(self._download(entry, now) for entry in self._entries.values())

    def wait(self, id_: int, timeout_s: float | None = None) -> Download | None:
        """Block until it does not go on by itself, or for `timeout_s`; where it stands, or None."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or not self._goes_on(id_), timeout_s)
            entry = self._entries.get(id_)
            return None if entry is None else self._download(entry, time.monotonic())

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

    # Below, `_changed` is held unless something else is said.

    def _goes_on(self, id_: int) -> bool:
        entry = self._entries.get(id_)
        return entry is not None and self._download(entry, 0.0).active

    def _new(self, key: str, name: str, variant: Variant, added: float) -> _Entry:
        self._last_id += 1
        entry = _Entry(self._last_id, key, name, variant, added, size=variant.size)
        self._entries[entry.id] = entry
        self._changed.notify_all()
        return entry

    def _go_on(self, entry: _Entry) -> None:
        if entry.state in (DownloadState.RUNNING, DownloadState.VERIFYING, DownloadState.WAITING):
            return
        entry.tries = 0
        entry.offline = False
        self._to(entry, DownloadState.WAITING)
        entry.error, entry.detail, entry.needs_token = "", "", False

    def _to(self, entry: _Entry, state: DownloadState) -> None:
        entry.state = state
        entry.retry_at = None
        entry.speed.clear()
        entry.looked_at = False
        self._changed.notify_all()

    def _stop(self, entry: _Entry) -> None:
        process, entry.process = entry.process, None  # what it still says is not heard
        if process is not None:
            process.kill()

    def _download(self, entry: _Entry, now: float) -> Download:
        running = entry.state is DownloadState.RUNNING
        speed = entry.speed.rate(now) if running else None
        left = None if entry.size is None else max(0, entry.size - entry.done)
        return Download(
            id=entry.id,
            name=entry.name,
            variant=entry.variant,
            state=entry.state,
            done=entry.done,
            size=entry.size,
            speed=speed,
            seconds_left=left / speed if speed and left is not None else None,
            retry_in_s=None if entry.retry_at is None else max(0.0, entry.retry_at - now),
            error=entry.error,
            detail=entry.detail,
            needs_token=entry.needs_token,
        )

    # The queue's thread. Without `_changed`, unless a method's name ends in `_held`.

    def _run(self) -> None:
        told: tuple[tuple[int, DownloadState, str], ...] = ()
        while True:
            with self._changed:
                closing = self._closing
                restore, self._restore = self._restore, False
                graves, self._graves = self._graves, []
            if closing:
                self._finish()
                self._save()
                return
            if restore:
                self._take_up()
            for key, process in graves:
                self._bury(key, process)
            self._obey_the_switch()
            self._finish()
            self._save()
            self._start()
            with self._changed:
                states = tuple((entry.id, entry.state, entry.error) for entry in self._entries.values())
            if states != told:
                told = states
                self._on_change()
            with self._changed:
                self._changed.wait_for(self._something_to_do_held, self._idle_s_held())

    def _something_to_do_held(self) -> bool:
        entries = self._entries.values()
        return bool(
            self._closing or self._restore or self._graves or any(not entry.looked_at for entry in entries)
        )

    def _idle_s_held(self) -> float | None:
        now = time.monotonic()
        waits = [entry.retry_at - now for entry in self._entries.values() if entry.retry_at is not None]
        if any(self._download(entry, now).active or entry.offline for entry in self._entries.values()):
            waits.append(_POLL_S)
        return max(0.0, min(waits)) if waits else None

    def _take_up(self) -> None:
        """Read the journal, sweep away what nobody owns."""
        for key in self._journal.strays():
            if not Staging(self._journal.folder_of(key)).in_use:
                self._journal.forget(key)
        for record in self._journal.entries():
            arrived = Staging(self._journal.folder_of(record.key))
            done = sum(arrived.arrived(index) for index in range(len(record.variant.all_files)))
            with self._changed:
                if any(entry.key == record.key for entry in self._entries.values()):
                    continue
                entry = self._new(record.key, record.name, record.variant, record.added)
                entry.done, entry.saved = done, record
                entry.error, entry.needs_token = record.error, record.needs_token
                if record.error:
                    entry.state = DownloadState.FAILED
                elif record.paused:
                    entry.state = DownloadState.PAUSED

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
                if off and self._download(entry, 0.0).active and entry.finished is None:
                    self._stop(entry)
                    self._to(entry, DownloadState.PAUSED)
                    entry.offline, entry.error, entry.detail = True, OFFLINE, ""
                elif not off and entry.offline:
                    self._go_on(entry)

    def _finish(self) -> None:
        with self._changed:
            ended = [e for e in self._entries.values() if e.finished and e.state is not DownloadState.DONE]
        for entry in ended:
            assert entry.finished is not None
            problem = ""
            checksums = Checksums(self._paths.checksums)
            try:
                for file in entry.finished.files:
                    checksums.add(file.path, file.sha256, file.size)
            except StorageError as error:
                problem = error.detail  # the model is there all the same; it can only not be verified later
            self._journal.forget(entry.key)
            with self._changed:
                entry.done = sum(file.size for file in entry.finished.files)
                entry.size = entry.done
                self._to(entry, DownloadState.DONE)
                entry.error, entry.detail = "", problem

    def _save(self) -> None:
        with self._changed:
            records = [(entry, self._record(entry)) for entry in self._entries.values() if not entry.over]
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
                    if entry.id in self._entries and self._download(entry, 0.0).active:
                        self._stop(entry)
                        self._fail(entry, error)

    def _record(self, entry: _Entry) -> JournalEntry:
        failed = entry.state is DownloadState.FAILED
        return JournalEntry(
            entry.key,
            entry.name,
            entry.variant,
            entry.added,
            paused=entry.state is DownloadState.PAUSED and not entry.offline,
            error=entry.error if failed else "",
            needs_token=entry.needs_token,
        )

    def _start(self) -> None:
        """Start as many as may run, those that were added first."""
        while True:
            with self._changed:
                now = time.monotonic()
                for entry in self._entries.values():
                    if entry.retry_at is not None and entry.retry_at <= now:
                        self._to(entry, DownloadState.WAITING)
                running = sum(entry.process is not None for entry in self._entries.values())
                waiting = [e for e in self._entries.values() if e.state is DownloadState.WAITING]
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

    def _launch(self, entry: _Entry, token: str | None) -> None:
        folder = self._journal.folder_of(entry.key)
        job = DownloadJob(entry.variant, folder, self._paths.models, token, RESERVE)
        with self._changed:
            if entry.state is not DownloadState.WAITING or entry.id not in self._entries or self._closing:
                return  # it was stopped while the token was looked up
            mine: list[DownloadProcess] = []
            try:
                mine.append(DownloadProcess(job, lambda message: self._hear(entry, mine, message)))
            except EdgewiseError as error:
                self._fail(entry, error)
                return
            entry.process = mine[0]
            self._to(entry, DownloadState.RUNNING)
            entry.error, entry.detail = "", ""

    # From a process's thread.

    def _hear(self, entry: _Entry, mine: list[DownloadProcess], message: Message) -> None:
        with self._changed:
            if not mine or entry.process is not mine[0] or self._closing:
                return
            if isinstance(message, Progress):
                self._progress(entry, message)
                return
            entry.process = None
            if isinstance(message, Finished):
                entry.finished = message
                entry.looked_at = False
                self._changed.notify_all()
            elif isinstance(message, Failed):
                self._fail(entry, message.error)

    def _progress(self, entry: _Entry, message: Progress) -> None:
        entry.done = message.done
        if message.size is not None:
            entry.size = message.size
        state = DownloadState.VERIFYING if message.verifying else DownloadState.RUNNING
        if entry.state is not state:
            self._to(entry, state)
        if state is DownloadState.RUNNING:
            entry.speed.add(time.monotonic(), message.done)

    def _fail(self, entry: _Entry, error: EdgewiseError) -> None:
        """Try again later, or give up."""
        if entry.done > entry.most:
            entry.tries, entry.most = 0, entry.done
        entry.tries += 1
        passing = isinstance(error, HubUnreachable | HubBusy)
        if passing and entry.tries < self._patience.tries:
            wait = self._patience.wait_s(entry.tries)
            if isinstance(error, HubBusy) and error.retry_after_s is not None:
                wait = max(wait, error.retry_after_s)
            self._to(entry, DownloadState.RETRYING)
            entry.retry_at = time.monotonic() + wait
        else:
            self._to(entry, DownloadState.FAILED)
        entry.error, entry.detail = error.message, error.detail
        entry.needs_token = isinstance(error, AccessDenied)
