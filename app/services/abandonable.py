"""Waiting that can be given up: a hub that does not answer must not keep the app from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from app.domain.errors import Offline

T = TypeVar("T")

STEP_S = 0.5


class Abandonable:
    """Runs operations that block on the network. Any thread may call.

    Each runs on a thread of its own, which the interpreter does not wait for when it ends: what the network
    holds up cannot be interrupted, only left alone. So no operation here may write anything.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._closed = False

    def run(self, operation: Callable[[], T]) -> T:
        """What `operation` returns or raises. Raises `Offline` once `close` was called."""
        work = _Work(operation, self._changed)
        with self._changed:
            if not self._closed:
                threading.Thread(target=work.run, name="hub", daemon=True).start()
            # In steps: on Windows Ctrl+C comes through between two of them only.
            while not self._changed.wait_for(lambda: work.done or self._closed, STEP_S):
                pass
            if not work.done:
                raise Offline("Edgewise is ending, so the hub is not waited for.")
        return work.outcome()

    def close(self) -> None:
        """Leave all that is waited for, and begin nothing any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class _Work(Generic[T]):
    def __init__(self, operation: Callable[[], T], changed: threading.Condition) -> None:
        self._operation = operation
        self._changed = changed
        self._value: list[T] = []
        self._error: BaseException | None = None
        self.done = False

    def run(self) -> None:
        try:
            self._value.append(self._operation())
        except BaseException as error:
            self._error = error
        with self._changed:
            self.done = True
            self._changed.notify_all()

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value[0]
