"""Battery or mains, from files as Linux has them and answers as psutil gives them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from app.domain.machine import Power
from app.hardware.power import from_linux, from_psutil

Supplies = dict[str, dict[str, str]]
AC = {"type": "Mains", "online": "1"}
BATTERY = {"type": "Battery", "status": "Discharging", "capacity": "63", "present": "1", "scope": "System"}
MOUSE = {"type": "Battery", "status": "Discharging", "capacity": "20", "scope": "Device"}


@pytest.mark.parametrize(
    ("supplies", "power"),
    [
        ({}, Power(on_battery=False)),
        ({"AC": AC, "BAT0": {**BATTERY, "status": "Charging"}}, Power(False, 63)),
        ({"AC": {**AC, "online": "0"}, "BAT0": BATTERY}, Power(True, 63)),
        # Held at 80 % to spare the battery.
        ({"AC": AC, "BAT0": {**BATTERY, "status": "Not charging", "capacity": "80"}}, Power(False, 80)),
        # A ThinkPad with two, of which one is used at a time.
        (
            {"BAT0": BATTERY, "BAT1": {**BATTERY, "status": "Unknown", "capacity": "97"}},
            Power(True, 80),
        ),
        # A desktop computer with a wireless mouse.
        ({"hidpp_battery_0": MOUSE}, Power(on_battery=False)),
        ({"ucsi-source-psy-1": {"type": "USB", "online": "1"}, "BAT0": BATTERY}, Power(False, 63)),
        ({"BAT0": {**BATTERY, "present": "0"}}, Power(on_battery=False)),
        ({"BAT0": {**BATTERY, "capacity": "9999"}}, Power(on_battery=True)),
        ({"BAT0": {"type": "Battery"}, "rubbish": {}}, Power(on_battery=False)),
    ],
)
def test_linux(tmp_path: Path, supplies: Supplies, power: Power) -> None:
    for name, files in supplies.items():
        folder = tmp_path / "sys/class/power_supply" / name
        folder.mkdir(parents=True)
        for file, text in files.items():
            (folder / file).write_text(text + "\n", encoding="ascii")
    assert from_linux(tmp_path) == power


@pytest.mark.parametrize(
    ("answer", "power"),
    [
        (None, Power(on_battery=False)),
        (SimpleNamespace(percent=55, power_plugged=False), Power(True, 55)),
        (SimpleNamespace(percent=100, power_plugged=True), Power(False, 100)),
        (SimpleNamespace(percent=255, power_plugged=None), Power(on_battery=None)),
    ],
)
def test_other_systems(monkeypatch: pytest.MonkeyPatch, answer: object, power: Power) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: answer, raising=False)
    assert from_psutil() == power


def test_a_system_that_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    assert from_psutil() is None
