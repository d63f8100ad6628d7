"""Run by the frozen program before anything else: what it starts itself (engines, uv, the person's browser)
finds the system's libraries and not the bundle's.

PyInstaller's start tells where libraries lie in ways that every child inherits. The loader has read them by
now.
"""

import os
import sys

if sys.platform == "win32":
    import ctypes

    # The window's program has none of these, and what is written to them is for whoever started it in a
    # terminal.
    if sys.stderr is None:
        sys.stdin, sys.stdout, sys.stderr = (open(os.devnull, mode) for mode in ("r", "w", "w"))  # noqa: PTH123, SIM115

    # SetDllDirectory goes on to children, this does not (pyinstaller.org, “Launching external programs”).
    ctypes.WinDLL("kernel32").SetDllDirectoryW(None)
    os.add_dll_directory(sys._MEIPASS)  # type: ignore[attr-defined]
else:
    _theirs = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if _theirs is not None:
        os.environ["LD_LIBRARY_PATH"] = _theirs

# Else another start of this program would take itself for a part of this one, and not look for its libraries.
for _name in [name for name in os.environ if name.startswith("_PYI_")]:
    del os.environ[_name]
