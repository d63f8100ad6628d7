"""One engine of this machine: its model, its process, and the replies in progress. No Qt here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.engine import EngineState, EngineStatus, LoadWishes
from app.domain.errors import EdgewiseError, EngineStartFailed, WouldNotFit
from app.domain.generation import Cancellation
from app.domain.model import LocalModel

if TYPE_CHECKING:  # all that a load needs is imported once there is one
    from app.engines.base import EngineAdapter, ReadyModel
    from app.engines.loaded_model import LoadedModel
    from app.engines.process import EngineProcess
    from app.services.load_record import LoadHistory, LoadRecord
    from app.services.loading import LoadPlan

READY_FOR_A_WHILE_S = 30.0
"""An engine that ends sooner than this after it was ready would end again: it is not started by itself."""
BACK_OFF_S = 1.0
"""Before an engine that ended is started again: the system may have to tidy up after it."""

_AGAIN = "starting again after it stopped unexpectedly"


class Load:
    """One attempt to have one model loaded: from the wish to the end of its process.

    `outcome` has the model once it is ready, or why it is not. `replies` counts who holds it.
    """

    def __init__(
        self, model: LocalModel, wishes: LoadWishes, *, force: bool = False, restarted: bool = False
    ) -> None:
        self.model = model
        self.wishes = wishes
        self.force = force
        self.restarted = restarted
        self.cancellation = Cancellation()
        self.outcome: Future[LoadedModel] = Future()
        self.ended = False
        self.replies = 0
        self.ready_at: float | None = None
        self.idle_since: float | None = None
        self.expected = 0
        """Bytes of main memory that it will take, once they are reckoned."""
        self.process: EngineProcess | None = None
        self.record: LoadRecord | None = None
        self.thread: threading.Thread | None = None

    def loaded(self) -> LoadedModel | None:
        """The model, if it is ready or was."""
        return self.outcome.result() if self.outcome.done() and not self.outcome.exception() else None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs of its manager. All are called on the run's threads.

    `plan` says how to load a model, once there is room for it, and raises an EdgewiseError. `changed` hears
    of every status. `clock` counts seconds.
    """

    plan: Callable[[EngineRun, Load], LoadPlan]
    changed: Callable[[EngineStatus], None]
    logs: Path
    clock: Callable[[], float]
    history: LoadHistory | None = None


class EngineRun:
    """The state machine of one engine, which has at most one model loaded. Any thread may call."""

    def __init__(self, adapter: EngineAdapter, around: Surroundings, *, installed: bool = True) -> None:
        self.adapter = adapter
        self.id = adapter.id
        self._around = around
        self._lock = threading.Lock()
        self._telling = threading.RLock()
        """Held while a status is set and told, so that they are heard in order."""
        self._current: Load | None = None
        self._closed = False
        self._rest = EngineState.STOPPED if installed else EngineState.ABSENT
        self._status = self._at_rest()

    @property
    def status(self) -> EngineStatus:
        """Where it stands now."""
        return self._status

    @property
    def idle_since(self) -> float | None:
        """When its model was last used (of the clock); None while it is used or nothing is loaded."""
        with self._lock:
            load = self._current
            usable = load is not None and not load.ended and load.ready_at is not None and not load.replies
            return load.idle_since if load is not None and usable else None

    @property
    def process(self) -> EngineProcess | None:
        """What runs now, or is being started."""
        with self._lock:
            load = self._current
            return load.process if load is not None and not load.ended else None

    @property
    def starting(self) -> Load | None:
        """The load that is on its way to be ready."""
        with self._lock:
            load = self._current
            return load if load is not None and not load.ended and load.ready_at is None else None

    def begin(
        self,
        model: LocalModel,
        wishes: LoadWishes,
        *,
        again: bool = False,
        force: bool = False,
        hold: bool = False,
        polite: bool = False,
    ) -> Load:
        """Begin to load `model`; one that is loaded or loading like this stays, unless `again`.

        With `force` it is loaded even if the forecast says that it does not fit, from then on. With `hold` it
        is kept for a reply until `let_go`. If `polite`, another model that is held so stays. Raises
        EngineStartFailed once closed.
        """
        with self._lock:
            if self._closed:
                raise EngineStartFailed("Edgewise is closing.")
            load = self._current
            same = load is not None and not load.ended and (load.model, load.wishes) == (model, wishes)
            kept = load is not None and not load.ended and polite and load.replies > 0
            if load is None or again or not (same or kept):
                insisted = load is not None and load.force and (load.model, load.wishes) == (model, wishes)
                load = self._replace(Load(model, wishes, force=force or insisted))
            if hold:
                load.replies += 1
        if hold:
            self._tell_replies(load)
        return load

    def let_go(self, load: Load) -> None:
        """A reply is made, or will not be: the counterpart of `hold`."""
        with self._lock:
            load.replies -= 1
            load.idle_since = self._around.clock()
        self._tell_replies(load)

    def load_of(self, model: ReadyModel) -> Load | None:
        """The load that made `model`, if it is still the one there is."""
        with self._lock:
            load = self._current
        return load if load is not None and load.loaded() is model else None

    def unload(self, *, only_idle: bool = False) -> bool:
        """End its model; whether there was one. `only_idle` spares one in use or being loaded. Blocks."""
        with self._lock:
            load = self._current
            if load is None or (only_idle and (load.replies or load.ready_at is None)):
                return False
            self._current = None
        self._end(load)
        self._tell(None, self._at_rest())
        return True

    def close(self) -> None:
        """End its model, for good. Blocks."""
        with self._lock:
            self._closed = True
        if not self.unload():
            self._tell(None, self._at_rest())

    def fail(self, name: str | None, error: EdgewiseError) -> None:
        """Tell that the model `name` could not even be looked for."""
        with self._lock:
            load = self._current
        self._tell(load, self._failure(name, error))

    def set_environment(self, state: EngineState) -> None:
        """How its environment stands: ABSENT, INSTALLING, or STOPPED when it is there. Told while at rest."""
        with self._lock:
            self._rest = state
            resting = self._current is None or self._current.ended
            load = self._current
        if resting and (self._status.state is not EngineState.FAILED or state is EngineState.INSTALLING):
            self._tell(load, self._at_rest())

    def set_memory(self, memory: int | None, gpu_memory: int | None) -> None:
        """What its processes take now, in bytes."""
        with self._telling:
            with self._lock:
                load = self._current
            if (self._status.memory, self._status.gpu_memory) != (memory, gpu_memory):
                self._tell(load, replace(self._status, memory=memory, gpu_memory=gpu_memory))

    def read_log(self) -> str:
        """What its process wrote so far; after a failed start that log."""
        process = self.process
        return process.read_log() if process is not None else self._status.log

    # One load's life, on its own thread

    def _replace(self, load: Load) -> Load:
        """Holding the lock: from now on `load` is wanted, and the one before ends."""
        old, self._current = self._current, load
        # Started under the lock, so that `_end` of a later load finds a thread to join.
        load.thread = threading.Thread(target=self._run, args=(load, old), name="engine", daemon=True)
        load.thread.start()
        return load

    def _run(self, load: Load, old: Load | None) -> None:
        words = _AGAIN if load.restarted else ""
        self._tell(load, self._of(EngineState.STARTING, load.model.name, progress=words))
        if old is not None:
            self._end(old)
        try:
            loaded = self._start(load)
        except EdgewiseError as error:
            load.ended = True
            self._tell(load, self._failure(load.model.name, error))
            load.outcome.set_exception(error)
            return
        except BaseException as bug:
            load.ended = True
            load.outcome.set_exception(bug)
            raise
        status = loaded.process.wait()
        with self._lock:
            load.ended = True
        if not load.cancellation.cancelled:
            self._crashed(load, loaded, status)
        loaded.stop()

    def _start(self, load: Load) -> LoadedModel:
        from app.services.loading import load_planned

        around = self._around
        if load.restarted:
            woken = threading.Event()
            load.cancellation.on_cancel(woken.set)
            woken.wait(BACK_OFF_S)
            load.cancellation.on_cancel(None)
        plan = around.plan(self, load)
        load.expected = plan.main_memory

        def tell(process: EngineProcess) -> None:
            load.process = process
            words = self.adapter.start_progress(process.read_log())
            self._tell(load, self._of(EngineState.STARTING, load.model.name, progress=words))

        loaded = load_planned(
            self.adapter,
            load.model,
            plan,
            logs=around.logs,
            cancellation=load.cancellation,
            on_wait=tell,
        )
        with self._lock:
            load.process = loaded.process
            load.ready_at = load.idle_since = around.clock()
            load.outcome.set_result(loaded)
        load.cancellation.on_cancel(loaded.stop)
        self._tell_replies(load)
        if around.history is not None:
            load.record = around.history.begin(plan, loaded)  # nobody waits for this
        return loaded

    def _crashed(self, load: Load, loaded: LoadedModel, status: int) -> None:
        gone = EngineStartFailed(
            f"{self.adapter.name} stopped unexpectedly (exit status {status}). Start it again.",
            detail=loaded.process.read_log(),
        )
        with self._lock:
            lasted = self._around.clock() - (load.ready_at or 0.0)
            again = (
                self._current is load
                and not self._closed
                and not load.restarted
                and lasted >= READY_FOR_A_WHILE_S
            )
            if again:
                self._replace(Load(load.model, load.wishes, force=load.force, restarted=True))
        if not again:
            self._tell(load, self._failure(load.model.name, gone))

    def _end(self, load: Load) -> None:
        load.cancellation.cancel()
        if load.thread is not None:
            load.thread.join()

    # What is told

    def _tell(self, load: Load | None, status: EngineStatus) -> None:
        """Tell the status of `load`, unless another model is wanted by now."""
        with self._telling:
            with self._lock:
                if load is not self._current:
                    return
                told = status != self._status
                self._status = status
            if told:
                self._around.changed(status)

    def _tell_replies(self, load: Load) -> None:
        with self._telling:
            with self._lock:
                loaded = load.loaded()
                if loaded is None or load.ended:
                    return
                replies = load.replies
            status = self._of(
                EngineState.BUSY if replies else EngineState.READY,
                load.model.name,
                context_length=loaded.context_length,
                replies=replies,
            )
            self._tell(load, replace(status, memory=self._status.memory, gpu_memory=self._status.gpu_memory))

    def _of(
        self,
        state: EngineState,
        model: str | None,
        *,
        context_length: int | None = None,
        progress: str = "",
        replies: int = 0,
    ) -> EngineStatus:
        return EngineStatus(
            state,
            model=model,
            engine=self.adapter.name,
            engine_id=self.id,
            context_length=context_length,
            progress=progress,
            replies=replies,
        )

    def _at_rest(self) -> EngineStatus:
        return self._of(self._rest, None)

    def _failure(self, model: str | None, error: EdgewiseError) -> EngineStatus:
        return replace(
            self._of(EngineState.FAILED, model),
            error=error.message,
            log=error.detail,
            can_force=isinstance(error, WouldNotFit),
        )
