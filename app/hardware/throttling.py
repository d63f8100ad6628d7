"""Whether processor and GPUs held themselves back while something was measured, and why.

Linux counts the processor's own (Intel's alone have such counters), macOS tells a limit, NVIDIA's driver
gives the reasons of the moment, which are sampled. Where a system tells nothing, nothing is seen.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from app.domain.speed_test import Disturbance, Observation
from app.hardware import reading
from app.hardware.nvml import OpenGpu

MOST_EVENTS = (1 << 64) - 1
LEAST_SHARE = 0.05
"""Of a span's samples. A GPU touches its power limit for moments whenever a prompt is read."""
PMSET = "/usr/bin/pmset"

# nvml.h, nvmlClocksEventReasons. Not among them: an idle GPU, clocks that somebody set, boost kept in step.
SW_POWER_CAP = 0x04
HW_SLOWDOWN = 0x08
SW_THERMAL = 0x20
HW_THERMAL = 0x40
HW_POWER_BRAKE = 0x80
THERMAL = SW_THERMAL | HW_THERMAL
POWER = SW_POWER_CAP | HW_SLOWDOWN | HW_POWER_BRAKE
"""HW_SLOWDOWN is set beside HW_THERMAL too; alone it means that too much power was drawn."""


class ThrottlingSpan:
    """What is seen of throttling from the making of this on."""

    def __init__(self, root: Path = reading.ROOT, gpus: Sequence[OpenGpu] = ()) -> None:
        self._root = root
        self._gpus = gpus
        self._counts = slowdowns(root)
        self._told: Counter[int] = Counter()
        self._seen: Counter[tuple[int, Disturbance]] = Counter()

    def sample(self) -> None:
        """Ask the GPUs for their reasons of the moment."""
        for number, gpu in enumerate(self._gpus):
            reasons = gpu.clock_reasons()
            if reasons is None:
                continue
            self._told[number] += 1
            if reasons & THERMAL:
                self._seen[number, Disturbance.THERMAL] += 1
            elif reasons & POWER:
                self._seen[number, Disturbance.POWER_LIMIT] += 1

    def end(self) -> tuple[Observation, ...]:
        """All that was seen until now: of the processor first, then of each GPU."""
        found = []
        now = slowdowns(self._root)
        times = max((count - self._counts.get(which, count) for which, count in now.items()), default=0)
        if times > 0:
            detail = f"the processor slowed down {times:,} time{'' if times == 1 else 's'}"
            found.append(Observation(Disturbance.THERMAL, detail))
        if sys.platform == "darwin" and (
            limit := speed_limit(reading.program_output((PMSET, "-g", "therm")))
        ):
            found.append(
                Observation(Disturbance.THERMAL, f"the processor was held at {limit} % of its speed")
            )
        self.sample()
        for (number, kind), seen in sorted(self._seen.items()):
            share = seen / self._told[number]
            if share >= LEAST_SHARE:
                gpu = "the GPU" if len(self._gpus) == 1 else f"GPU {number}"
                what = "too hot" if kind is Disturbance.THERMAL else "at its power limit"
                found.append(
                    Observation(kind, f"{gpu} was {what} for {share:.0%} of the time".replace("%", " %"))
                )
        return tuple(found)


def slowdowns(root: Path) -> dict[str, int]:
    """How often each core and each package was slowed down by heat since the system was started
    (/sys/devices/system/cpu/cpu*/thermal_throttle, arch/x86/kernel/cpu/mce/therm_throt.c)."""
    processors = root / "sys/devices/system/cpu"
    found = {}
    for number in reading.processors(reading.text(processors / "online")):
        for name in ("core_throttle_count", "package_throttle_count"):
            file = processors / f"cpu{number}/thermal_throttle/{name}"
            count = reading.whole_number(reading.text(file), MOST_EVENTS)
            if count is not None:
                found[f"{number} {name}"] = count
    return found


def speed_limit(therm: str) -> int | None:
    """Per cent of its speed that macOS allows the processor, from what `pmset -g therm` prints, where that is
    less than all of it. Macs with Apple's own chips do not print it."""
    match = re.search(r"CPU_Speed_Limit\s*=\s*(\d{1,3})\s*$", therm, re.MULTILINE)
    limit = int(match[1]) if match else 100
    return limit if 0 < limit < 100 else None
