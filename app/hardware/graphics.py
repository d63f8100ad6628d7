"""Whose display adapters a computer has, and whether Vulkan can be asked about them. Nothing is started."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable
from pathlib import Path

DRM = Path("/sys/class/drm")
MAKERS = {0x10DE: "NVIDIA", 0x1002: "AMD", 0x8086: "Intel"}
"""PCI's numbers of those who make GPUs that llama.cpp's Vulkan is tried on (pci-ids.ucw.cz)."""
MOST_ADAPTERS = 64
_DISPLAY_CLASS = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
"""Windows' class of display adapters (learn.microsoft.com, "System-Defined Device Setup Classes")."""


def display_makers() -> tuple[str, ...]:
    """The makers of this computer's display adapters, each once; others than `MAKERS` are left out.

    Empty on macOS, where Vulkan is of no use.
    """
    if sys.platform == "win32":
        return _named(_windows_vendors())
    return _named(_linux_vendors(DRM)) if sys.platform == "linux" else ()


def has_vulkan() -> bool | None:
    """Whether Vulkan's loader can be loaded; None on systems where nobody asks for it."""
    library = {"linux": "libvulkan.so.1", "win32": "vulkan-1.dll"}.get(sys.platform)
    if library is None:
        return None
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _named(vendors: Iterable[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(MAKERS[vendor] for vendor in vendors if vendor in MAKERS))


def _linux_vendors(drm: Path) -> list[int]:
    """PCI's number of each card's maker. A card that is not on PCI has none."""
    found = []
    for file in sorted(drm.glob("card*/device/vendor"))[:MOST_ADAPTERS]:
        try:
            found.append(int(file.read_text(encoding="ascii")[:16], 16))
        except (OSError, ValueError):
            continue
    return found


def _windows_vendors() -> list[int]:
    """PCI's number of each display adapter's maker, from the registry's "pci\\ven_10de&dev_…"."""
    if sys.platform != "win32":
        return []
    import winreg

    found = []
    for number in range(MOST_ADAPTERS):
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, f"{_DISPLAY_CLASS}\\{number:04}") as key:
                identity = str(winreg.QueryValueEx(key, "MatchingDeviceId")[0]).lower()
        except OSError:
            continue
        before, _, vendor = identity.partition("ven_")
        try:
            found.append(int(vendor[:4], 16) if before.startswith("pci") else 0)
        except ValueError:
            continue
    return found
