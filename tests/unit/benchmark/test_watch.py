"""The watch with real processes: what the engine's tree took, and what others did meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pynvml
import pytest

from app.benchmark import watch
from app.benchmark.watch import Idle, Watch, measure_idle
from app.domain.speed_test import Disturbance, Watched

MIB = 1 << 20
READY = "print('ready', flush=True)\n"
SPINS = READY + "while True: pass"
IN_A_CHILD = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', {program!r}])"
BREATHES = """
import mmap, sys, time
print('ready', flush=True)
input()
held = mmap.mmap(-1, 200 << 20)
for page in range(0, len(held), 4096):
    held[page] = 1
time.sleep(0.6)
held.close()
print('freed', flush=True)
input()
"""
"""A sleep, as that is what is tried: a peak between two looks."""


@pytest.fixture
def start():
    """Starts Python with a program, and returns once it says that it is ready."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(program: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"ready"
        return process

    yield begin
    for process in started:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.communicate()


Start = Callable[[str], subprocess.Popen[bytes]]


def used_until(process: psutil.Process, seconds: float) -> None:
    """Wait until the process has used so much processor time from now on."""
    began = process.cpu_times().user
    deadline = time.monotonic() + 60
    while process.cpu_times().user - began < seconds:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def other_cores(watched: Watched) -> float:
    """Cores that other programs used; 0 too where that were few enough not to be told."""
    return sum(
        float(seen.detail.split()[3]) for seen in watched.observations if seen.kind is Disturbance.OTHER_LOAD
    )


def while_it_spins(spinning: psutil.Process, *watches: Watch) -> tuple[float, list[Watched]]:
    """Cores that the process used, and what each of the watches saw meanwhile.

    Two watches that differ in one thing differ by the process: other programs run beside this test.
    """
    with ExitStack() as closing:
        for looking in watches:
            closing.enter_context(looking)
        for looking in watches:
            looking.begin()
        began = time.monotonic()
        used_until(spinning, 1.0)
        cores = 1.0 / (time.monotonic() - began)
        return cores, [looking.lap() for looking in watches]


def test_a_busy_child_is_the_engines_load_and_anothers_is_not(start: Start) -> None:
    busy, idle = start(IN_A_CHILD.format(program=SPINS)), start(READY + "input()")
    (child,) = psutil.Process(busy.pid).children()
    cores, (engine, other) = while_it_spins(child, Watch(busy.pid), Watch(idle.pid))
    assert engine.cpu_seconds == pytest.approx(1.0, abs=0.2)
    assert other.cpu_seconds == pytest.approx(0.0, abs=0.1)
    assert other_cores(other) - other_cores(engine) == pytest.approx(cores, abs=0.35)


def test_our_own_load_is_neither(start: Start) -> None:
    engine, ours = start(READY + "input()"), start(SPINS)
    watches = Watch(engine.pid, own_pids=lambda: (ours.pid,)), Watch(engine.pid)
    cores, (known, unknown) = while_it_spins(psutil.Process(ours.pid), *watches)
    assert other_cores(unknown) - other_cores(known) == pytest.approx(cores, abs=0.35)


def test_a_peak_that_is_over(start: Start) -> None:
    engine = start(IN_A_CHILD.format(program=BREATHES))
    with Watch(engine.pid) as looking:
        looking.begin()
        assert engine.stdin is not None
        assert engine.stdout is not None
        before = looking.lap().memory_peak
        engine.stdin.write(b"\n")
        engine.stdin.flush()
        assert engine.stdout.readline().strip() == b"freed"
        peak, after = looking.lap().memory_peak, looking.lap().memory_peak
    assert before is not None
    assert peak is not None
    assert after is not None
    assert 195 * MIB < peak - before < 230 * MIB
    assert after < before + 50 * MIB


def test_a_process_that_ends_meanwhile(start: Start) -> None:
    engine = start(READY + "input()")
    with Watch(engine.pid) as looking:
        looking.begin()
        engine.kill()
        engine.communicate()
        assert looking.lap().memory_peak is not None
        gone = looking.lap()
    assert (gone.memory_peak, gone.cpu_seconds, gone.gpu_memory_peak) == (None, None, None)


def test_a_server_of_somebody_else() -> None:
    with Watch(None) as looking:
        looking.begin()
        watched = looking.lap()
    assert (watched.memory_peak, watched.cpu_seconds) == (None, None)
    assert not any(seen.kind is Disturbance.OTHER_LOAD for seen in watched.observations)


def test_a_lap_before_the_beginning_saw_nothing() -> None:
    with Watch(None) as looking:
        assert looking.lap() == Watched()


def test_it_ends_twice_and_leaves_no_thread() -> None:
    before = threading.active_count()
    looking = Watch(None)
    looking.begin()
    looking.close()
    looking.close()
    assert threading.active_count() == before


def test_a_mistake_of_ours_is_raised_where_the_lap_is_asked_for() -> None:
    def broken() -> tuple[int, ...]:
        raise KeyError("own_pids")

    with Watch(None, own_pids=broken) as looking, pytest.raises(KeyError):
        looking.begin()


def test_looking_takes_little(start: Start) -> None:
    """Processor time of the thread that looks, over two seconds."""
    engine = start(READY + "input()")
    with Watch(engine.pid) as looking:
        looking.begin()
        thread = looking._thread.native_id
        began = time.monotonic()
        first = _thread_seconds(thread)
        deadline = began + 2
        while time.monotonic() < deadline:
            time.sleep(0.1)
        share = (_thread_seconds(thread) - first) / (time.monotonic() - began)
    assert share < 0.03  # it is about 0.005; system clocks count in steps of 10 ms


def _thread_seconds(number: int | None) -> float:
    return sum(one.user_time + one.system_time for one in psutil.Process().threads() if one.id == number)


def rapl(root: Path, microjoules: int) -> None:
    zone = root / "sys/class/powercap/intel-rapl:0"
    zone.mkdir(parents=True, exist_ok=True)
    for name, text in (("name", "package-0"), ("max_energy_range_uj", str(1 << 40))):
        (zone / name).write_text(text, encoding="ascii")
    (zone / "new").write_text(str(microjoules), encoding="ascii")
    (zone / "new").replace(zone / "energy_uj")  # at once: it is read on another thread


def test_energy_less_what_the_idle_machine_takes(tmp_path: Path) -> None:
    rapl(tmp_path, 0)
    idle = measure_idle(0.5, wait=lambda _: rapl(tmp_path, 5_000_000), root=tmp_path)
    assert idle.watts["processor"] > 0
    with Watch(None, idle=Idle({"processor": 2.0}), root=tmp_path) as looking:
        looking.begin()
        rapl(tmp_path, 95_000_000)
        energy = looking.lap().energy
    assert energy is not None
    assert energy.joules == pytest.approx(90)
    assert energy.net_joules == pytest.approx(90 - 2 * energy.seconds)


def test_without_meters_nobody_waits_for_idle(tmp_path: Path) -> None:
    waited: list[float] = []
    assert measure_idle(60, wait=waited.append, root=tmp_path) == Idle()
    assert waited == []


def test_what_ends_the_wait_is_raised(tmp_path: Path) -> None:
    rapl(tmp_path, 0)

    def cancelled(_: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        measure_idle(60, wait=cancelled, root=tmp_path)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A driver with one GPU that tells little: `processes` that run on it and bytes `used`."""
    made = SimpleNamespace(processes=[], used=10 << 30)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 1)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", lambda _: made.processes)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda _: SimpleNamespace(used=made.used))
    return made


def test_gpu_memory_that_the_engines_processes_hold(gpu, start: Start) -> None:
    engine = start(READY + "input()")
    gpu.processes = [SimpleNamespace(pid=engine.pid, usedGpuMemory=3 << 30)]
    with Watch(engine.pid, idle=Idle(gpu_memory=1 << 30)) as looking:
        looking.begin()
        assert looking.lap().gpu_memory_peak == 3 << 30


def test_gpu_memory_where_nobody_tells_whose_it_is(gpu, start: Start) -> None:
    engine = start(READY + "input()")
    assert measure_idle(0) == Idle({}, 10 << 30)
    with Watch(engine.pid, idle=Idle(gpu_memory=8 << 30)) as looking:
        looking.begin()
        gpu.used = 9 << 30
        assert looking.lap().gpu_memory_peak == 2 << 30  # at the beginning
        gpu.used = (8 << 30) + watch.LEAST_GPU_MEMORY - 1
        looking.begin()
        assert looking.lap().gpu_memory_peak is None
    with Watch(engine.pid) as looking:
        looking.begin()
        assert looking.lap().gpu_memory_peak is None


def test_a_driver_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hangs() -> None:
        release.wait(30)
        raise pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)

    monkeypatch.setattr(pynvml, "nvmlInit", hangs)
    monkeypatch.setattr(watch, "DEADLINE_S", 0.05)
    looking = Watch(None)
    try:
        looking.begin()
        assert looking.lap() == Watched()
        assert measure_idle(0) == Idle()
        looking.close()
    finally:
        release.set()
    looking._thread.join(10)
