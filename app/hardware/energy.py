"""Energy that this computer uses, from the counters and meters it lets a person read without being root.

Linux: the processor's own counters (RAPL, of Intel's and AMD's processors), which since 2020 only root may
read unless the machine's owner says otherwise. Everywhere NVIDIA's GPUs, and a battery while it discharges.
macOS and Windows tell of the processor to administrators alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from app.domain.speed_test import Energy
from app.hardware import battery, reading
from app.hardware.nvml import OpenGpu

PROCESSOR = "processor"
GPU = "GPU"
BATTERY = "battery"

MOST_MICROJOULES = (1 << 64) - 1
STANDS_STILL_S = 1.0
"""A counter that has not moved for so long does not count: some virtual machines have such."""


class Meter(Protocol):
    """Something that counts energy. `source` is what it is the energy of."""

    source: str

    def read(self) -> float | None:
        """Joules since some moment in the past; None when it does not tell now. Only differences mean
        something, and none in between of which a reading failed."""
        ...


class Counter:
    """A meter of a counter that the hardware keeps. `wraps_at` is where it begins anew, in joules; it has to
    be read once a turn. A counter that fell although it does not wrap began anew: that reading is None."""

    def __init__(
        self, source: str, joules: Callable[[], float | None], wraps_at: float | None = None
    ) -> None:
        self.source = source
        self._joules = joules
        self._wraps_at = wraps_at
        self._last: float | None = None
        self._turns = 0.0

    def read(self) -> float | None:
        """See `Meter`."""
        now = self._joules()
        if now is None:
            return None
        fell = self._last is not None and now < self._last
        self._last = now
        if fell:
            if self._wraps_at is None:
                return None
            self._turns += self._wraps_at
        return self._turns + now


class PowerMeter:
    """A meter of something that tells its power only: the power's integral over the moments it was read at
    (trapezoids). Read it several times a second. Within `every_s` of an answer it is not asked again: its
    power is taken to be the same."""

    def __init__(
        self,
        source: str,
        watts: Callable[[], float | None],
        clock: Callable[[], float] = time.monotonic,
        *,
        every_s: float = 0.0,
    ) -> None:
        self.source = source
        self._watts = watts
        self._clock = clock
        self._every_s = every_s
        self._last: tuple[float, float] | None = None
        self._joules = 0.0

    def read(self) -> float | None:
        """See `Meter`."""
        at = self._clock()
        if self._last is not None and at - self._last[0] < self._every_s:
            return self._joules + self._last[1] * (at - self._last[0])
        watts = self._watts()
        if watts is None:
            self._last = None
            return None
        if self._last is not None:
            before, last = self._last
            self._joules += (watts + last) / 2 * (at - before)
        self._last = at, watts
        return self._joules


def find_meters(root: Path = reading.ROOT, gpus: Sequence[OpenGpu] = ()) -> tuple[Meter, ...]:
    """What counts energy here: the processor's packages, each of the `gpus`, and a battery where the
    processor's own counters cannot be read."""
    processor = _rapl(root) or _amd_energy(root)
    meters: list[Meter] = [*processor, *(_of_gpu(gpu) for gpu in gpus if _tells(gpu))]
    if not processor and battery.has_battery(root):
        meters.append(PowerMeter(BATTERY, lambda: battery.battery_watts(root), every_s=battery.EVERY_S))
    return tuple(meters)


class EnergySpan:
    """What `meters` count from the making of this on."""

    def __init__(self, meters: Sequence[Meter], clock: Callable[[], float] = time.monotonic) -> None:
        self._meters = meters
        self._clock = clock
        self._began = clock()
        self._first = [meter.read() for meter in meters]
        self._last = list(self._first)

    def sample(self) -> None:
        """Read the meters. A meter that fails once in a span does not count in it."""
        for index, meter in enumerate(self._meters):
            if self._last[index] is not None:
                self._last[index] = meter.read()

    def end(self, idle: Mapping[str, float]) -> Energy | None:
        """The energy until now, None where nothing counted it. `idle`: watts of each source when nothing
        runs, as `watts` gave them before."""
        seconds, joules = self._used()
        if not joules:
            return None
        known = all(source in idle for source in joules)
        return Energy(
            joules=sum(joules.values()),
            seconds=seconds,
            sources=tuple(joules),
            idle_watts=sum(idle[source] for source in joules) if known else None,
        )

    def watts(self) -> dict[str, float]:
        """The mean power of each source until now."""
        seconds, joules = self._used()
        return {source: used / seconds for source, used in joules.items()}

    def _used(self) -> tuple[float, dict[str, float]]:
        """Seconds until now and the joules of each source all of whose meters count."""
        self.sample()
        seconds = self._clock() - self._began
        joules: dict[str, float] = {}
        failed: set[str] = set()
        for meter, first, last in zip(self._meters, self._first, self._last, strict=True):
            if first is None or last is None or (last <= first and seconds >= STANDS_STILL_S):
                failed.add(meter.source)
            else:
                joules[meter.source] = joules.get(meter.source, 0.0) + last - first
        told = {source: used for source, used in joules.items() if source not in failed and used > 0}
        # All that runs on a battery takes its energy from there: beside it a GPU would count twice.
        return seconds, {BATTERY: told[BATTERY]} if BATTERY in told else told


def _rapl(root: Path) -> tuple[Meter, ...]:
    """A meter for each package that may be read (Documentation/power/powercap/powercap.rst).

    Packages alone: "core", "uncore" lie within them, "psys" around them, and not every maker wired it. The
    folders intel-rapl-mmio:* count the same packages once more.
    """
    meters: list[Meter] = []
    for zone in _folders(root / "sys/class/powercap", "intel-rapl:*"):
        if not reading.text(zone / "name").startswith("package"):
            continue
        range_uj = reading.whole_number(reading.text(zone / "max_energy_range_uj"), MOST_MICROJOULES)
        counter = _microjoules(zone / "energy_uj")
        if counter() is not None and range_uj:
            meters.append(Counter(PROCESSOR, counter, range_uj / 1e6))
    return tuple(meters)


def _amd_energy(root: Path) -> tuple[Meter, ...]:
    """AMD's sockets by the driver amd_energy, which is part of some kernels (Documentation/hwmon/amd_energy
    of 5.8 to 5.12). Its counters are 64 bits wide and do not wrap."""
    meters: list[Meter] = []
    for chip in _folders(root / "sys/class/hwmon", "hwmon*"):
        if reading.text(chip / "name") != "amd_energy":
            continue
        for label in _folders(chip, "energy*_label"):
            counter = _microjoules(label.with_name(label.name.replace("_label", "_input")))
            if reading.text(label).startswith("Esocket") and counter() is not None:
                meters.append(Counter(PROCESSOR, counter))
    return tuple(meters)


def _microjoules(file: Path) -> Callable[[], float | None]:
    def joules() -> float | None:
        counted = reading.whole_number(reading.text(file), MOST_MICROJOULES)
        return None if counted is None else counted / 1e6

    return joules


def _tells(gpu: OpenGpu) -> bool:
    return gpu.joules() is not None or gpu.watts() is not None


def _of_gpu(gpu: OpenGpu) -> Meter:
    return Counter(GPU, gpu.joules) if gpu.joules() is not None else PowerMeter(GPU, gpu.watts)


def _folders(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []
