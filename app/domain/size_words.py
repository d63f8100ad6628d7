"""Bytes in words, the same in the window and in the terminal.

Sizes are decimal (1 GB = 10^9 bytes), as the model hubs and the makers of disks count.
"""

from __future__ import annotations

_UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def size(count: int | float) -> str:
    """Bytes: "2.5 GB", "98 MB", "512 bytes"."""
    if count < 1000:
        return f"{count:.0f} byte{'' if round(count) == 1 else 's'}"
    for unit, of in _UNITS.items():
        # Compared as it will be shown: 999.7 MB is 1.0 GB, not "1,000 MB".
        if unit == "TB" or round(count / of) < 1000:
            value = count / of
            whole = unit in ("kB", "MB") and value >= 9.95
            return f"{value:,.0f} {unit}" if whole else f"{value:,.1f} {unit}"
    raise AssertionError


def exact_size(count: int | float) -> str:
    """With a digit more from 1 GB on, where two figures are compared: "3.61 GB", "405 MB"."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else size(count)


def size_of(done: int, whole: int | None) -> str:
    """How much of a file is there, in the whole's unit: "0.6 of 2.5 GB"; "0.6 GB" of an unknown whole."""
    if whole is None:
        return size(done)
    shown = size(whole)
    figure, unit = shown.rsplit(" ", 1)
    places = 1 if "." in figure else 0
    return f"{done / _UNITS.get(unit, 1.0):,.{places}f} of {shown}"
