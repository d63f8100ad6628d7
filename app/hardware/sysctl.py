"""macOS's settings, by its own program: one start for all that are wanted."""

from __future__ import annotations

from collections.abc import Collection

from app.hardware.reading import program_output

PROGRAM = "/usr/sbin/sysctl"
BRAND = "machdep.cpu.brand_string"
"""The setting that names the chip."""


def read_settings(names: Collection[str]) -> dict[str, str]:
    """Those of `names` that this system has. Unknown ones make sysctl fail, after it told the others."""
    return parse_settings(program_output((PROGRAM, *names)))


def parse_settings(text: str) -> dict[str, str]:
    """What `sysctl NAME …` prints: a line "name: value" for each."""
    settings = {}
    for line in text.splitlines():
        name, colon, value = line.partition(": ")
        if colon and value.strip():
            settings[name.strip()] = " ".join(value.split())
    return settings
