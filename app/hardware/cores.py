"""Kinds of cores: which of a processor's are for performance and which for efficiency.

Each system tells it in another way; a processor whose cores are all of one kind has neither.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.hardware import reading, sysctl

EFFICIENCY_SHARE = 0.8
"""A core below this share of the strongest one's capacity or clock is one for efficiency. Cores of one kind
differ too, by a few percent: Turbo Boost Max 3.0 and AMD's preferred cores clock some higher. Zen 4c and 5c
reach about 70 % of their neighbours' clock, Cortex-A55 about 50 % of an A76's capacity."""
MACOS_SETTINGS = (
    "hw.nperflevels",
    *(f"hw.perflevel{level}.{what}" for level in range(3) for what in ("physicalcpu", "name")),
)
RELATION_PROCESSOR_CORE = 0
"""LOGICAL_PROCESSOR_RELATIONSHIP in winnt.h."""


@dataclass(frozen=True, slots=True)
class CoreKinds:
    """Physical cores by kind; both are at least 1."""

    performance: int
    efficiency: int


def probe_core_kinds(root: Path = reading.ROOT) -> CoreKinds | None:
    """This computer's, or None where all cores are of one kind or the system does not tell."""
    if sys.platform == "linux":
        return from_linux(root)
    if sys.platform == "darwin":
        return from_sysctl(sysctl.read_settings(MACOS_SETTINGS))
    if sys.platform == "win32":
        return from_windows(_windows_cores())
    return None


def from_linux(root: Path) -> CoreKinds | None:
    """Intel's hybrid processors have a device for each kind; others tell each core's capacity or clock."""
    devices = root / "sys/devices"
    performance = reading.processors(reading.text(devices / "cpu_core/cpus"))
    if performance:
        # Meteor Lake counts its low-power cores among cpu_atom; Arrow Lake has a device for them.
        efficiency = reading.processors(reading.text(devices / "cpu_atom/cpus")) | reading.processors(
            reading.text(devices / "cpu_lowpower/cpus")
        )
        return _kinds(cores_of(performance, root), cores_of(efficiency - performance, root))
    online = reading.processors(reading.text(devices / "system/cpu/online"))
    # Capacity (Documentation/scheduler/sched-capacity.rst) says more than clock: kinds differ in both.
    for file in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        strengths = {
            processor: strength
            for processor in online
            if (strength := _number(devices / f"system/cpu/cpu{processor}" / file))
        }
        if online and len(strengths) == len(online):
            limit = EFFICIENCY_SHARE * max(strengths.values())
            weak = {processor for processor, strength in strengths.items() if strength < limit}
            if kinds := _kinds(cores_of(online - weak, root), cores_of(weak, root)):
                return kinds
    return None


def cores_of(processors: Collection[int], root: Path = reading.ROOT) -> int:
    """How many physical cores Linux's logical `processors` belong to; 0 when it does not tell."""
    cores = set()
    for processor in processors:
        topology = root / f"sys/devices/system/cpu/cpu{processor}/topology"
        siblings = reading.text(topology / "thread_siblings_list")
        if not siblings:
            return 0
        cores.add(siblings)
    return len(cores)


def from_sysctl(settings: Mapping[str, str]) -> CoreKinds | None:
    """macOS's levels, the strongest first. From macOS 12 on they have names.

    The M5 Pro and Max have "Super" and "Performance" levels and no "Efficiency" one.
    """
    performance = efficiency = 0
    for level in range(min(3, reading.whole_number(settings.get("hw.nperflevels"), 8) or 0)):
        told = settings.get(f"hw.perflevel{level}.physicalcpu")
        cores = reading.whole_number(told, reading.MOST_PROCESSORS)
        name = settings.get(f"hw.perflevel{level}.name", "Efficiency" if level else "Performance")
        if name == "Efficiency":
            efficiency += cores or 0
        else:
            performance += cores or 0
    return _kinds(performance, efficiency)


def from_windows(answer: bytes) -> CoreKinds | None:
    """What GetLogicalProcessorInformationEx writes for RelationProcessorCore: a record for each core.

    A record begins with DWORD Relationship, DWORD Size, BYTE Flags, BYTE EfficiencyClass (winnt.h,
    SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX and PROCESSOR_RELATIONSHIP). A higher class has "intrinsically
    greater performance and less efficiency". Where there are three, the strongest is for performance:
    the low-power cores of Meteor Lake are a class below its efficiency cores.
    """
    classes = []
    offset = 0
    while offset + 10 <= len(answer):
        relationship, size, _, efficiency_class = struct.unpack_from("<IIBB", answer, offset)
        if size < 10:  # would not go on, or end
            return None
        if relationship == RELATION_PROCESSOR_CORE:
            classes.append(efficiency_class)
        offset += size
    strongest = max(classes, default=0)
    performance = classes.count(strongest)
    return _kinds(performance, len(classes) - performance)


def _kinds(performance: int, efficiency: int) -> CoreKinds | None:
    return CoreKinds(performance, efficiency) if performance > 0 and efficiency > 0 else None


def _number(file: Path) -> int | None:
    return reading.whole_number(reading.text(file), 1 << 40)


def _windows_cores() -> bytes:
    if sys.platform != "win32":
        return b""
    ask = ctypes.WinDLL("kernel32").GetLogicalProcessorInformationEx
    length = ctypes.c_ulong(0)
    ask(RELATION_PROCESSOR_CORE, None, ctypes.byref(length))  # fails, and says how much it would write
    if not 0 < length.value <= reading.MOST_BYTES:
        return b""
    buffer = ctypes.create_string_buffer(length.value)
    if not ask(RELATION_PROCESSOR_CORE, buffer, ctypes.byref(length)):
        return b""
    return buffer.raw[: length.value]
