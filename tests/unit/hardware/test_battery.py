"""A battery's power, as Linux's files, macOS's registry and Windows' record tell it."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from app.hardware.battery import battery_watts, from_ioreg, from_windows, has_battery

linux = pytest.mark.skipif(sys.platform != "linux", reason="these files are Linux's")

IOREG = """+-o AppleSmartBattery  <class AppleSmartBattery, id 0x1000001f4, registered, matched, active>
    {
      "ExternalConnected" = No
      "BatteryData" = {"Voltage"=1,"InstantAmperage"=7}
      "InstantAmperage" = 18446744073709550616
      "Voltage" = 12000
    }
"""


def supply(root: Path, files: dict[str, str]) -> None:
    folder = root / "sys/class/power_supply/BAT0"
    folder.mkdir(parents=True)
    for name, text in {"type": "Battery", "status": "Discharging", "capacity": "60", **files}.items():
        (folder / name).write_text(text + "\n", encoding="ascii")


@linux
@pytest.mark.parametrize(
    ("files", "watts"),
    [
        ({"power_now": "12500000"}, 12.5),
        ({"current_now": "1000000", "voltage_now": "11400000"}, 11.4),
        ({"current_now": "-1000000", "voltage_now": "11400000"}, 11.4),
        ({"power_now": "12500000", "status": "Charging"}, None),
        ({"power_now": "12500000", "scope": "Device"}, None),
        ({"power_now": "99999999999999"}, None),
        ({"power_now": "0"}, None),
        ({}, None),
    ],
)
def test_linux(tmp_path: Path, files: dict[str, str], watts: float | None) -> None:
    supply(tmp_path, files)
    assert has_battery(tmp_path) == (files.get("scope") != "Device")
    assert battery_watts(tmp_path) == (None if watts is None else pytest.approx(watts))


@linux
def test_a_computer_without_one(tmp_path: Path) -> None:
    assert not has_battery(tmp_path)
    assert battery_watts(tmp_path) is None


def test_macos() -> None:
    assert from_ioreg(IOREG) == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("= No", "= Yes"),
        ("18446744073709550616", "1500"),
        ("18446744073709550616", "9223372036854775808"),
        ("18446744073709550616", "99999999999999999999"),
        ('"Voltage" = 12000', ""),
        ("12000", "rubbish"),
    ],
)
def test_macos_on_mains_or_unsound(before: str, after: str) -> None:
    assert from_ioreg(IOREG.replace(before, after)) is None
    assert from_ioreg("") is None


def record(on_mains: int, is_there: int, discharging: int, milliwatts: int) -> bytes:
    """A SYSTEM_BATTERY_STATE; see winnt.h."""
    flags = bytes([on_mains, is_there, 0, discharging]) + bytes(4)
    return flags + struct.pack("<IIiIII", 50_000, 30_000, milliwatts, 3600, 0, 0)


@pytest.mark.parametrize(
    ("state", "watts"),
    [
        (record(0, 1, 1, -15_500), 15.5),
        (record(1, 1, 1, -15_500), None),
        (record(0, 0, 1, -15_500), None),
        (record(0, 1, 0, -15_500), None),
        (record(0, 1, 1, 15_500), None),
        (record(0, 1, 1, -(1 << 31)), None),
        (b"", None),
        (b"\xff" * 31, None),
    ],
)
def test_windows(state: bytes, watts: float | None) -> None:
    assert from_windows(state) == watts
