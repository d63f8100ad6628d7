"""Battery or mains: on a battery most processors run slower."""

from __future__ import annotations

import sys
from pathlib import Path

from app.domain.machine import Power
from app.hardware import reading


def probe_power(root: Path = reading.ROOT) -> Power | None:
    """Where this computer's electricity comes from, or None where the system does not tell."""
    return from_linux(root) if sys.platform == "linux" else from_psutil()


def from_linux(root: Path) -> Power:
    """What /sys/class/power_supply holds (Documentation/ABI/testing/sysfs-class-power).

    Not psutil here: it takes the battery of a wireless mouse (scope "Device") for the computer's. A
    computer without a battery runs on mains, an emergency supply apart.
    """
    mains = False
    batteries: list[tuple[str, float | None]] = []
    for supply in _folders(root / "sys/class/power_supply"):
        kind = reading.text(supply / "type")
        if kind in ("Mains", "USB", "USB_C"):
            mains = mains or reading.text(supply / "online") not in ("", "0")
        elif (
            kind == "Battery"
            and reading.text(supply / "scope") != "Device"
            and reading.text(supply / "present") != "0"
        ):
            percent = reading.whole_number(reading.text(supply / "capacity"), 100)
            batteries.append((reading.text(supply / "status"), percent))
    if not batteries:
        return Power(on_battery=False)
    told = [percent for _, percent in batteries if percent is not None]
    discharging = any(status == "Discharging" for status, _ in batteries)
    return Power(
        on_battery=discharging and not mains,
        battery_percent=sum(told) / len(told) if told else None,
    )


def from_psutil() -> Power | None:
    """What macOS and Windows tell, by psutil; without a battery it is mains."""
    import psutil  # a tenth of the start-up: only who asks pays

    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError, ValueError, psutil.Error):
        return None
    if battery is None:
        return Power(on_battery=False)
    percent = float(battery.percent)
    plugged = battery.power_plugged
    return Power(
        on_battery=None if plugged is None else not plugged,
        battery_percent=percent if 0 <= percent <= 100 else None,  # Windows says 255 for "unknown"
    )


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
