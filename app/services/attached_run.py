"""A server that somebody else runs: there is nothing to start, to end or to measure. No Qt here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.engine import EngineState, EngineStatus
from app.domain.errors import EdgewiseError, EngineStartFailed
from app.domain.generation import Cancellation

if TYPE_CHECKING:
    from app.engines.base import AttachedEngine, ReadyModel


class AttachedRun:
    """The state of one attached server, as `EngineRun` has that of an engine. Any thread may call."""

    def __init__(self, engine: AttachedEngine, changed: Callable[[EngineStatus], None]) -> None:
        """`changed` hears of every status."""
        self.engine = engine
        self.id = engine.id
        self._changed = changed
        self._lock = threading.Lock()
        self._telling = threading.RLock()
        self._model: ReadyModel | None = None
        self._held: list[ReadyModel] = []
        self._attempt = Cancellation()
        self._status = self._of(EngineState.STOPPED)

    @property
    def status(self) -> EngineStatus:
        """Where it stands now."""
        return self._status

    def acquire(self, name: str | None, cancellation: Cancellation, *, again: bool = False) -> ReadyModel:
        """The model `name`, kept for a reply until `release`. Asks the server, unless it was asked before."""
        with self._lock:
            model = self._model
        if model is None or again or (name is not None and model.name != name):
            model = self.connect(name, cancellation)
        with self._lock:
            self._held.append(model)
        self._tell_replies(model)
        return model

    def connect(self, name: str | None, cancellation: Cancellation) -> ReadyModel:
        """Ask the server for the model `name`. Blocks; raises what the server's engine raises."""
        with self._lock:
            self._attempt = cancellation
        self._tell(replace(self._of(EngineState.STARTING, name), progress="asking the server"))
        try:
            model = self.engine.connect(name, cancellation)
        except EdgewiseError as error:
            self.fail(name, error)
            raise
        if cancellation.cancelled:
            stopped = EngineStartFailed("Stopped before the server had answered.")
            self.fail(name, stopped)
            raise stopped
        with self._lock:
            self._model = model
        self._tell_replies(model)
        return model

    def release(self, model: ReadyModel) -> bool:
        """A reply is made, or will not be; whether `model` is of this server."""
        with self._lock:
            if model not in self._held:
                return False
            self._held.remove(model)
        self._tell_replies(model)
        return True

    def fail(self, name: str | None, error: EdgewiseError) -> None:
        """Tell that the model `name` cannot be had."""
        with self._lock:
            self._model = None
        self._tell(replace(self._of(EngineState.FAILED, name), error=error.message, log=error.detail))

    def unload(self, *, only_idle: bool = False) -> bool:
        """Forget what was asked of it, unless `only_idle` and it is used; whether there was something."""
        with self._lock:
            if self._model is None or (only_idle and self._held):
                return False
            self._model = None
        self._tell(self._of(EngineState.STOPPED))
        return True

    def close(self) -> None:
        """Ask nothing any more."""
        with self._lock:
            attempt = self._attempt
        attempt.cancel()
        self.unload()

    def _tell(self, status: EngineStatus) -> None:
        with self._telling:
            self._status = status
            self._changed(status)

    def _tell_replies(self, model: ReadyModel) -> None:
        with self._telling:
            with self._lock:
                if self._model is not model:
                    return
                replies = self._held.count(model)
            state = EngineState.BUSY if replies else EngineState.READY
            status = self._of(state, model.name)
            self._tell(replace(status, context_length=model.context_length, replies=replies))

    def _of(self, state: EngineState, model: str | None = None) -> EngineStatus:
        engine = self.engine
        return EngineStatus(state, model, engine.name, engine_id=engine.id, remote=engine.remote)
