"""`edgewise probe`: what this computer has."""

from __future__ import annotations

import json
from dataclasses import asdict

from app.cli.command_line import OK
from app.cli.console import Console
from app.domain.machine import Gpu, Machine
from app.hardware.probe import probe
from app.storage.paths import Paths


def show_machine(*, as_json: bool) -> int:
    """Run the command; returns the exit status."""
    machine = probe(Paths.find().models)
    console = Console()
    if as_json:
        console.write(json.dumps(asdict(machine), indent=2) + "\n")
    else:
        for line in described(machine):
            console.line(line)
    return OK


def described(machine: Machine) -> list[str]:
    """`machine` in lines for people. GB are 10^9 bytes, as everywhere in Edgewise."""
    cpu, memory, disk = machine.cpu, machine.memory, machine.disk
    limit = f", limited to {_gb(memory.limit)}" if memory.limit is not None else ""
    return [
        f"System   {machine.system}, {cpu.architecture}",
        f"CPU      {cpu.model}: {cpu.physical_cores} cores, {cpu.logical_cores} threads;"
        f" {cpu.usable_cores} cores usable",
        f"Memory   {_gb(memory.total)}, {_gb(memory.available)} available{limit}",
        f"Disk     {_gb(disk.free)} free of {_gb(disk.total)} for {disk.folder}",
        *(f"GPU      {_gpu(gpu)}" for gpu in machine.gpus),
        *([] if machine.gpus else ["GPU      none found"]),
    ]


def _gpu(gpu: Gpu) -> str:
    parts = [gpu.name]
    if gpu.unified_memory:
        parts.append("shares main memory")
    elif gpu.memory_total is not None:
        free = f", {_gb(gpu.memory_free)} free" if gpu.memory_free is not None else ""
        parts.append(f"{_gb(gpu.memory_total)}{free}")
    if gpu.driver is not None:
        parts.append(f"driver {gpu.driver}")
    return ", ".join(parts)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
