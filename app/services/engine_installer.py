"""Installs, checks and removes engines, one at a time, for the window and the command line. No Qt here."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from app.domain.environment import (
    EnvironmentState,
    EnvironmentStatus,
    InstallPhase,
    InstallProgress,
    InstallTask,
)
from app.domain.errors import Cancelled, EdgewiseError, Offline
from app.domain.generation import Cancellation
from app.engines.environment import Environment, Environments
from app.hardware.probe import probe
from app.storage.paths import Paths
from app.storage.release import this_release

OFFLINE = "Offline mode is on, so nothing is fetched. Switch it off, or install from a folder of wheels."
CLOSE_PATIENCE_S = 5.0


def find_environments(paths: Paths) -> Environments:
    """The environments of this installation. The computer is looked at when that is first needed, once."""
    return Environments(paths.engines, cache(lambda: probe(paths.models)), wheels=this_release().wheels)


@dataclass(slots=True)
class _Order:
    engine: str
    task: InstallTask | None
    source: Path | None = None
    cancellation: Cancellation | None = None
    cut_off: bool = False
    """Cancelled by the offline switch, not by a person."""


class EngineInstaller:
    """The environments, and what is being done to them. Any thread may call; only `wait` and `close` block.

    `on_change` is called when the state of one changed, not for every step of its progress: who shows that
    looks at `snapshot` some times a second. `offline` is asked before something is fetched and while it is.
    Both are called on a thread of the installer.
    """

    def __init__(
        self,
        environments: Environments,
        offline: Callable[[], bool],
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self._environments = environments
        self._offline = offline
        self._on_change = on_change or (lambda: None)
        self._changed = threading.Condition()
        self._orders: deque[_Order] = deque()
        self._running: _Order | None = None
        self._thread: threading.Thread | None = None
        self._closing = False
        self._known = {
            each.engine: EnvironmentStatus(each.engine, EnvironmentState.ABSENT)
            for each in environments.all()
        }

    # Orders

    def refresh(self) -> None:
        """Look at the disk; `snapshot` knows nothing before. The sizes take a second to count."""
        for engine in self._known:
            self._add(_Order(engine, None))

    def install(self, engine: str, source: Path | None = None) -> None:
        """Install, repair or update it; from a folder of wheels where `source` is one."""
        self._add(_Order(engine, InstallTask.INSTALL, source))

    def verify(self, engine: str) -> None:
        """Check every file of it, and that it starts."""
        self._add(_Order(engine, InstallTask.VERIFY))

    def remove(self, engine: str) -> None:
        """Delete it. Its models are to be stopped before."""
        self._add(_Order(engine, InstallTask.REMOVE))

    def cancel(self, engine: str) -> None:
        """Stop what is done to it, or drop what waits. What was fetched is kept for the next time."""
        cancellations = []
        with self._changed:
            for order in [order for order in self._orders if order.engine == engine and order.task]:
                self._orders.remove(order)
                self._set(engine, task=None, progress=None)
            if self._running is not None and self._running.engine == engine and self._running.cancellation:
                cancellations.append(self._running.cancellation)
            self._changed.notify_all()
        for cancellation in cancellations:
            cancellation.cancel()
        self._on_change()

    def snapshot(self) -> tuple[EnvironmentStatus, ...]:
        """How all stand, in the order that engines are shown in. Quick."""
        with self._changed:
            return tuple(self._known.values())

    def status(self, engine: str) -> EnvironmentStatus:
        """How one stands. Quick. An engine without an environment is a KeyError."""
        with self._changed:
            return self._known[engine]

    def wait(self, engine: str, timeout_s: float | None = None) -> EnvironmentStatus:
        """Block until nothing is to be done to it any more, or for `timeout_s`; how it stands then."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or not self._is_busy(engine), timeout_s)
            return self._known[engine]

    def close(self) -> None:
        """Stop everything. Returns when uv has ended."""
        with self._changed:
            self._closing = True
            self._orders.clear()
            cancellation = self._running.cancellation if self._running else None
            thread = self._thread
            self._changed.notify_all()
        if cancellation is not None:
            cancellation.cancel()
        if thread is not None:
            thread.join(CLOSE_PATIENCE_S)

    # Below, `_changed` is held unless something else is said.

    def _is_busy(self, engine: str) -> bool:
        waiting = any(order.engine == engine for order in self._orders)
        return waiting or (self._running is not None and self._running.engine == engine)

    def _add(self, order: _Order) -> None:
        """Takes the lock itself. An engine to which something is done already gets no second order."""
        with self._changed:
            status = self._known[order.engine]
            if self._closing or (order.task is not None and status.task is not None):
                return
            if order.task is not None:
                progress = InstallProgress(InstallPhase.WAITING, "Waiting for its turn")
                self._set(order.engine, task=order.task, progress=progress, error="", detail="", notice="")
                order.cancellation = Cancellation()
            self._orders.append(order)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engine installer", daemon=True)
                self._thread.start()
        if order.task is not None:
            self._on_change()

    def _set(self, engine: str, **changes: object) -> None:
        self._known[engine] = replace(self._known[engine], **changes)  # type: ignore[arg-type]

    # On the installer's thread, without the lock.

    def _run(self) -> None:
        try:
            while order := self._next():
                self._do(order)
        finally:  # a bug ends this thread and is seen; the next order begins another one
            with self._changed:
                if self._running is not None:
                    self._set(self._running.engine, task=None, progress=None)
                    self._running = self._thread = None
                    self._changed.notify_all()

    def _next(self) -> _Order | None:
        with self._changed:
            self._running = self._orders.popleft() if self._orders else None
            if self._running is None:
                self._thread = None
            self._changed.notify_all()
            return self._running

    def _do(self, order: _Order) -> None:
        environment = self._environments.of(order.engine)
        error: EdgewiseError | None = None
        notice = ""
        try:
            notice = self._carry_out(order, environment)
        except Cancelled as cancelled:
            error = Offline(OFFLINE) if order.cut_off else None
            notice = "" if order.cut_off else str(cancelled)
        except EdgewiseError as failed:
            error = failed
        self._look(order, environment, error, notice)
        self._on_change()

    def _carry_out(self, order: _Order, environment: Environment) -> str:
        """What to say of it once it went well."""
        if order.task is None:
            return self.status(order.engine).notice
        cancellation = order.cancellation
        assert cancellation is not None

        def told(progress: InstallProgress) -> None:
            with self._changed:
                self._set(order.engine, progress=progress)
            if order.task is InstallTask.INSTALL and order.source is None and self._offline():
                order.cut_off = True
                cancellation.cancel()

        name = environment.name
        if order.task is InstallTask.REMOVE:
            freed = environment.remove()
            return f"{name} is removed; that freed {freed / 1e9:.1f} GB."
        if order.task is InstallTask.VERIFY:
            environment.verify(told, cancellation)
            return f"{name} is whole and starts."
        if order.source is None and self._offline():
            raise Offline(OFFLINE)
        environment.install(told, cancellation, order.source)
        return f"{name} {environment.version()}".strip() + " is installed."

    def _look(
        self, order: _Order, environment: Environment, error: EdgewiseError | None, notice: str
    ) -> None:
        """Tell how it stands now."""
        state = environment.state
        changes: dict[str, object] = {
            "state": state,
            "version": environment.version(),
            "size": None if state is EnvironmentState.ABSENT else environment.size(),
            "why_not": environment.why_not(),
            "log": str(environment.log) if environment.log.exists() else "",
            "notice": notice,
        }
        if self.status(order.engine).plan is None:
            changes["plan"] = environment.plan()
        if order.task is not None:
            changes |= {
                "task": None,
                "progress": None,
                "error": error.message if error else "",
                "detail": error.detail if error else "",
            }
        with self._changed:
            self._set(order.engine, **changes)
