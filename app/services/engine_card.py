"""All that is known of one engine, brought together for a person, and where it stands. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.attached import AttachedServer
from app.domain.engine import EngineProfile, EngineState, EngineStatus, Fitness, LoadWishes
from app.domain.environment import EnvironmentState, EnvironmentStatus, InstallTask


class Standing(StrEnum):
    """Where an engine stands, its environment and its process taken together. Each has its own button."""

    LOOKING = "looking"
    """Nothing is known yet."""
    NOT_HERE = "not possible here"
    ABSENT = "not installed"
    PARTIAL = "not installed completely"
    STALE = "needs an update"
    INSTALLING = "installing"
    CHECKING = "checking"
    REMOVING = "removing"
    INSTALL_FAILED = "could not be installed"
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Offered:
    """Which options of a start an engine has on this machine.

    `gpus` counts those that its build computes on. `number_format`: it computes in floating point, in a
    format that can be chosen. `quantizes`: it can reduce weights to 8 or 4 bits while it loads them.
    """

    gpus: int = 0
    number_format: bool = False
    quantizes: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """What a start would do now: options that were chosen for this machine, and what they take.

    `context_length` is in tokens, `memory` and `free` in bytes, of which `gpu_memory` and `gpu_free` lie on
    GPUs. The other fields are those of LoadOptions.
    """

    model: str
    context_length: int
    threads: int
    memory: int
    free: int
    gpu_memory_share: float | None = None
    tensor_parallel: int = 1
    gpu_memory: int = 0
    gpu_free: int = 0


@dataclass(frozen=True, slots=True)
class EngineCard:
    """One engine of this machine.

    `environment` is None for one that comes with Edgewise, `fitness` for one that was not judged yet.
    `version` is that of what comes with Edgewise. `models` are the names of those it can load, the one that a
    start would load first. `formats` are what it reads, in words.
    """

    profile: EngineProfile
    status: EngineStatus
    environment: EnvironmentStatus | None = None
    fitness: Fitness | None = None
    version: str = ""
    formats: str = ""
    models: tuple[str, ...] = ()
    wishes: LoadWishes = field(default_factory=LoadWishes)
    offered: Offered = field(default_factory=Offered)

    @property
    def id(self) -> str:
        """The engine's."""
        return self.profile.id

    @property
    def is_installed(self) -> bool:
        """Whether it could be started."""
        state = self.environment.state if self.environment is not None else EnvironmentState.READY
        return state in (EnvironmentState.READY, EnvironmentState.OUTDATED)

    @property
    def problem(self) -> str:
        """What went wrong with it last, in a sentence; empty when nothing did."""
        if self.status.state is EngineState.FAILED:
            return self.status.error
        environment = self.environment
        return environment.error if environment is not None and environment.task is None else ""

    @property
    def standing(self) -> Standing:
        """What is done to its environment comes first, then its process, then whether it is there."""
        environment = self.environment
        if environment is not None and environment.task is not None:
            return _TASKS[environment.task]
        if self.status.state in _RUNNING:
            return _RUNNING[self.status.state]
        if environment is None or self.is_installed:
            return Standing.STOPPED
        if environment.plan is None and not environment.why_not:
            return Standing.LOOKING
        if environment.error:
            return Standing.INSTALL_FAILED
        if environment.why_not or (self.fitness is not None and not self.fitness.can_run):
            return Standing.NOT_HERE
        return _NOT_USED.get(environment.state, Standing.ABSENT)


_TASKS = {
    InstallTask.INSTALL: Standing.INSTALLING,
    InstallTask.VERIFY: Standing.CHECKING,
    InstallTask.REMOVE: Standing.REMOVING,
}
_NOT_USED = {
    EnvironmentState.PARTIAL: Standing.PARTIAL,
    EnvironmentState.STALE: Standing.STALE,
}
_RUNNING = {
    EngineState.STARTING: Standing.STARTING,
    EngineState.READY: Standing.READY,
    EngineState.BUSY: Standing.BUSY,
    EngineState.FAILED: Standing.FAILED,
}


@dataclass(frozen=True, slots=True)
class ServerCard:
    """A server that somebody else runs, and where it stands."""

    server: AttachedServer
    status: EngineStatus = field(default_factory=lambda: EngineStatus(EngineState.STOPPED))

    @property
    def id(self) -> str:
        """What it is stored by with messages."""
        return self.server.id
