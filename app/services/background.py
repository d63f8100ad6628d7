"""Work away from the window's thread, with its outcome brought back to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QCoreApplication, QObject, QRunnable, Qt, QThreadPool, Signal, Slot

from app.domain.errors import EdgewiseError

T = TypeVar("T")


class Background(QObject):
    """Runs operations on a pool of worker threads. Make it on the window's thread.

    An expected failure goes to `failure`; a bug is raised on the window's thread, where the crash
    handler and the tests see it.
    """

    _outcome = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._finished = False
        self._given_up = False
        self._outcome.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        operation: Callable[[], T],
        success: Callable[[T], None] | None = None,
        failure: Callable[[EdgewiseError], None] | None = None,
    ) -> None:
        """Call `operation` on a worker thread, then `success` or `failure` on the window's.

        Does nothing after `finish`.
        """
        if self._finished:
            return
        self._pool.start(_Job(partial(self._work, operation, success, failure)))

    def finish(self, at_most_ms: int = -1) -> None:
        """Block until all that was started is done and delivered; nothing starts any more.

        With `at_most_ms` what then still runs (a server that does not answer) is given up: nobody is told of
        its outcome.
        """
        self._finished = True
        self._given_up = not self._pool.waitForDone(at_most_ms)
        QCoreApplication.sendPostedEvents(self)

    def _work(
        self,
        operation: Callable[[], T],
        success: Callable[[T], None] | None,
        failure: Callable[[EdgewiseError], None] | None,
    ) -> None:
        deliver: Callable[[], None]
        try:
            value = operation()
        except EdgewiseError as error:
            deliver = partial(failure, error) if failure else partial(_raise, error)
        except BaseException as error:
            deliver = partial(_raise, error)
        else:
            deliver = partial(success, value) if success else _nothing
        if not self._given_up:
            self._outcome.emit(deliver)

    @Slot(object)
    def _deliver(self, deliver: Callable[[], None]) -> None:
        deliver()


class _Job(QRunnable):
    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        self._work()


def _raise(error: BaseException) -> None:
    raise error


def _nothing() -> None:
    pass
