"""What a computer has, as far as it decides which model runs and how fast. Sizes are in bytes.

None means not known on this system, or told in a way that cannot be true; never zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SOFTWARE = re.compile(r"llvmpipe|lavapipe|swiftshader|softpipe|Microsoft Basic Render", re.IGNORECASE)


def is_software(gpu: str) -> bool:
    """Whether a GPU of that name is a Vulkan driver that computes on the processor.

    They do so slower than llama.cpp does there itself.
    """
    return _SOFTWARE.search(gpu) is not None


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processor. `usable_cores` are the physical cores this process may keep busy.

    Performance and efficiency cores are physical ones and add up to `physical_cores`; both are None
    where all cores are of one kind. `instruction_sets` are those that llama.cpp has code for and that
    the system lets programs use, by the names of `app.hardware.instructions`; None where the system
    does not tell.
    """

    model: str
    architecture: str
    physical_cores: int
    logical_cores: int
    usable_cores: int
    performance_cores: int | None = None
    efficiency_cores: int | None = None
    instruction_sets: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory, as much of it as this process may use. `limit` is a container's, where one is set.

    `available` can be taken without swapping: what other processes and the limit leave.
    """

    total: int
    available: int
    limit: int | None = None
    swap_total: int | None = None
    swap_free: int | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that holds `folder`."""

    folder: str
    total: int | None
    free: int | None


@dataclass(frozen=True, slots=True)
class Power:
    """Where the electricity comes from. `battery_percent` is None without a battery."""

    on_battery: bool | None
    battery_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics processor. With `unified_memory` it shares main memory and has none of its own.

    `memory_total` is what programs may keep on it: its own memory, or for Apple's the working set that
    Metal recommends (`memory_is_estimate` where that is the usual share, not an answer). `device` is
    llama.cpp's name for it ("Vulkan0"), where llama.cpp told of it. `cuda_version` is the newest that
    the driver takes.
    """

    name: str
    memory_total: int | None
    memory_free: int | None
    driver: str | None = None
    compute_capability: str | None = None
    unified_memory: bool | None = False
    cuda_version: str | None = None
    device: str | None = None
    memory_is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Main memory's bandwidth as it was measured, in bytes per second; see `app.hardware.bandwidth`.

    `copy` counts each byte twice, once read and once written. `read` is None where it could not be
    measured. `measured_on` is a date (ISO 8601). `disturbed`: other programs kept the processors from it
    meanwhile, so that the memory is faster than this.
    """

    copy: int
    read: int | None
    threads: int
    cpu_model: str
    measured_on: str
    disturbed: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer Edgewise runs on. Without a `bandwidth` it has not been measured yet.

    `display_makers` are those of its display adapters, as far as they make GPUs; `vulkan` tells whether
    Vulkan's loader is there. Both say what could be computed on, `gpus` what was found to be.
    """

    system: str
    cpu: Cpu
    memory: Memory
    disk: Disk
    gpus: tuple[Gpu, ...] = ()
    power: Power | None = None
    bandwidth: Bandwidth | None = None
    display_makers: tuple[str, ...] = ()
    vulkan: bool | None = None
