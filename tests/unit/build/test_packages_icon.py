"""The icon is drawn in every size that is asked for, crisp and with clear corners."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

from build.icon import ICON, PROJECT, SIZES


def test_the_icon_is_drawn_by_a_python_with_qt(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build.icon", str(tmp_path / "icons"), *map(str, SIZES)],
        cwd=PROJECT,
        check=True,
        timeout=60,
    )
    for size in SIZES:
        png = (tmp_path / "icons" / f"{size}.png").read_bytes()
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", png[16:24]) == (size, size)
        assert png[25] == 6, "with an alpha channel"


def test_the_icon_is_small_and_asks_for_nothing_else() -> None:
    drawing = ICON.read_text(encoding="utf-8")
    assert len(drawing) < 4000
    assert "href" not in drawing
    assert "font" not in drawing
