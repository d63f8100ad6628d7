"""Answers to a question that is asked again and again, as by a slider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.domain.errors import EdgewiseError
from app.services.background import Background

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Ask(Generic[T]):
    operation: Callable[[], T]
    success: Callable[[T], None]
    failure: Callable[[EdgewiseError], None]
    era: int


class Latest(Generic[T]):
    """One question is worked on at a time, and of those asked meanwhile only the newest comes after it.

    So answers come in the order of their questions and the last one is always given. Lives on the window's
    thread.
    """

    def __init__(self, background: Background) -> None:
        self._background = background
        self._waiting: _Ask[T] | None = None
        self._busy = False
        self._era = 0

    def ask(
        self,
        operation: Callable[[], T],
        success: Callable[[T], None],
        failure: Callable[[EdgewiseError], None],
    ) -> None:
        """Call `operation` on a worker thread when its turn comes, then `success` or `failure`."""
        self._waiting = _Ask(operation, success, failure, self._era)
        if not self._busy:
            self._begin()

    def forget(self) -> None:
        """The matter is another one now: no answer to what was asked until here is wanted."""
        self._era += 1
        self._waiting = None

    def _begin(self) -> None:
        ask, self._waiting = self._waiting, None
        if ask is None:
            return
        self._busy = True

        def operation() -> Callable[[], None]:
            try:
                value = ask.operation()
            except EdgewiseError as error:
                failure = error
                return lambda: ask.failure(failure)
            except BaseException as error:
                bug = error
                return lambda: _raise(bug)  # once the next question has been taken up
            return lambda: ask.success(value)

        self._background.run(operation, lambda tell: self._deliver(ask, tell))

    def _deliver(self, ask: _Ask[T], tell: Callable[[], None]) -> None:
        self._busy = False
        try:
            if ask.era == self._era:
                tell()
        finally:
            self._begin()


def _raise(error: BaseException) -> None:
    raise error
