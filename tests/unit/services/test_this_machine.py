"""This computer with its cached bandwidth and llama.cpp's devices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.machine import Bandwidth
from app.services.this_machine import (
    BUILT_IN,
    gguf_build,
    this_machine,
    wants_measuring,
    with_measured_bandwidth,
)
from app.storage.bandwidth import load_bandwidth, save_bandwidth
from app.storage.paths import Paths

MEASURED = Bandwidth(28_000_000_000, None, 2, "?", "2026-11-24")


@pytest.fixture
def paths(empty_home: Path) -> Paths:
    return Paths.find()


def test_a_bandwidth_counts_on_the_processor_it_was_measured_on(paths: Paths) -> None:
    assert this_machine(paths).bandwidth is None
    save_bandwidth(paths.bandwidth, MEASURED)
    assert this_machine(paths).bandwidth is None
    here = replace(MEASURED, cpu_model=this_machine(paths).cpu.model)
    save_bandwidth(paths.bandwidth, here)
    assert this_machine(paths).bandwidth == here


def test_a_measurement_is_kept(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.hardware.bandwidth.measure_bandwidth", lambda *_: MEASURED)
    assert with_measured_bandwidth(this_machine(paths), paths).bandwidth == MEASURED
    assert load_bandwidth(paths.bandwidth) == MEASURED


def test_what_others_disturbed_stands_until_a_better_one(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(speed: int, *, disturbed: bool) -> Bandwidth | None:
        here = this_machine(paths)
        measured = replace(MEASURED, copy=speed, cpu_model=here.cpu.model, disturbed=disturbed)
        monkeypatch.setattr("app.hardware.bandwidth.measure_bandwidth", lambda *_: measured)
        return with_measured_bandwidth(here, paths).bandwidth

    def kept() -> tuple[int, bool]:
        bandwidth = this_machine(paths).bandwidth
        assert bandwidth is not None
        assert load_bandwidth(paths.bandwidth) == bandwidth
        return bandwidth.copy, wants_measuring(this_machine(paths))

    assert wants_measuring(this_machine(paths))
    measure(3_000_000_000, disturbed=True)
    assert kept() == (3_000_000_000, True)
    measure(2_000_000_000, disturbed=True)
    assert kept() == (3_000_000_000, True)
    measure(9_000_000_000, disturbed=True)
    assert kept() == (9_000_000_000, True)
    measure(8_000_000_000, disturbed=False)
    assert kept() == (8_000_000_000, False)
    measure(6_000_000_000, disturbed=True)
    assert kept() == (8_000_000_000, False)


def test_what_cannot_be_measured_is_not_kept(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.hardware.bandwidth.measure_bandwidth", lambda *_: None)
    assert with_measured_bandwidth(this_machine(paths), paths).bandwidth is None
    assert not paths.bandwidth.exists()


def test_llama_cpps_devices_are_among_the_gpus(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = "Available devices:\n  ROCm0: AMD Radeon RX 7900 XTX (24560 MiB, 24524 MiB free)\n"
    monkeypatch.setattr("app.engines.llama_cpp_programs.list_devices", lambda: listed)
    assert this_machine(paths).gpus[-1].device == "ROCm0"


NOTHING = "Available devices:\n  (none)\n"
RADEON = "Available devices:\n  Vulkan0: AMD Radeon RX 7800 XT (RADV NAVI32) (16368 MiB, 15800 MiB free)\n"
LAVAPIPE = "Available devices:\n  Vulkan0: llvmpipe (LLVM 15.0.6, 256 bits) (2048 MiB, 2048 MiB free)\n"


@pytest.mark.parametrize(
    ("printed", "engine"),
    [
        ({}, BUILT_IN),
        ({"vulkan": RADEON}, "llama_cpp_vulkan"),
        ({"cuda": NOTHING, "vulkan": RADEON}, "llama_cpp_vulkan"),
        ({"cuda": RADEON.replace("Vulkan", "CUDA"), "vulkan": RADEON}, "llama_cpp_cuda"),
        ({"vulkan": LAVAPIPE}, BUILT_IN),
        ({None: RADEON, "vulkan": RADEON}, BUILT_IN),
    ],
)
def test_the_build_that_runs_gguf_is_one_that_finds_a_gpu(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, printed: dict[str | None, str], engine: str
) -> None:
    libraries = {Path(backend): f"llama_cpp_{backend}" for backend in printed if backend is not None}
    monkeypatch.setattr(
        "app.engines.llama_cpp_programs.list_devices",
        lambda library=None: printed.get(library and str(library), ""),
    )
    monkeypatch.setattr(
        "app.services.this_machine._libraries", lambda _: ((id_, path) for path, id_ in libraries.items())
    )
    build = gguf_build(paths)
    assert build.engine == engine
    found = this_machine(paths).gpus
    assert any(gpu.device is not None for gpu in found) == (printed.get(None) == RADEON or engine != BUILT_IN)
