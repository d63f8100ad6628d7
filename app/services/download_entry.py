"""One download of the queue: the states it goes through, and how often it is tried again.

Nothing here waits, writes or starts anything. `app.services.download_queue` guards it with its lock.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from app.domain.download import Download, DownloadState
from app.domain.errors import AccessDenied, EdgewiseError, HubBusy, HubUnreachable, TokenRefused
from app.domain.hub import Variant
from app.domain.transfer_speed import TransferSpeed
from app.models.download_messages import Finished, Progress
from app.models.download_process import DownloadProcess
from app.storage.download_journal import JournalEntry

OFFLINE = "Offline mode is on. It goes on when that is switched off."


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
class DownloadEntry:
    """A download in memory. Times are of the monotonic clock, but for `added`."""

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
    token_refused: bool = False
    process: DownloadProcess | None = None
    """Its worker, while it has one; what any other still says is not heard."""
    retry_at: float | None = None
    finished: Finished | None = None
    """Its files are in the library."""
    saved: JournalEntry | None = None
    """As the journal has it."""
    looked_at: bool = False
    """Whether the queue's thread saw its latest state."""
    _speed: TransferSpeed = field(default_factory=TransferSpeed)
    _tries: int = 0
    _most: int = 0
    """The largest `done` at a failure: more than that is progress."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to be fetched."""
        return self.finished is not None

    @property
    def active(self) -> bool:
        """Whether it goes on by itself."""
        return self.state in (
            DownloadState.WAITING, DownloadState.RUNNING, DownloadState.VERIFYING, DownloadState.RETRYING,
        )  # fmt: skip

    def take_up(self, record: JournalEntry, done: int) -> None:
        """Be what the journal says; `done` bytes lie there."""
        self.saved, self.done = record, done
        self.error, self.needs_token = record.error, record.needs_token
        if record.error:
            self.state = DownloadState.FAILED
        elif record.paused:
            self.state = DownloadState.PAUSED

    def go_on(self) -> None:
        """Wait for a worker, unless it does or has one."""
        if self.state not in (DownloadState.WAITING, DownloadState.RUNNING, DownloadState.VERIFYING):
            self._tries = 0
            self._to(DownloadState.WAITING)

    def try_again(self, now: float) -> None:
        """Wait for a worker, if the time for that has come."""
        if self.retry_at is not None and self.retry_at <= now:
            self._to(DownloadState.WAITING, self.error, self.detail)

    def run(self, process: DownloadProcess) -> None:
        """Run in `process`."""
        self.process = process
        self._to(DownloadState.RUNNING)

    def pause(self) -> None:
        """Stop, because a person says so."""
        self.stop()
        self._to(DownloadState.PAUSED)

    def hold(self) -> None:
        """Stop, because the offline switch is set."""
        self.stop()
        self._to(DownloadState.PAUSED, OFFLINE)
        self.offline = True

    def stop(self) -> None:
        """End the worker, if there is one."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()

    def hear(self, progress: Progress) -> None:
        """Take over how far its worker is."""
        self.done = progress.done
        if progress.size is not None:
            self.size = progress.size
        state = DownloadState.VERIFYING if progress.verifying else DownloadState.RUNNING
        if self.state is not state:
            self._to(state)
        if state is DownloadState.RUNNING:
            self._speed.add(time.monotonic(), progress.done)

    def fail(self, error: EdgewiseError, patience: Patience) -> None:
        """Be tried again later, or given up."""
        self.process = None
        if self.done > self._most:
            self._tries, self._most = 0, self.done
        self._tries += 1
        if isinstance(error, HubUnreachable | HubBusy) and self._tries < patience.tries:
            wait = patience.wait_s(self._tries)
            if isinstance(error, HubBusy) and error.retry_after_s is not None:
                wait = max(wait, error.retry_after_s)
            self._to(DownloadState.RETRYING, error.message, error.detail)
            self.retry_at = time.monotonic() + wait
        else:
            self._to(DownloadState.FAILED, error.message, error.detail)
            self.needs_token = isinstance(error, AccessDenied)
            self.token_refused = isinstance(error, TokenRefused)

    def arrive(self, finished: Finished) -> None:
        """Be in the library; it is done once the journal knows, too."""
        self.process = None
        self.finished = finished
        self.looked_at = False

    def end(self, detail: str) -> None:
        """Be done."""
        assert self.finished is not None
        self.done = self.size = sum(file.size for file in self.finished.files)
        self._to(DownloadState.DONE, detail=detail)

    def as_download(self, now: float) -> Download:
        """What others see of it."""
        speed = self._speed.rate(now) if self.state is DownloadState.RUNNING else None
        left = None if self.size is None else max(0, self.size - self.done)
        return Download(
            id=self.id,
            name=self.name,
            variant=self.variant,
            state=self.state,
            done=self.done,
            size=self.size,
            speed=speed,
            seconds_left=left / speed if speed and left is not None else None,
            retry_in_s=None if self.retry_at is None else max(0.0, self.retry_at - now),
            error=self.error,
            detail=self.detail,
            needs_token=self.needs_token,
            token_refused=self.token_refused,
        )

    def as_record(self) -> JournalEntry:
        """What the journal keeps of it: no detail, which may tell more than a file should."""
        return JournalEntry(
            self.key,
            self.name,
            self.variant,
            self.added,
            paused=self.state is DownloadState.PAUSED and not self.offline,
            error=self.error if self.state is DownloadState.FAILED else "",
            needs_token=self.needs_token,
        )

    def _to(self, state: DownloadState, error: str = "", detail: str = "") -> None:
        self.state, self.error, self.detail = state, error, detail
        self.needs_token = self.token_refused = self.offline = self.looked_at = False
        self.retry_at = None
        self._speed.clear()
