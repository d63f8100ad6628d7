"""One cancel, heard by everything that a running test consists of at that moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.domain.errors import Cancelled
from app.domain.generation import Cancellation

STOPPED = "The speed test was stopped."


class Interruption:
    """Shares a `Cancellation`, which wakes a single listener, among several. Any thread may call."""

    def __init__(self, cancellation: Cancellation) -> None:
        """From now on `cancellation` is heard here; nobody else may register with it."""
        self._cancellation = cancellation
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._thrown = threading.Event()
        cancellation.on_cancel(self._wake)

    @property
    def thrown(self) -> bool:
        """Whether the switch was thrown."""
        return self._cancellation.cancelled

    def check(self) -> None:
        """Raise Cancelled if the switch was thrown."""
        if self._cancellation.cancelled:
            raise Cancelled(STOPPED)

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass. Raises Cancelled as soon as the switch is thrown."""
        if self._thrown.wait(seconds):
            raise Cancelled(STOPPED)
        self.check()

    @contextmanager
    def heard_by(self, listener: Callable[[], None]) -> Iterator[None]:
        """While this lasts, a cancel calls `listener` on a thread of its own, or at once if it was before.

        Whoever cancels is the window's thread perhaps: it waits for nobody.
        """
        with self._lock:
            self._listeners.append(listener)
            late = self._thrown.is_set()
        if late:
            _call([listener])
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(listener)

    @contextmanager
    def part(self) -> Iterator[Cancellation]:
        """A `Cancellation` for one part of the work, thrown with the whole. Raises Cancelled if it was."""
        self.check()
        part = Cancellation()
        with self.heard_by(part.cancel):
            yield part

    def _wake(self) -> None:
        with self._lock:
            self._thrown.set()
            listeners = list(self._listeners)
        _call(listeners)


def _call(listeners: list[Callable[[], None]]) -> None:
    for listener in listeners:
        threading.Thread(target=listener, name="speed-test-cancel", daemon=True).start()
