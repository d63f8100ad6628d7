"""Energy from counters as Linux has them, a battery's files and GPUs that answer or do not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from app.hardware import energy
from app.hardware.energy import BATTERY, GPU, PROCESSOR, Counter, EnergySpan, PowerMeter, find_meters

linux = pytest.mark.skipif(sys.platform != "linux", reason="these files are Linux's")


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="ascii")


def zone(number: str, name: str, microjoules: int, most: int = 262_143_328_850) -> dict[str, str]:
    folder = f"sys/class/powercap/intel-rapl:{number}"
    return {
        f"{folder}/name": name,
        f"{folder}/energy_uj": str(microjoules),
        f"{folder}/max_energy_range_uj": str(most),
    }


def battery(name: str = "BAT0", **files: str) -> dict[str, str]:
    all_of_it = {"type": "Battery", "status": "Discharging", "capacity": "60", **files}
    return {f"sys/class/power_supply/{name}/{file}": text for file, text in all_of_it.items()}


class Gpu:
    """Stands for an OpenGpu."""

    def __init__(self, joules: float | None = None, watts: float | None = None) -> None:
        self.counted, self.now = joules, watts

    def joules(self) -> float | None:
        return self.counted

    def watts(self) -> float | None:
        return self.now


class Clock:
    """Shows what was set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def meters(root: Path, *gpus: Gpu):
    return find_meters(root, cast(Any, gpus))


def test_a_machine_without_any(tmp_path: Path) -> None:
    assert meters(tmp_path) == ()
    assert EnergySpan(()).end({}) is None


def test_packages_count_once(tmp_path: Path) -> None:
    write(tmp_path, zone("0", "package-0", 1_000_000) | zone("0:0", "core", 5) | zone("1", "package-1", 7))
    write(tmp_path, zone("2", "psys", 9))
    mmio = "sys/class/powercap/intel-rapl-mmio:0"
    write(
        tmp_path, {f"{mmio}/name": "package-0", f"{mmio}/energy_uj": "1", f"{mmio}/max_energy_range_uj": "9"}
    )
    clock = Clock()
    span = EnergySpan(meters(tmp_path), clock)
    write(tmp_path, zone("0", "package-0", 41_000_000) | zone("1", "package-1", 20_000_007))
    clock.now += 4
    used = span.end({PROCESSOR: 5.0})
    assert used is not None
    assert used.joules == pytest.approx(60)
    assert (used.seconds, used.sources) == (4.0, (PROCESSOR,))
    assert used.net_joules == pytest.approx(40)


def test_a_counter_that_went_round(tmp_path: Path) -> None:
    write(tmp_path, zone("0", "package-0", 90_000_000, most=100_000_000))
    clock = Clock()
    span = EnergySpan(meters(tmp_path), clock)
    for microjoules in (99_000_000, 19_000_000, 99_000_000, 1_000_000):  # twice round: it is read in between
        write(tmp_path, zone("0", "package-0", microjoules, most=100_000_000))
        span.sample()
    clock.now += 1
    used = span.end({})
    assert used is not None
    assert used.joules == pytest.approx(111)


@linux
@pytest.mark.parametrize("text", ["", "rubbish", "-5", "9" * 30])
def test_counters_that_tell_nothing_are_no_meters(tmp_path: Path, text: str) -> None:
    write(tmp_path, zone("0", "package-0", 0) | {"sys/class/powercap/intel-rapl:0/energy_uj": text})
    assert meters(tmp_path) == ()


def test_the_range_of_a_counter_has_to_be_known(tmp_path: Path) -> None:
    write(tmp_path, zone("0", "package-0", 5, most=0))
    assert meters(tmp_path) == ()


def test_sockets_of_amd(tmp_path: Path) -> None:
    chip = "sys/class/hwmon/hwmon3"
    write(
        tmp_path,
        {
            f"{chip}/name": "amd_energy",
            f"{chip}/energy1_label": "Ecore000",
            f"{chip}/energy1_input": "5",
            f"{chip}/energy33_label": "Esocket0",
            f"{chip}/energy33_input": "3000000",
            "sys/class/hwmon/hwmon0/name": "acpitz",
        },
    )
    (meter,) = meters(tmp_path)
    assert (meter.source, meter.read()) == (PROCESSOR, 3.0)


def test_a_gpu_that_counts_and_one_that_tells_its_power(tmp_path: Path) -> None:
    gpus = Gpu(joules=10.0, watts=300.0), Gpu(watts=50.0), Gpu()
    counter, power = meters(tmp_path, *gpus)
    assert isinstance(counter, Counter)
    assert isinstance(power, PowerMeter)
    assert counter.source == power.source == GPU


def test_power_is_added_up_over_time() -> None:
    clock = Clock()
    watts: Iterator[float | None] = iter([100.0, 200.0, None, 300.0, 300.0])
    meter = PowerMeter(GPU, lambda: next(watts), clock)
    assert meter.read() == 0
    clock.now += 2
    assert meter.read() == 300  # the mean of both, for two seconds
    clock.now += 1
    assert meter.read() is None
    clock.now += 5
    assert meter.read() == 300  # nothing is made up for the time that is not known
    clock.now += 1
    assert meter.read() == 600


def test_what_is_dear_to_ask_is_asked_now_and_then() -> None:
    clock = Clock()
    watts: Iterator[float] = iter([100.0, 300.0])
    meter = PowerMeter(BATTERY, lambda: next(watts), clock, every_s=10)
    assert meter.read() == 0
    clock.now += 4
    assert meter.read() == 400
    clock.now += 6
    assert meter.read() == 2000


def test_a_meter_that_failed_in_between_does_not_count() -> None:
    clock = Clock()
    gpu, other = Gpu(joules=10.0), Gpu(joules=20.0)
    span = EnergySpan([Counter(PROCESSOR, other.joules), Counter(GPU, gpu.joules)], clock)
    gpu.counted = None
    span.sample()
    gpu.counted, other.counted = 50.0, 25.0
    clock.now += 2
    used = span.end({PROCESSOR: 1.0, GPU: 30.0})
    assert used is not None
    assert (used.joules, used.sources, used.idle_watts) == (5.0, (PROCESSOR,), 1.0)


def test_one_gpu_of_two_is_not_the_gpus() -> None:
    clock = Clock()
    sound, lost = Gpu(joules=1.0), Gpu(joules=1.0)
    span = EnergySpan([Counter(GPU, sound.joules), Counter(GPU, lost.joules)], clock)
    sound.counted, lost.counted = 9.0, None
    clock.now += 2
    assert span.end({}) is None


def test_a_counter_that_began_anew_does_not_count() -> None:
    clock = Clock()
    gpu = Gpu(joules=1000.0)
    span = EnergySpan([Counter(GPU, gpu.joules)], clock)
    gpu.counted = 3.0
    span.sample()
    gpu.counted = 2000.0
    clock.now += 2
    assert span.end({}) is None


def test_a_counter_that_stands_still_does_not_count() -> None:
    clock = Clock()
    span = EnergySpan([Counter(PROCESSOR, lambda: 7.0)], clock)
    clock.now += energy.STANDS_STILL_S
    assert span.end({}) is None


def test_idle_watts_of_some_sources_are_those_of_none() -> None:
    clock = Clock()
    gpu, processor = Gpu(joules=0.0), Gpu(joules=0.0)
    span = EnergySpan([Counter(PROCESSOR, processor.joules), Counter(GPU, gpu.joules)], clock)
    gpu.counted, processor.counted = 100.0, 20.0
    clock.now += 10
    used = span.end({PROCESSOR: 1.0})
    assert used is not None
    assert (used.joules, used.idle_watts, used.net_joules) == (120.0, None, None)
    assert span.watts() == {PROCESSOR: 2.0, GPU: 10.0}


@linux
def test_what_a_battery_gives_has_the_gpu_in_it(tmp_path: Path) -> None:
    write(tmp_path, battery(power_now="40000000") | battery("BAT1", status="Unknown"))
    gpu = Gpu(joules=0.0)
    counted, from_battery = meters(tmp_path, gpu)
    assert (counted.source, from_battery.source) == (GPU, BATTERY)
    span = EnergySpan([counted, from_battery])
    gpu.counted = 1e9
    used = span.end({})
    assert used is not None
    assert used.sources == (BATTERY,)
    assert used.joules < 1e9


@linux
def test_on_mains_a_battery_counts_nothing(tmp_path: Path) -> None:
    write(tmp_path, battery(power_now="40000000", status="Full"))
    gpu = Gpu(joules=0.0)
    span = EnergySpan(meters(tmp_path, gpu))
    gpu.counted = 8.0
    used = span.end({})
    assert used is not None
    assert (used.sources, used.joules) == ((GPU,), 8.0)


@linux
def test_a_processor_that_counts_needs_no_battery(tmp_path: Path) -> None:
    write(tmp_path, battery(power_now="40000000") | zone("0", "package-0", 5))
    assert [meter.source for meter in meters(tmp_path)] == [PROCESSOR]
