"""This computer with all that takes several rooms to know. No Qt here: the command line uses it too.

Both functions block: the window calls them from `Background`.
"""

from __future__ import annotations

from dataclasses import replace

from app.domain.machine import Machine
from app.engines.llama_cpp_programs import list_devices
from app.hardware.bandwidth import measure_bandwidth
from app.hardware.probe import probe
from app.storage.bandwidth import load_bandwidth, save_bandwidth
from app.storage.paths import Paths


def this_machine(paths: Paths) -> Machine:
    """The probe, llama.cpp's devices, and the bandwidth if it was measured on this processor."""
    machine = probe(paths.models, list_devices())
    bandwidth = load_bandwidth(paths.bandwidth)
    # The data folder may have come along to another computer.
    if bandwidth is None or bandwidth.cpu_model != machine.cpu.model:
        return machine
    return replace(machine, bandwidth=bandwidth)


def with_measured_bandwidth(machine: Machine, paths: Paths) -> Machine:
    """`machine` with its bandwidth measured now, which takes up to a second, and kept for the next time.

    Raises `StorageError` where it could not be kept. Where it could not be measured, nothing changes.
    """
    bandwidth = measure_bandwidth(machine.cpu.model, machine.cpu.usable_cores, machine.memory.available)
    if bandwidth is None:
        return machine
    save_bandwidth(paths.bandwidth, bandwidth)
    return replace(machine, bandwidth=bandwidth)
