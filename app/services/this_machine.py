"""This computer with all that takes several rooms to know. No Qt here: the command line uses it too.

All that look or measure block: the window calls them from `Background`. The probe is imported with the
first of them, so that a start of the window does without.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from app.domain.errors import EngineMissing
from app.domain.machine import Bandwidth, Gpu, Machine
from app.storage.bandwidth import load_bandwidth, save_bandwidth
from app.storage.paths import Paths

BUILT_IN = "llama_cpp"
"""The engine that comes with Edgewise, by the `id` of its adapter."""


@dataclass(frozen=True, slots=True)
class GgufBuild:
    """The build of llama.cpp that GGUF models are run by here, as far as nobody chose another.

    `engine` is the `id` of its adapter, `listed` what it printed of its devices.
    """

    engine: str
    listed: str


def gguf_build(paths: Paths) -> GgufBuild:
    """The installed build that computes on a GPU, CUDA before Vulkan; else the one that comes with Edgewise.

    Starts each that is asked for a moment.
    """
    from app.engines.llama_cpp_programs import list_devices
    from app.hardware.devices import parse_devices

    own = list_devices()
    if not parse_devices(own):
        for engine, library in _libraries(paths):
            listed = list_devices(library)
            if parse_devices(listed):
                return GgufBuild(engine, listed)
    return GgufBuild(BUILT_IN, own)


def listed_gpus(library: Path | None = None) -> tuple[Gpu, ...]:
    """The GPUs here; `device` is set of those on which llama.cpp computes, with `library` if one is given."""
    from app.engines.llama_cpp_programs import list_devices
    from app.hardware.devices import merge, parse_devices
    from app.hardware.metal import probe_metal
    from app.hardware.nvidia import probe_nvidia

    listed = parse_devices(list_devices(library))
    return merge((*probe_nvidia(), *probe_metal()), listed) if listed else ()


def this_machine(paths: Paths, build: GgufBuild | None = None) -> Machine:
    """The probe, the devices of `build` (None: it is looked for), and the bandwidth if it was measured."""
    from app.hardware.probe import probe

    machine = probe(paths.models, (build or gguf_build(paths)).listed)
    bandwidth = load_bandwidth(paths.bandwidth)
    # The data folder may have come along to another computer.
    if bandwidth is None or bandwidth.cpu_model != machine.cpu.model:
        return machine
    return replace(machine, bandwidth=bandwidth)


def with_measured_bandwidth(machine: Machine, paths: Paths) -> Machine:
    """`machine` with its bandwidth measured now, which takes up to a second, and kept for the next time.

    What other programs disturbed stands only until a better one: memory is never slower than it was seen.
    Raises `StorageError` where it could not be kept. Where it could not be measured, nothing changes.
    """
    from app.hardware.bandwidth import measure_bandwidth

    bandwidth = measure_bandwidth(machine.cpu.model, machine.cpu.usable_cores, machine.memory.available)
    if bandwidth is None:
        return machine
    before = machine.bandwidth
    if before is not None and bandwidth.disturbed and _rate(before) >= _rate(bandwidth):
        return machine
    save_bandwidth(paths.bandwidth, bandwidth)
    return replace(machine, bandwidth=bandwidth)


def wants_measuring(machine: Machine) -> bool:
    """Whether the bandwidth is not known, or was measured while others kept the processors from it."""
    return machine.bandwidth is None or machine.bandwidth.disturbed


def _libraries(paths: Paths) -> Iterator[tuple[str, Path]]:
    """Of each GPU build that can be used: the engine, and ggml's library. Quick where there is none."""
    if not paths.engines.is_dir():
        return
    from app.engines.llama_cpp_on_gpu import LlamaCppCuda, LlamaCppVulkan
    from app.services.engine_installer import find_environments

    environments = find_environments(paths)
    for kind in (LlamaCppCuda, LlamaCppVulkan):
        with suppress(EngineMissing):
            yield kind.id, kind(environments.of(kind.id)).library()


def _rate(bandwidth: Bandwidth) -> int:
    return bandwidth.read or bandwidth.copy
