"""All of this computer at once."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from app.domain.machine import Disk, Machine
from app.hardware.cpu import probe_cpu, usable_physical_cores
from app.hardware.memory import available_memory, probe_memory
from app.hardware.metal import probe_metal
from app.hardware.nvidia import probe_nvidia

__all__ = ["available_memory", "probe", "probe_disk", "usable_physical_cores"]


def probe(model_folder: Path) -> Machine:
    """This computer, with the disk that holds `model_folder` (which need not exist yet)."""
    return Machine(
        system=f"{platform.system()} {platform.release()}".strip(),
        cpu=probe_cpu(),
        memory=probe_memory(),
        disk=probe_disk(model_folder),
        gpus=(*probe_nvidia(), *probe_metal()),
    )


def probe_disk(folder: Path) -> Disk:
    """Space on the file system that holds `folder`, or would hold it."""
    existing = folder.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    usage = shutil.disk_usage(existing)
    return Disk(str(folder), usage.total, usage.free)
