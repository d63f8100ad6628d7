"""What a computer has, as far as it decides which model runs and how fast. Sizes are in bytes.

None means not known on this system, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processor. `usable_cores` are the physical cores this process may keep busy."""

    model: str
    architecture: str
    physical_cores: int
    logical_cores: int
    usable_cores: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory, as much of it as this process may use. `limit` is a container's, where one is set."""

    total: int
    available: int
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that holds `folder`."""

    folder: str
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics processor. With `unified_memory` it shares main memory and has none of its own."""

    name: str
    memory_total: int | None
    memory_free: int | None
    driver: str | None = None
    compute_capability: str | None = None
    unified_memory: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer Edgewise runs on."""

    system: str
    cpu: Cpu
    memory: Memory
    disk: Disk
    gpus: tuple[Gpu, ...] = ()
