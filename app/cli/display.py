"""Whether a display answers, asked of its socket: in less than a millisecond, and without Qt.

Where none does, Qt ends the whole process, and nobody could say what is wrong. Only what is sure counts: a
display that cannot be asked here (a host that is slow, a form that is not known) is left to Qt.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

_X_SOCKETS = "/tmp/.X11-unix/X"  # where every X server has its own
_X_PORT = 6000
_TCP_TIMEOUT_S = 0.5
_X_DISPLAY = re.compile(r"(?P<host>[^/:]*):(?P<number>\d{1,5})(\.\d+)?")


def display_problem(environment: Mapping[str, str] = os.environ) -> str:
    """Why no window can be shown, as the beginning of a sentence; empty if one can, or if nobody knows.

    A platform that was chosen by name (QT_QPA_PLATFORM) is a person's own business.
    """
    if not sys.platform.startswith("linux") or environment.get("QT_QPA_PLATFORM"):
        return ""
    wayland, x = environment.get("WAYLAND_DISPLAY", ""), environment.get("DISPLAY", "")
    if environment.get("WAYLAND_SOCKET"):  # inherited and connected already
        return ""
    if not wayland and not x:
        return "There is no display here"
    dead = (not wayland or _is_dead_wayland(wayland, environment)) and (not x or _is_dead_x(x))
    return f"The display {x or wayland} does not answer" if dead else ""


def _is_dead_wayland(name: str, environment: Mapping[str, str]) -> bool:
    folder = environment.get("XDG_RUNTIME_DIR", "")
    path = Path(folder, name)  # an absolute name stands for itself
    return not path.is_absolute() or _refuses(socket.AF_UNIX, str(path))


def _is_dead_x(display: str) -> bool:
    matched = _X_DISPLAY.fullmatch(display)
    if matched is None:
        return False
    host, number = matched["host"], int(matched["number"])
    if host not in ("", "unix"):
        return _refuses(socket.AF_INET, (host, _X_PORT + number))
    path = f"{_X_SOCKETS}{number}"
    # The second is Linux's own: a socket that has no file, which is seen from within a sandbox, too.
    return _refuses(socket.AF_UNIX, path) and _refuses(socket.AF_UNIX, f"\0{path}")


def _refuses(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    """Whether surely nobody listens there."""
    with socket.socket(family, socket.SOCK_STREAM) as asking:
        asking.settimeout(_TCP_TIMEOUT_S)
        try:
            asking.connect(address)
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        except (OSError, OverflowError):
            return False
    return False
