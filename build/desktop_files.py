"""What a Linux desktop wants to know of an installed Edgewise: menu entry, icons, file type, manual."""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from pathlib import Path

from build.completion import bash_completion
from build.icon import ICON, PROJECT

INSTALLER = PROJECT / "installer" / "linux"


def day(epoch: int) -> str:
    """The day of `epoch` (seconds since 1970) as the ISO writes it, UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime(epoch))


def filled(name: str, values: Mapping[str, str]) -> bytes:
    """The file `name` of installer/linux with each @KEY@ replaced. Raises ValueError if one is left over."""
    text = (INSTALLER / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    # A comment of its own may name them.
    left = [line for line in text.splitlines() if "@" in line and not line.startswith(("#", ".\\"))]
    for line in left:
        words = line.split("@")[1::2]
        if any(word.isupper() for word in words):
            raise ValueError(f"{name} asks for a value that nobody gave: {line}")
    return text.encode()


def desktop_files(version: str, epoch: int, icons: Path) -> dict[str, bytes]:
    """The files below `share/`, by their path there. `icons` holds SIZE.png of each size."""
    from app.cli.command_line import _parser

    values = {"VERSION": version, "DATE": day(epoch)}
    files = {
        "applications/edgewise.desktop": filled("edgewise.desktop", {}),
        "mime/packages/edgewise.xml": filled("edgewise.xml", {}),
        "metainfo/edgewise.metainfo.xml": filled("edgewise.metainfo.xml", values),
        "man/man1/edgewise.1.gz": gzip.compress(filled("edgewise.1", values), 9, mtime=0),
        "bash-completion/completions/edgewise": bash_completion(_parser()).encode(),
        "icons/hicolor/scalable/apps/edgewise.svg": ICON.read_bytes(),
    }
    for icon in sorted(icons.glob("*.png"), key=lambda file: int(file.stem)):
        files[f"icons/hicolor/{icon.stem}x{icon.stem}/apps/edgewise.png"] = icon.read_bytes()
    return files
