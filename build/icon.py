"""The icon as PNG files: `python -m build.icon FOLDER SIZE…` with a Python that has Qt."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ICON = PROJECT / "resources" / "icons" / "edgewise.svg"
"""Drawn on a grid of 16: crisp at 16 pixels and its multiples."""

SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
"""In pixels, those that desktops on Linux ask for."""


def draw(folder: Path, sizes: Sequence[int], icon: Path = ICON) -> list[Path]:
    """`icon` as `folder`/SIZE.png for each of `sizes`, in pixels. Raises ValueError if it is no SVG,
    OSError if a file cannot be written."""
    # Nothing is shown, and what packs has no display.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QGuiApplication, QImage, QPainter  # noqa: TID251  # draws, shows nothing
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    renderer = QSvgRenderer(str(icon), application)
    if not renderer.isValid():
        raise ValueError(f"{icon} is no SVG that Qt can draw.")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for size in sizes:
        image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(0)
        painter = QPainter(image)
        renderer.render(painter, QRectF(0, 0, size, size))
        painter.end()
        file = folder / f"{size}.png"
        if not image.save(str(file)):
            raise OSError(f"{file} could not be written.")
        files.append(file)
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Draw the icon as PNG files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("sizes", type=int, nargs="+", metavar="SIZE")
    options = parser.parse_args(arguments)
    draw(options.folder, options.sizes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
