"""This computer in words, for the command line and for the window."""

from __future__ import annotations

from app.domain.machine import Bandwidth, Cpu, Disk, Gpu, Machine, Memory, Power

UNKNOWN = "unknown"


def machine_words(machine: Machine) -> list[tuple[str, str]]:
    """What is known of `machine`, each with its label; what goes on has none. GB are 10^9 bytes."""
    lines = [
        ("System", f"{machine.system}, {machine.cpu.architecture}"),
        ("CPU", _cpu(machine.cpu)),
        ("", _instruction_sets(machine.cpu)),
        ("Memory", _memory(machine.memory)),
        ("", _bandwidth(machine.bandwidth)),
        ("Swap", _swap(machine.memory)),
        ("Disk", _disk(machine.disk)),
        *(("GPU", _gpu(gpu)) for gpu in machine.gpus),
        *([] if machine.gpus else [("GPU", "none found")]),
        ("Power", power_words(machine.power)),
    ]
    return [(label, text) for label, text in lines if text]


def _cpu(cpu: Cpu) -> str:
    kinds = ""
    if cpu.performance_cores is not None and cpu.efficiency_cores is not None:
        kinds = f" ({cpu.performance_cores} performance, {cpu.efficiency_cores} efficiency)"
    return (
        f"{cpu.model}: {cpu.physical_cores} cores{kinds}, {cpu.logical_cores} threads;"
        f" {cpu.usable_cores} cores usable"
    )


def _instruction_sets(cpu: Cpu) -> str:
    return ", ".join(cpu.instruction_sets or ())


def _memory(memory: Memory) -> str:
    limit = f", limited to {_gb(memory.limit)}" if memory.limit is not None else ""
    return f"{_gb(memory.total)}, {_gb(memory.available)} available{limit}"


def _bandwidth(bandwidth: Bandwidth | None) -> str:
    if bandwidth is None:
        return ""
    read = f", {bandwidth.read / 1e9:.0f} GB/s reading" if bandwidth.read is not None else ""
    threads = "1 thread" if bandwidth.threads == 1 else f"{bandwidth.threads} threads"
    busy = " while other programs were busy" if bandwidth.disturbed else ""
    return (
        f"{bandwidth.copy / 1e9:.0f} GB/s copying{read} with {threads}, "
        f"measured on {bandwidth.measured_on}{busy}"
    )


def _swap(memory: Memory) -> str:
    if memory.swap_total is None:
        return UNKNOWN
    return f"{_gb(memory.swap_total)}, {_gb(memory.swap_free)} free" if memory.swap_total else "none"


def _disk(disk: Disk) -> str:
    return f"{_gb(disk.free)} free of {_gb(disk.total)} for {disk.folder}"


def _gpu(gpu: Gpu) -> str:
    parts = [gpu.name]
    if gpu.unified_memory:
        about = "about " if gpu.memory_is_estimate else ""
        most = f", up to {about}{_gb(gpu.memory_total)} of it" if gpu.memory_total is not None else ""
        parts.append(f"shares main memory{most}")
    elif gpu.memory_total is not None:
        free = f", {_gb(gpu.memory_free)} free" if gpu.memory_free is not None else ""
        parts.append(f"{_gb(gpu.memory_total)}{free}")
    for what, value in (
        ("driver", gpu.driver),
        ("CUDA", gpu.cuda_version),
        ("compute capability", gpu.compute_capability),
        ("in llama.cpp", gpu.device),
    ):
        if value is not None:
            parts.append(f"{what} {value}")
    return ", ".join(parts)


def power_words(power: Power | None) -> str:
    """Mains or battery, and how full it is."""
    if power is None or power.on_battery is None:
        return UNKNOWN
    source = "battery" if power.on_battery else "mains"
    return source if power.battery_percent is None else f"{source}, charged to {power.battery_percent:.0f} %"


def _gb(size: int | None) -> str:
    return UNKNOWN if size is None else f"{size / 1e9:.1f} GB"
