"""All of this computer at once."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from app.domain.machine import Disk, Machine
from app.hardware.cpu import computing_threads, probe_cpu, usable_physical_cores
from app.hardware.devices import merge, parse_devices
from app.hardware.graphics import display_makers, has_vulkan
from app.hardware.memory import available_memory, probe_memory
from app.hardware.metal import probe_metal
from app.hardware.nvidia import probe_nvidia
from app.hardware.power import probe_power

__all__ = ["available_memory", "computing_threads", "probe", "probe_disk", "usable_physical_cores"]


def probe(model_folder: Path, listed_devices: str = "") -> Machine:
    """This computer, with the disk that holds `model_folder` (which need not exist yet).

    `listed_devices` is what `llama-server --list-devices` printed, where it was asked. Takes a tenth of
    a second or less, unless an NVIDIA GPU has to wake. The bandwidth is not measured here.
    """
    return Machine(
        system=f"{platform.system()} {platform.release()}".strip(),
        cpu=probe_cpu(),
        memory=probe_memory(),
        disk=probe_disk(model_folder),
        gpus=merge((*probe_nvidia(), *probe_metal()), parse_devices(listed_devices)),
        power=probe_power(),
        display_makers=display_makers(),
        vulkan=has_vulkan(),
    )


def probe_disk(folder: Path) -> Disk:
    """Space on the file system that holds `folder`, or would hold it."""
    existing = folder.absolute()
    try:
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
        usage = shutil.disk_usage(existing)
    except (OSError, ValueError):  # a network drive that went away; a name that no file can have
        return Disk(str(folder), None, None)
    return Disk(str(folder), usage.total, usage.free)
