"""What the engines that run take of memory now, for who looks at them. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.services.engine_supervisor import Run


def measure(runs: Iterable[Run]) -> None:
    """Have each run tell what its processes take; one without a process tells nothing. Blocks some ms."""
    from app.engines.memory import process_tree, resident_memory
    from app.hardware.nvidia_processes import gpu_memory_of
    from app.services.engine_run import EngineRun

    for run in runs:
        if not isinstance(run, EngineRun):
            continue
        process = run.process
        resident = resident_memory(process.pid) if process is not None else None
        if process is None or resident is None:
            run.set_memory(None, None)
        else:
            run.set_memory(resident.total, gpu_memory_of(process_tree(process.pid)))
