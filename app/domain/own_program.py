"""The program that this copy starts again as its own child: the guard of an engine, a worker, a check."""

from __future__ import annotations

import sys
from pathlib import Path

CONSOLE = "edgewise-cli.exe"
"""On Windows there are two: the window's has no standard input and output to speak through with its
children."""


def own_program() -> str | None:
    """The frozen app's program, whose first argument says what it is to be; None from source, where Python
    runs a module."""
    if not getattr(sys, "frozen", False):
        return None
    if sys.platform == "win32":
        return str(Path(sys.executable).with_name(CONSOLE))
    return sys.executable
