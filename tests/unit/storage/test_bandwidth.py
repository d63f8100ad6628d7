"""The measured bandwidth in its file, whole or damaged."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from app.domain.errors import StorageError
from app.domain.machine import Bandwidth
from app.storage.bandwidth import load_bandwidth, save_bandwidth

MEASURED = Bandwidth(28_000_000_000, 31_000_000_000, 2, "AMD EPYC", "2026-11-24")


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "new 家" / "bandwidth.json"
    assert load_bandwidth(path) is None
    save_bandwidth(path, MEASURED)
    assert load_bandwidth(path) == MEASURED
    assert [file.name for file in path.parent.iterdir()] == ["bandwidth.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"copy": -1},
        {"copy": "fast"},
        {"copy": 10**30},
        {"copy": True},
        {"read": 0},
        {"threads": None},
        {"cpu_model": 5},
        {"measured_on": "yesterday"},
        {"measured_on": 5},
        {"more": 1},
    ],
)
def test_what_cannot_be_is_measured_anew(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "bandwidth.json"
    path.write_text(json.dumps(asdict(MEASURED) | change), encoding="utf-8")
    assert load_bandwidth(path) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 60_000, b"9" * 60_000])
def test_a_damaged_file_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bandwidth.json"
    path.write_bytes(content)
    assert load_bandwidth(path) is None


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        save_bandwidth(tmp_path / "file" / "bandwidth.json", MEASURED)
