"""An icon for installers of tests."""

from __future__ import annotations

import struct
from pathlib import Path


def icon(path: Path) -> Path:
    """An .ico file of one picture, 16 by 16 pixels."""
    pixels = bytes([0x8F, 0x6C, 0x2B, 0xFF]) * 256
    image = struct.pack("<IiiHHIIiiII", 40, 16, 32, 1, 32, 0, 0, 0, 0, 0, 0) + pixels + bytes(4 * 16)
    path.write_bytes(
        struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(image), 22) + image
    )
    return path
