"""The whole computer at once."""

from __future__ import annotations

import time
from pathlib import Path

from app.hardware.probe import probe, probe_disk


def test_the_disk_of_a_folder_that_is_yet_to_be_made(tmp_path: Path) -> None:
    folder = tmp_path / "models to come" / "家"
    disk = probe_disk(folder)
    assert disk.folder == str(folder)
    assert 0 < disk.free <= disk.total
    assert not folder.exists()


def test_this_computer_is_known_within_300_ms(tmp_path: Path) -> None:
    probe(tmp_path)  # imports apart
    started = time.perf_counter()
    machine = probe(tmp_path)
    assert time.perf_counter() - started < 0.3
    assert machine.system
