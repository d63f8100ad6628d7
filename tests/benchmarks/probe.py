"""How long it takes to know the machine, in fresh processes; and the bandwidth's test, apart from it.

`first` is what the window waits for: the probe with all that it loads, llama.cpp's list of devices among it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from app.hardware.bandwidth import measure_bandwidth
from app.hardware.cpu import probe_cpu
from app.hardware.memory import available_memory
from tests.benchmarks.figures import at_most, median, spread
from tests.benchmarks.window import new_home

ROUNDS = 11
BAR_MS = 300.0
BANDWIDTH_BAR_S = 1.0
BANDWIDTH_ROUNDS = 5
PROGRAM = """
import time
from app.services.this_machine import this_machine
from app.storage.paths import Paths
paths = Paths.find()
for _ in range(2):
    begin = time.perf_counter()
    this_machine(paths)
    print((time.perf_counter() - begin) * 1000)
"""


def measure() -> dict[str, Any]:
    first, again, command = [], [], []
    with new_home():
        run("-m", "app", "probe", "--json")  # measures the bandwidth once, and fills the caches
        for _ in range(ROUNDS):
            once, twice = (float(line) for line in run("-c", PROGRAM).split())
            first.append(once)
            again.append(twice)
            begin = time.perf_counter()
            run("-m", "app", "probe", "--json")
            command.append((time.perf_counter() - begin) * 1000)
    seconds, copies, reads = bandwidth()
    return {
        "first": at_most(median(first), BAR_MS, unit="ms"),
        "again_ms": round(median(again), 2),
        "command_ms": round(median(command), 1),
        "bandwidth": at_most(max(seconds), BANDWIDTH_BAR_S, unit="s, the longest"),
        "spread": {
            "first_ms": spread(first),
            "command_ms": spread(command),
            "copy_gb_s": spread(copies),
            "read_gb_s": spread(reads) if reads else None,
        },
    }


def bandwidth() -> tuple[list[float], list[float], list[float]]:
    """Seconds that each test took, and the GB/s that it found for copying and reading."""
    cpu = probe_cpu()
    seconds, copies, reads = [], [], []
    for _ in range(BANDWIDTH_ROUNDS):
        begin = time.perf_counter()
        measured = measure_bandwidth(cpu.model, cpu.usable_cores, available_memory())
        seconds.append(time.perf_counter() - begin)
        if measured is None:
            raise RuntimeError("The bandwidth could not be measured: too little memory is free.")
        copies.append(measured.copy / 1e9)
        if measured.read is not None:
            reads.append(measured.read / 1e9)
    return seconds, copies, reads


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], check=True, stdout=subprocess.PIPE, text=True, timeout=60
    )
    return done.stdout
