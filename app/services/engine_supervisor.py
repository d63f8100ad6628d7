"""Loads the model a conversation asks for, watches its engine, and says where it stands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.domain.engine import EngineState, EngineStatus
from app.domain.errors import EdgewiseError, EngineStartFailed
from app.domain.generation import Cancellation
from app.domain.metrics import GenerationMetrics
from app.domain.model import LocalModel
from app.engines.base import EngineAdapter
from app.engines.loaded_model import LoadedModel
from app.services.load_record import LoadHistory, LoadRecord
from app.services.loading import Experience, LoadPlan, LoadWishes, load_planned, plan_load


class _Load:
    """One attempt to have one model loaded: from the wish to the end of its process."""

    def __init__(self, model: LocalModel, wishes: LoadWishes) -> None:
        self.model = model
        self.wishes = wishes
        self.cancellation = Cancellation()
        self.outcome: Future[LoadedModel] = Future()
        self.ended = False
        self.record: LoadRecord | None = None
        self.thread: threading.Thread | None = None


class EngineSupervisor(QObject):
    """Keeps at most one model loaded. All methods may be called from any thread.

    `status_changed` carries an `EngineStatus` and is emitted on whatever thread the change happened.
    """

    status_changed = Signal(object)

    def __init__(
        self,
        adapter: EngineAdapter,
        find_model: Callable[[str | None], LocalModel],
        wishes: Callable[[], LoadWishes],
        logs: Path,
        parent: QObject | None = None,
        history: LoadHistory | None = None,
    ) -> None:
        """With a `history`, forecasts are corrected by earlier loads, and new ones are written down."""
        super().__init__(parent)
        self._adapter = adapter
        self._find_model = find_model
        self._wishes = wishes
        self._logs = logs
        self._history = history
        self._lock = threading.Lock()
        self._current: _Load | None = None
        self._closed = False
        self._status = EngineStatus(EngineState.STOPPED, engine=adapter.name)

    @property
    def engine_id(self) -> str:
        """The engine's short name, as stored with messages."""
        return self._adapter.id

    @property
    def status(self) -> EngineStatus:
        """Where the engine stands now."""
        return self._status

    def default_model(self) -> str | None:
        """The model for a conversation that names none; None if there is no model. Reads the disk."""
        try:
            return self._find_model(None).name
        except EdgewiseError:
            return None

    def load(self, name: str | None, *, again: bool = False) -> None:
        """Begin to load the model `name` (None: any); progress comes as status. Reads the disk.

        A model that is loaded or loading stays as it is, unless `again` asks for a fresh start.
        """
        try:
            self._begin(self._find_model(name), again=again)
        except EdgewiseError as error:
            self._set_status(EngineState.FAILED, name, error=error)

    def acquire(self, name: str | None, cancellation: Cancellation) -> LoadedModel:
        """The model `name`, loaded; starts or restarts its engine if need be. Blocks.

        Raises the start's EdgewiseError; EngineStartFailed too when `cancellation` is thrown meanwhile.
        """
        load = self._begin(self._find_model(name), again=False)
        done = threading.Event()
        load.outcome.add_done_callback(lambda _: done.set())
        cancellation.on_cancel(done.set)
        done.wait()
        cancellation.on_cancel(None)
        if not load.outcome.done():
            raise EngineStartFailed("Stopped before the model was loaded.")
        return load.outcome.result()

    def replied(self, loaded: LoadedModel, metrics: GenerationMetrics) -> None:
        """Tell that `loaded` has made a whole reply: it is measured for the ledger. Blocks for a moment."""
        with self._lock:
            load = self._current
        if load is None or load.record is None or not load.outcome.done() or load.outcome.exception():
            return
        if load.outcome.result() is loaded:
            load.record.replied(metrics)

    def read_log(self) -> str:
        """What the running engine wrote so far; after a failed start the log is in `status`."""
        with self._lock:
            load = self._current
        if load is not None and load.outcome.done() and load.outcome.exception() is None:
            return load.outcome.result().process.read_log()
        return self._status.log

    def shut_down(self) -> None:
        """End the engine and refuse new loads. Blocks until its process is gone."""
        with self._lock:
            self._closed = True
            load, self._current = self._current, None
        if load is not None:
            self._end(load)
        self._set_status(EngineState.STOPPED, None)

    def _begin(self, model: LocalModel, *, again: bool) -> _Load:
        wishes = self._wishes()
        with self._lock:
            if self._closed:
                raise EngineStartFailed("Edgewise is closing.")
            old = self._current
            if (
                old is not None
                and not again
                and not old.ended
                and old.model == model
                and old.wishes == wishes
            ):
                return old
            load = self._current = _Load(model, wishes)
            # Started under the lock, so that `_end` of a later load finds a thread to join.
            load.thread = threading.Thread(target=self._run, args=(load, old), name="engine", daemon=True)
            load.thread.start()
        return load

    def _run(self, load: _Load, old: _Load | None) -> None:
        """The life of one load, on its own thread."""
        self._set_status(EngineState.STARTING, load.model.name, of=load)
        if old is not None:
            self._end(old)
        try:
            plan = self._plan(load)
            loaded = load_planned(
                self._adapter, load.model, plan, logs=self._logs, cancellation=load.cancellation
            )
        except EdgewiseError as error:
            load.ended = True
            self._set_status(EngineState.FAILED, load.model.name, of=load, error=error)
            load.outcome.set_exception(error)
            return
        except BaseException as bug:
            load.ended = True
            load.outcome.set_exception(bug)
            raise
        load.outcome.set_result(loaded)
        load.cancellation.on_cancel(loaded.stop)
        self._set_status(EngineState.READY, load.model.name, of=load, context_length=loaded.context_length)
        if self._history is not None:
            load.record = self._history.begin(plan, loaded)  # nobody waits for this
        status = loaded.process.wait()
        load.ended = True
        if not load.cancellation.cancelled:
            gone = EngineStartFailed(
                f"{self._adapter.name} stopped unexpectedly (exit status {status}). Start it again.",
                detail=loaded.process.read_log(),
            )
            self._set_status(EngineState.FAILED, load.model.name, of=load, error=gone)
        loaded.stop()

    def _plan(self, load: _Load) -> LoadPlan:
        experience = self._history.experience() if self._history is not None else Experience()
        return plan_load(load.model, load.wishes, engine=self._adapter.id, experience=experience)

    def _end(self, load: _Load) -> None:
        load.cancellation.cancel()
        if load.thread is not None:
            load.thread.join()

    def _set_status(
        self,
        state: EngineState,
        model: str | None,
        *,
        of: _Load | None = None,
        context_length: int | None = None,
        error: EdgewiseError | None = None,
    ) -> None:
        with self._lock:
            if of is not None and of is not self._current:
                return  # somebody wants another model by now
            self._status = EngineStatus(
                state,
                model=model,
                engine=self._adapter.name,
                context_length=context_length,
                error=error.message if error else "",
                log=error.detail if error else "",
            )
            status = self._status
        self.status_changed.emit(status)
