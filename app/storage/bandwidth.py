"""The memory bandwidth that was measured last: a test of a second is not for every start."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path

from app.domain.machine import Bandwidth
from app.storage.failures import explain_os_error
from app.storage.json_file import read_json, write_json

MOST = 10**15
"""Bytes per second; no computer's memory is as fast, so a file that says more is wrong."""
MOST_BYTES = 1 << 16


def load_bandwidth(path: Path) -> Bandwidth | None:
    """What `save_bandwidth` wrote; None without it. Never fails: a damaged file is one to measure anew."""
    try:
        bandwidth = Bandwidth(**read_json(path, MOST_BYTES))
        date.fromisoformat(bandwidth.measured_on)
    except (ValueError, TypeError):
        return None
    read = bandwidth.read
    whole = (
        _within(bandwidth.copy, MOST)
        and (read is None or _within(read, MOST))
        and _within(bandwidth.threads, 1 << 16)
        and isinstance(bandwidth.cpu_model, str)
        and isinstance(bandwidth.disturbed, bool)
    )
    return bandwidth if whole else None


def save_bandwidth(path: Path, bandwidth: Bandwidth) -> None:
    """Keep it, making the folder if need be. Raises `DiskFull` or `StorageError`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise explain_os_error(error, path.parent) from error
    write_json(path, asdict(bandwidth))


def _within(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most
