"""All engines, several at once: loads the models that are asked for, and says where each engine stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.domain.engine import EngineState, EngineStatus, LoadWishes
from app.domain.errors import EdgewiseError, EngineMissing, EngineStartFailed
from app.domain.generation import Cancellation
from app.domain.machine import Gpu
from app.domain.metrics import GenerationMetrics
from app.domain.model import LocalModel
from app.services.attached_run import AttachedRun
from app.services.engine_choice import best_engine, choices
from app.services.engine_run import EngineRun, Load, Surroundings

if TYPE_CHECKING:  # all that a load needs is imported once there is one
    from app.engines.base import AttachedEngine, EngineAdapter, ReadyModel
    from app.services.engine_choice import ModelChoice
    from app.services.load_record import LoadHistory
    from app.services.loading import LoadPlan

IDLE_CHECK_S = 30.0

Run = EngineRun | AttachedRun


class EngineSupervisor(QObject):
    """Keeps at most one model loaded in each engine. All methods may be called from any thread.

    `status_changed` carries an `EngineStatus` and is emitted on whatever thread the change happened.
    """

    status_changed = Signal(object)

    def __init__(
        self,
        adapters: Callable[[], Sequence[EngineAdapter]],
        find_model: Callable[[str | None], LocalModel],
        wishes: Callable[[str], LoadWishes],
        logs: Path,
        parent: QObject | None = None,
        history: LoadHistory | None = None,
        *,
        attached: Callable[[], Sequence[AttachedEngine]] = lambda: (),
        installed: Callable[[str], bool] = lambda _: True,
        preferred: Callable[[str], str | None] = lambda _: None,
        idle_minutes: Callable[[], float | None] = lambda: None,
        gpus: Callable[[EngineAdapter], Sequence[Gpu]] = lambda _: (),
        rank: Callable[[EngineAdapter], int] = lambda _: 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`adapters` and `attached` name the engines, once they are needed; `wishes` are those for an engine.

        With a `history`, forecasts are corrected by earlier loads, and new ones are written down. `installed`
        tells whether an environment is there, `preferred` the engine that a person chose last for a format,
        `gpus` those that an engine's build computes on, `rank` which of several is taken (`best_engine`).
        A model that was not used for `idle_minutes` is unloaded (None: never), unless its engine is the one
        in use. `clock` counts seconds.
        """
        super().__init__(parent)
        self._adapters = adapters
        self._find_model = find_model
        self._wishes = wishes
        self._history = history
        self._attached = attached
        self._installed = installed
        self._preferred = preferred
        self._idle_minutes = idle_minutes
        self._gpus = gpus
        self._rank = rank
        self._clock = clock
        self._around = Surroundings(self._plan, self.status_changed.emit, logs, clock, history)
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._planning = threading.Lock()
        self._runs: dict[str, EngineRun] | None = None
        self._servers: dict[str, AttachedRun] = {}
        self._in_use = ""
        self._refusal: EngineStatus | None = None
        self._closing = threading.Event()

    # What stands where

    @property
    def status(self) -> EngineStatus:
        """Where the engine stands that the open conversation speaks with, or why it has none."""
        if self._refusal is not None:
            return self._refusal
        run = self._known(self._in_use)
        return run.status if run is not None else EngineStatus(EngineState.STOPPED)

    def status_of(self, engine: str) -> EngineStatus:
        """Where one engine stands. One that is not known is a KeyError."""
        return self._run(engine).status

    def statuses(self) -> tuple[EngineStatus, ...]:
        """Where each engine stands, in the order of the registry; attached servers last."""
        return tuple(run.status for run in self.runs())

    def runs(self) -> tuple[Run, ...]:
        """All engines, in the same order."""
        return (*self._local().values(), *self._remote().values())

    def read_log(self, engine: str | None = None) -> str:
        """What the engine (None: the one in use) wrote so far; after a failed start that log."""
        if engine is None and self._refusal is not None:
            return self._refusal.log
        run = self._known(engine or self._in_use)
        if isinstance(run, EngineRun):
            return run.read_log()
        return run.status.log if run is not None else ""

    # What there is to choose from

    def default_model(self) -> str | None:
        """The model for a conversation that names none; None if there is no model. Reads the disk."""
        try:
            return self._find_model(None).name
        except EdgewiseError:
            return None

    def engine_for(self, name: str | None, engine: str | None) -> str:
        """The engine that a conversation's next reply is made by, as stored with it. Reads the disk."""
        if engine is not None:
            return engine
        try:
            return self._best(self._find_model(name)).id
        except EdgewiseError:  # the reply says what is wrong
            return next(iter(self._local()), "")

    def usable(self) -> list[EngineAdapter]:
        """The engines of this machine that are installed. Reads the disk."""
        return [run.adapter for run in self._local().values() if self._is_there(run.adapter)]

    def model_choices(self, models: Sequence[LocalModel]) -> list[ModelChoice]:
        """What a person may choose: each model with each engine that takes it. Reads the disk."""
        servers = [run.engine for run in self._remote().values()]
        return choices(models, self.usable(), self._preferred, servers, self._rank)

    # What is wanted

    def load(
        self,
        name: str | None,
        engine: str | None = None,
        *,
        again: bool = False,
        force: bool = False,
        in_view: bool = False,
    ) -> None:
        """Begin to load the model `name` (None: any); progress comes as status. Reads the disk.

        `engine` None is the best one for the model. A model that is loaded or loading stays as it is, and
        so does another one that makes a reply, unless `again` asks for a fresh start. With `force` it is
        loaded even where the forecast says that it does not fit. `in_view`: it is what the open conversation
        speaks with, so that its engine's status is `status`, and no other engine's.
        """
        shown = in_view or not self._in_use
        if engine is not None and engine in self._remote():
            self._look_at(engine, shown=shown)
            self._connect(engine, name, again=again)
            return
        try:
            run, model = self._wanted(name, engine)
        except EdgewiseError as error:
            self._refuse(name, engine, error, shown=shown)
            return
        self._look_at(run.id, shown=shown)
        try:
            run.begin(model, self._wishes(run.id), again=again, force=force, polite=not again)
        except EdgewiseError as error:
            run.fail(name, error)

    def acquire(self, name: str | None, engine: str | None, cancellation: Cancellation) -> ReadyModel:
        """The model `name`, loaded; starts or restarts its engine if need be. Blocks.

        It stays until it is given to `release`. Raises the start's EdgewiseError; EngineStartFailed too when
        `cancellation` is thrown meanwhile.
        """
        if engine is not None and engine in self._remote():
            self._in_use = self._in_use or engine
            return self._remote()[engine].acquire(name, cancellation)
        run, model = self._wanted(name, engine)
        self._in_use = self._in_use or run.id
        load = run.begin(model, self._wishes(run.id), hold=True)
        done = threading.Event()
        load.outcome.add_done_callback(lambda _: done.set())
        cancellation.on_cancel(done.set)
        done.wait()
        cancellation.on_cancel(None)
        try:
            if not load.outcome.done():
                raise EngineStartFailed("Stopped before the model was loaded.")
            return load.outcome.result()
        except BaseException:
            run.let_go(load)
            raise

    def release(self, model: ReadyModel) -> None:
        """A reply of `model` has ended, or will not be made."""
        for run in self._started():
            if (load := run.load_of(model)) is not None:
                run.let_go(load)
                return
        for server in self._servers.values():
            server.release(model)

    def replied(self, model: ReadyModel, metrics: GenerationMetrics) -> None:
        """`model` has made a whole reply: it is measured for the ledger. Blocks for a moment."""
        for run in self._started():
            if (load := run.load_of(model)) is not None and load.record is not None:
                load.record.replied(metrics)

    def unload(self, engine: str) -> None:
        """End the engine's model, whether it is used or not. Blocks until its process is gone."""
        self._run(engine).unload()

    def restart(self, engine: str) -> None:
        """Load again what the engine has or had loaded last. Reads the disk."""
        self.load(self.status_of(engine).model, engine, again=True)

    def unload_idle(self) -> None:
        """Unload what nobody used for longer than is set. Blocks until it is gone."""
        minutes = self._idle_minutes()
        if minutes is None:
            return
        for run in self._started():
            since = run.idle_since
            if run.id != self._in_use and since is not None and self._clock() - since >= minutes * 60:
                run.unload(only_idle=True)

    def environment_changed(self, engine: str, state: EngineState) -> None:
        """An engine's environment is ABSENT, INSTALLING, or there (STOPPED)."""
        run = self._local().get(engine)
        if run is not None:
            run.set_environment(state)

    def shut_down(self) -> None:
        """End all engines and refuse new loads. Blocks until their processes are gone."""
        with self._making:
            self._closing.set()
        runs: list[Run] = [*self._started(), *self._servers.values()]
        threads = [threading.Thread(target=run.close, name="engine end") for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # Helpers

    def _local(self) -> dict[str, EngineRun]:
        with self._making:
            if self._runs is None:
                self._runs = {
                    adapter.id: EngineRun(adapter, self._around, installed=self._is_there(adapter))
                    for adapter in self._adapters()
                }
                if self._closing.is_set():
                    for run in self._runs.values():
                        run.close()
                else:
                    threading.Thread(target=self._watch_idle, name="idle engines", daemon=True).start()
            return self._runs

    def _started(self) -> list[EngineRun]:
        return list((self._runs or {}).values())

    def _remote(self) -> dict[str, AttachedRun]:
        with self._lock:
            engines = {engine.id: engine for engine in self._attached()}
            gone = [self._servers.pop(id_) for id_ in self._servers.keys() - engines.keys()]
            for id_, engine in engines.items():
                if id_ not in self._servers or self._servers[id_].engine != engine:
                    self._servers[id_] = AttachedRun(engine, self.status_changed.emit)
            servers = dict(self._servers)
        for run in gone:  # whoever hears of it may ask us something
            run.close()
        return servers

    def _known(self, engine: str) -> Run | None:
        return (self._runs or {}).get(engine) or self._servers.get(engine)

    def _run(self, engine: str) -> Run:
        local = self._local()
        return local[engine] if engine in local else self._remote()[engine]

    def _is_there(self, adapter: EngineAdapter) -> bool:
        return adapter.environment is None or self._installed(adapter.environment)

    def _best(self, model: LocalModel) -> EngineAdapter:
        known = [run.adapter for run in self._local().values()]
        best = best_engine(model.format, self.usable(), self._preferred, self._rank) or best_engine(
            model.format, known, self._preferred, self._rank
        )
        if best is None:
            raise EngineMissing(f"No engine here takes {model.format} models, such as {model.name}.")
        return best

    def _wanted(self, name: str | None, engine: str | None) -> tuple[EngineRun, LocalModel]:
        model = self._find_model(name)
        runs = self._local()
        if engine is None:
            return runs[self._best(model).id], model
        if engine not in runs:
            raise EngineMissing(
                "The server that this conversation used is not attached any more. Choose another model."
            )
        run = runs[engine]
        if model.format not in run.adapter.formats:
            raise EngineStartFailed(
                f"{run.adapter.name} does not read {model.format} files, and {model.name} is one. Choose"
                " another engine for it."
            )
        return run, model

    def _look_at(self, engine: str, *, shown: bool) -> None:
        if shown:
            self._in_use, self._refusal = engine, None

    def _refuse(self, name: str | None, engine: str | None, error: EdgewiseError, *, shown: bool) -> None:
        """Tell that no engine can even begin: one that runs meanwhile has not failed by that."""
        run = self._local().get(engine or "")
        if run is not None and not shown:
            run.fail(name, error)
            return
        refusal = EngineStatus(
            EngineState.FAILED,
            model=name,
            engine=run.adapter.name if run is not None else "",
            error=error.message,
            log=error.detail,
        )
        if shown:
            self._refusal = refusal
        self.status_changed.emit(refusal)

    def _connect(self, engine: str, name: str | None, *, again: bool) -> None:
        run = self._remote()[engine]
        with suppress(EdgewiseError):  # its status tells
            run.release(run.acquire(name, Cancellation(), again=again))

    def _plan(self, run: EngineRun, load: Load) -> LoadPlan:
        from app.services.engine_room import plan_with_room

        with self._planning:
            return plan_with_room(run, load, self._started(), self._history, self._gpus)

    def _watch_idle(self) -> None:
        while not self._closing.wait(IDLE_CHECK_S):
            self.unload_idle()
