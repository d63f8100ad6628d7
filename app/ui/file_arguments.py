"""Files as they are named on a command line, and by desktops: paths, or file:// addresses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit


def named_files(arguments: Iterable[str]) -> list[Path]:
    """The files that `arguments` name, as absolute paths, each once. They need not exist.

    Left out is what names nothing: an address of another computer, or one that cannot be read.
    """
    paths = [path for argument in arguments if (path := _path(argument)) is not None]
    return list(dict.fromkeys(paths))


def _path(argument: str) -> Path | None:
    if "\0" in argument or not argument:
        return None
    if argument[:5].casefold() == "file:":
        return _of_address(argument)
    return Path(os.path.abspath(argument))  # noqa: PTH100  # without “..”, and links are left as they are


def _of_address(address: str) -> Path | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.netloc.casefold() not in ("", "localhost"):
        return None
    raw = unquote_to_bytes(parts.path)
    if b"\0" in raw:
        return None
    try:
        text = os.fsdecode(raw)
    except UnicodeDecodeError:  # Windows has no bytes that are no text
        return None
    if sys.platform == "win32":  # file:///C:/models/x.gguf
        text = text.lstrip("/")
    path = Path(text)
    return path if path.is_absolute() else None
