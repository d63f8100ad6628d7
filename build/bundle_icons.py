"""The icon in the forms that Windows and macOS want, and Windows' description of the program:
`python -m build.bundle_icons FOLDER` with a Python that has Qt and Pillow."""

from __future__ import annotations

import sys
from pathlib import Path

from app import __version__
from build import icon

SIZES = (16, 24, 32, 48, 64, 128, 256, 512, 1024)
"""In pixels: those of an .ico up to 256, those of an .icns from 16 on in powers of two."""


def write(folder: Path) -> None:
    """Write edgewise.ico, edgewise.icns and version.txt into `folder`. Raises OSError."""
    from PIL import Image  # type: ignore[import-not-found]  # of the environment that is bundled

    images = [Image.open(file) for file in icon.draw(folder / "png", SIZES)]
    small = [image for image in images if image.width <= 256]
    small[-1].save(folder / "edgewise.ico", append_images=small[:-1], sizes=[image.size for image in small])
    images[-1].save(folder / "edgewise.icns", append_images=images[:-1])
    (folder / "version.txt").write_text(version_resource(__version__), encoding="utf-8")


def version_resource(version: str) -> str:
    """What Windows shows of the program's file, as PyInstaller reads it (pyinstaller.org, “Capturing Windows
    Version Data”). `version` has three numbers."""
    numbers = (*map(int, version.split(".")), 0)
    strings = {
        "CompanyName": "The Edgewise authors",
        "FileDescription": "Edgewise",
        "FileVersion": version,
        "InternalName": "edgewise",
        "LegalCopyright": "MIT licence",
        "OriginalFilename": "Edgewise.exe",
        "ProductName": "Edgewise",
        "ProductVersion": version,
    }
    table = ", ".join(f"StringStruct({name!r}, {value!r})" for name, value in strings.items())
    return (
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, flags=0,"
        " OS=0x40004, fileType=1, subtype=0, date=(0, 0)), kids=["
        f"StringFileInfo([StringTable('040904B0', [{table}])]),"
        " VarFileInfo([VarStruct('Translation', [1033, 1200])])])\n"
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
