"""What the engines page asks for: installing, starting, stopping, options. Nothing here blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.domain.engine import EngineState, EngineStatus, LoadWishes
from app.domain.environment import EnvironmentState, EnvironmentStatus
from app.domain.errors import EdgewiseError
from app.services.background import Background
from app.services.engine_card import EngineCard, Planned
from app.services.engine_cards import EngineFacts, Present, cards_of, look, plan
from app.services.engine_memory import measure
from app.services.latest import Latest
from app.storage.paths import Paths
from app.storage.settings import Settings

if TYPE_CHECKING:
    from app.domain.machine import Machine
    from app.services.engine_installer import EngineInstaller
    from app.services.engine_parts import EngineParts
    from app.services.engine_supervisor import EngineSupervisor
    from app.services.load_record import LoadHistory
    from app.services.model_library import ModelLibrary

PROGRESS_MS = 250
"""How often a bar moves."""
MEMORY_MS = 2000
"""How often memory is measured, while somebody looks."""
LONGEST_LOG = 400_000
"""Bytes of a log that are shown, its end."""


class EnginesSession(QObject):
    """Lives on the window's thread; its signals arrive there."""

    changed = Signal()
    """`cards` differ from before."""
    planned = Signal(str, object)
    """An engine's id and what a start would do now: a `Planned`, None where that cannot be said."""
    log_read = Signal(str, str)
    """A sentence, and the log that stands behind it."""
    settings_changed = Signal(object)
    """`Settings`."""
    installed_changed = Signal()
    """An engine came or went: there is more or less to choose from."""
    failed = Signal(object)
    """An `EdgewiseError`."""
    _environments_changed = Signal()

    def __init__(
        self,
        paths: Paths,
        parts: EngineParts,
        supervisor: EngineSupervisor,
        library: ModelLibrary,
        background: Background,
        settings: Callable[[], Settings],
        parent: QObject | None = None,
        history: LoadHistory | None = None,
    ) -> None:
        super().__init__(parent)
        self._paths = paths
        self._parts = parts
        self._supervisor = supervisor
        self._library = library
        self._background = background
        self._settings = settings
        self._history = history
        self._making = threading.Lock()
        self._installer: EngineInstaller | None = None
        self._closed = False
        self._looking = self._look_again = False
        self._facts: tuple[EngineFacts, ...] = ()
        self._statuses: dict[str, EngineStatus] = {}
        self._chosen: dict[str, str] = {}
        self._installed: dict[str, EnvironmentState] = {}
        self._cards: tuple[EngineCard, ...] = ()
        self._plans: Latest[Planned] = Latest(background)
        self._opened = ""
        self._timer = QTimer(self)
        self._timer.setInterval(PROGRESS_MS)
        self._timer.timeout.connect(self._compose)
        self._memory = QTimer(self)
        self._memory.setInterval(MEMORY_MS)
        self._memory.timeout.connect(self._measure)
        self._measuring = False
        self._environments_changed.connect(self._follow)
        supervisor.status_changed.connect(self._heard)

    @property
    def cards(self) -> tuple[EngineCard, ...]:
        """The engines of this machine; empty until they were looked at."""
        return self._cards

    @property
    def offline(self) -> bool:
        """Whether the switch is on: nothing is fetched."""
        return self._settings().offline

    def card(self, engine: str) -> EngineCard:
        """One of `cards`. An engine that is not among them is a KeyError."""
        return {card.id: card for card in self._cards}[engine]

    # Looking

    def look(self) -> None:
        """Look at engines, models and this machine anew."""
        self._look_again = self._looking
        if not self._looking:
            self._looking = True
            self._background.run(self._look, self._looked, self._not_looked)

    def watch(self, somebody_looks: bool) -> None:
        """Measure the memory of engines that run, as long as somebody looks."""
        if somebody_looks:
            self._memory.start()
            self._measure()
        else:
            self._memory.stop()

    def _measure(self) -> None:
        if not self._measuring:  # a machine that is short of memory may take its time
            self._measuring = True
            self._background.run(lambda: measure(self._supervisor.runs()), self._measured)

    def _measured(self, _: None) -> None:
        self._measuring = False

    def _look(self) -> tuple[tuple[EngineFacts, ...], list[EngineStatus]]:
        self._made_installer().refresh()
        statuses = list(self._supervisor.statuses())
        return look(self._parts, self._library, self._machine), statuses

    def _machine(self) -> Machine:
        from app.services.this_machine import this_machine

        return this_machine(self._paths)

    def _looked(self, found: tuple[tuple[EngineFacts, ...], list[EngineStatus]]) -> None:
        self._looking = False
        self._facts, statuses = found
        for status in statuses:  # what was heard meanwhile is newer
            self._statuses.setdefault(status.engine_id, status)
        self._follow()
        if self._opened:
            self.open(self._opened)
        if self._look_again:
            self.look()

    def _not_looked(self, error: EdgewiseError) -> None:
        self._looking = self._look_again = False
        self.failed.emit(error)

    def _heard(self, status: EngineStatus) -> None:
        if status.engine_id:
            self._statuses[status.engine_id] = status
            self._compose()

    def _follow(self) -> None:
        """The state of an environment may be another one."""
        installer = self._installer
        if installer is None:
            return
        now = {each.engine: each for each in installer.snapshot()}
        for engine, each in now.items():
            if self._is_known(each):
                self._tell_of(engine, each)
        self._compose()

    def _tell_of(self, engine: str, environment: EnvironmentStatus) -> None:
        """The manager of engines, and whoever lists what there is to choose from, hear of it."""
        before = self._installed.get(engine)
        self._installed[engine] = environment.state
        if before is None or before is environment.state:
            return
        there = environment.state in (EnvironmentState.READY, EnvironmentState.OUTDATED)
        state = EngineState.STOPPED if there else EngineState.ABSENT
        self._background.run(
            lambda: self._supervisor.environment_changed(engine, state),
            lambda _: self.installed_changed.emit(),
        )
        self.look()

    def _is_known(self, environment: EnvironmentStatus) -> bool:
        return environment.plan is not None or bool(environment.why_not)

    def _compose(self) -> None:
        installer = self._installer
        environments: Mapping[str, EnvironmentStatus] = {}
        if installer is not None:
            environments = {each.engine: each for each in installer.snapshot()}
        settings = self._settings()
        cards = cards_of(
            self._facts,
            Present(self._statuses, environments, settings.loading, self._chosen, settings.model),
        )
        if any(each.task is not None for each in environments.values()):
            if not self._timer.isActive():
                self._timer.start()
        else:
            self._timer.stop()
        if cards != self._cards:
            self._cards = cards
            self.changed.emit()

    # Environments

    def install(self, engine: str, source: Path | None = None) -> None:
        """Install, update or repair it; from a folder of wheels where `source` is one."""
        self._order(lambda installer: installer.install(engine, source))

    def cancel_install(self, engine: str) -> None:
        """Stop what is done to its environment."""
        self._order(lambda installer: installer.cancel(engine))

    def verify(self, engine: str) -> None:
        """Check its files."""
        self._order(lambda installer: installer.verify(engine))

    def remove(self, engine: str) -> None:
        """End its model, then delete it."""

        def end_and_remove(installer: EngineInstaller) -> None:
            self._supervisor.unload(engine)
            installer.remove(engine)

        self._order(end_and_remove)

    def _order(self, give: Callable[[EngineInstaller], None]) -> None:
        self._background.run(
            lambda: give(self._made_installer()), lambda _: self._compose(), self.failed.emit
        )

    def _made_installer(self) -> EngineInstaller:
        from app.services.engine_installer import EngineInstaller

        with self._making:
            if self._installer is None:
                self._installer = EngineInstaller(
                    self._parts.environments, lambda: self.offline, self._environments_changed.emit
                )
                if self._closed:
                    self._installer.close()
            return self._installer

    def network_changed(self) -> None:
        """The offline switch was set or cleared: what is being fetched notices by itself."""
        self.changed.emit()

    # Processes

    def start(self, engine: str, *, force: bool = False) -> None:
        """Load the model that failed to start last, else the one that is chosen for it."""
        card = self.card(engine)
        failed = card.status.state is EngineState.FAILED
        model = card.status.model if failed and card.status.model else next(iter(card.models), None)
        self._background.run(
            lambda: self._supervisor.load(model, engine, again=failed, force=force), None, self.failed.emit
        )

    def stop(self, engine: str) -> None:
        """End its model, or the start of one."""
        self._background.run(lambda: self._supervisor.unload(engine), None, self.failed.emit)

    # Options

    def open(self, engine: str) -> None:
        """Its details are looked at: `planned` tells what a start would do now."""
        self._opened = engine
        card = next((card for card in self._cards if card.id == engine), None)
        if card is None or not card.is_installed or not card.models:
            return
        model, wishes = card.models[0], self._settings().wishes_for(engine)
        self._plans.ask(
            lambda: plan(self._parts, self._library, engine, model, wishes, self._history),
            lambda planned: self.planned.emit(engine, planned),
            lambda _: self.planned.emit(engine, None),  # starting it says what is wrong with the model
        )

    def choose_model(self, engine: str, model: str) -> None:
        """What a start of it loads from now on."""
        self._chosen[engine] = model
        self._compose()
        self.open(engine)

    def set_wishes(self, engine: str, wishes: LoadWishes) -> None:
        """How it loads models from now on."""
        settings = self._settings()
        others = {id_: kept for id_, kept in settings.loading.items() if id_ != engine}
        loading = others if wishes == LoadWishes() else {**others, engine: wishes}
        self.settings_changed.emit(replace(settings, loading=loading))
        self._compose()
        self.open(engine)

    def set_idle_minutes(self, minutes: int | None) -> None:
        """When idle models are unloaded; None: never."""
        self.settings_changed.emit(replace(self._settings(), idle_minutes=minutes))

    # Logs

    def read_log(self, engine: str) -> None:
        """What the engine wrote; `log_read` has it."""
        status = self._statuses.get(engine)
        sentence = status.error if status is not None and status.state is EngineState.FAILED else ""
        self._background.run(
            lambda: self._supervisor.read_log(engine), lambda log: self.log_read.emit(sentence, log)
        )

    def read_install_log(self, engine: str) -> None:
        """What its installation wrote; `log_read` has it."""
        environment = self.card(engine).environment
        if environment is not None:
            self._background.run(
                lambda: _install_log(environment), lambda log: self.log_read.emit(environment.error, log)
            )

    def close(self) -> None:
        """Stop installing. Blocks until that has ended; what was fetched is kept."""
        self._closed = True
        self._timer.stop()
        self._memory.stop()
        with self._making:
            installer = self._installer
        if installer is not None:
            installer.close()


def _install_log(environment: EnvironmentStatus) -> str:
    parts = [environment.detail]
    if environment.log:
        try:
            with Path(environment.log).open("rb") as file:
                file.seek(max(0, Path(environment.log).stat().st_size - LONGEST_LOG))
                parts.append(file.read().decode("utf-8", "replace"))
        except OSError:  # it was removed meanwhile
            pass
    return "\n\n".join(part.strip() for part in parts if part.strip())
