"""The whole computer at once."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from app.domain.machine import Disk, Gpu
from app.hardware import probe as module
from app.hardware.probe import probe, probe_disk


def test_the_disk_of_a_folder_that_is_yet_to_be_made(tmp_path: Path) -> None:
    folder = tmp_path / "models to come" / "家"
    disk = probe_disk(folder)
    assert disk.folder == str(folder)
    assert disk.free is not None
    assert disk.total is not None
    assert 0 < disk.free <= disk.total
    assert not folder.exists()


def test_a_disk_that_does_not_answer_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: Path) -> None:
        raise OSError("Transport endpoint is not connected")

    monkeypatch.setattr(shutil, "disk_usage", gone)
    assert probe_disk(tmp_path) == Disk(str(tmp_path), None, None)


def test_gpus_come_from_the_driver_and_from_llama_cpp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvidia = Gpu("NVIDIA GeForce RTX 4060 Laptop GPU", 8 << 30, 7 << 30, "580.65.06", "8.9")
    monkeypatch.setattr(module, "probe_nvidia", lambda: (nvidia,))
    machine = probe(tmp_path, "Available devices:\n  Vulkan0: Intel(R) UHD Graphics (9 MiB, 8 MiB free)\n")
    assert [gpu.name for gpu in machine.gpus] == [nvidia.name, "Intel(R) UHD Graphics"]


def test_this_computer_is_known_within_300_ms(tmp_path: Path) -> None:
    probe(tmp_path)  # imports apart
    started = time.perf_counter()
    machine = probe(tmp_path)
    assert time.perf_counter() - started < 0.3
    assert machine.system
