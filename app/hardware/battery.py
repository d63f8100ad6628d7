"""What a battery gives while it carries the computer."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path

from app.hardware import power, reading

MOST_WATTS = 1000.0
MOST_MICRO = 1 << 40
IOREG = "/usr/sbin/ioreg"
EVERY_S = 10.0 if sys.platform == "darwin" else 0.0
"""Between two questions. macOS is asked by starting a program, which costs too much to do more often."""

# winnt.h: SYSTEM_BATTERY_STATE, and its number in POWER_INFORMATION_LEVEL.
BATTERY_STATE = struct.Struct("<4?3xB6I")
BATTERY_STATE_LEVEL = 5
UNKNOWN_RATE = 0x8000_0000


def has_battery(root: Path = reading.ROOT) -> bool:
    """Whether this computer has a battery of its own, whatever carries it now."""
    if sys.platform == "linux":
        return bool(_batteries(root))
    told = power.from_psutil()
    return told is not None and told.battery_percent is not None


def battery_watts(root: Path = reading.ROOT) -> float | None:
    """What the batteries give now; None on mains, and where the system does not tell."""
    if sys.platform == "linux":
        return from_linux(root)
    if sys.platform == "darwin":
        return from_ioreg(reading.program_output((IOREG, "-w0", "-rn", "AppleSmartBattery")))
    if sys.platform == "win32":
        return from_windows(_battery_state())
    return None


def from_linux(root: Path) -> float | None:
    """What /sys/class/power_supply tells (Documentation/ABI/testing/sysfs-class-power): power_now in
    microwatts, or current_now in microamperes with voltage_now in microvolts.

    The kernel asks the battery once a second at most, and many have a new figure every few seconds only. Not
    energy_now: its steps are some 36 joules.
    """
    if not power.from_linux(root).on_battery:
        return None
    watts = 0.0
    for battery in _batteries(root):
        if reading.text(battery / "status") != "Discharging":
            continue
        now, current, voltage = (
            reading.whole_number(reading.text(battery / name).removeprefix("-"), MOST_MICRO)
            for name in ("power_now", "current_now", "voltage_now")
        )
        if now is not None:
            watts += now / 1e6
        elif current is not None and voltage is not None:
            watts += current / 1e6 * (voltage / 1e6)
        else:
            return None
    return _sound(watts)


def from_ioreg(text: str) -> float | None:
    """What `ioreg -rn AppleSmartBattery` prints: milliamperes, negative ones as their 64 bits read without a
    sign, and millivolts."""
    told = dict(re.findall(r'^\s*"(ExternalConnected|InstantAmperage|Voltage)" = (\w+)$', text, re.MULTILINE))
    current = reading.whole_number(told.get("InstantAmperage"), (1 << 64) - 1)
    voltage = reading.whole_number(told.get("Voltage"), 1 << 20)
    if told.get("ExternalConnected") != "No" or current is None or voltage is None:
        return None
    given = (1 << 64) - current if current >= 1 << 63 else 0
    return _sound(given / 1e3 * (voltage / 1e3))


def from_windows(state: bytes) -> float | None:
    """What a SYSTEM_BATTERY_STATE says: its rate is in milliwatts, negative while the battery gives."""
    if len(state) != BATTERY_STATE.size:
        return None
    on_mains, is_there, _, discharging, _, _, _, rate, *_ = BATTERY_STATE.unpack(state)
    if on_mains or not is_there or not discharging or rate <= UNKNOWN_RATE:
        return None
    return _sound(((1 << 32) - rate) / 1e3)


def _battery_state() -> bytes:
    """Windows' SYSTEM_BATTERY_STATE; empty if it does not answer."""
    if sys.platform != "win32":
        return b""
    import ctypes

    state = ctypes.create_string_buffer(BATTERY_STATE.size)
    try:
        ask = ctypes.WinDLL("powrprof").CallNtPowerInformation
        failed = ask(BATTERY_STATE_LEVEL, None, 0, state, BATTERY_STATE.size)
    except (OSError, AttributeError):
        return b""
    return b"" if failed else state.raw


def _sound(watts: float) -> float | None:
    return watts if 0 < watts <= MOST_WATTS else None


def _batteries(root: Path) -> list[Path]:
    """The computer's own batteries, not a mouse's; see app.hardware.power."""
    try:
        supplies = sorted((root / "sys/class/power_supply").iterdir())
    except OSError:
        return []
    return [
        supply
        for supply in supplies
        if reading.text(supply / "type") == "Battery" and reading.text(supply / "scope") != "Device"
    ]
