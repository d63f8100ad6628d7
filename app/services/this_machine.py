"""This computer with all that takes several rooms to know. No Qt here: the command line uses it too.

All that look or measure block: the window calls them from `Background`. The probe is imported with the
first of them, so that a start of the window does without.
"""

from __future__ import annotations

from dataclasses import replace

from app.domain.machine import Bandwidth, Machine
from app.storage.bandwidth import load_bandwidth, save_bandwidth
from app.storage.paths import Paths


def this_machine(paths: Paths) -> Machine:
    """The probe, llama.cpp's devices, and the bandwidth if it was measured on this processor."""
    from app.engines.llama_cpp_programs import list_devices
    from app.hardware.probe import probe

    machine = probe(paths.models, list_devices())
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


def _rate(bandwidth: Bandwidth) -> int:
    return bandwidth.read or bandwidth.copy
