"""What the desktop knows the app by: its name, its icon, and the files that it hands over."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFileOpenEvent, QIcon
from PySide6.QtWidgets import QApplication

# In a frozen app, too: PyInstaller keeps a module's path relative to its folder of data.
ICON = Path(__file__).resolve().parents[2] / "resources" / "icons" / "edgewise.svg"
WINDOWS_ID = "Edgewise.Edgewise"


class DesktopApplication(QApplication):
    """The one application object."""

    files_opened = Signal(list)
    """`Path`s that macOS hands over: there a double click starts no second process."""

    def __init__(self, argv: list[str]) -> None:
        super().__init__(argv)
        self.setApplicationName("Edgewise")
        self.setApplicationDisplayName("Edgewise")
        self.setDesktopFileName("edgewise")  # by it Wayland finds the icon, and X11 the entry
        self.setWindowIcon(QIcon(str(ICON)))
        if sys.platform == "win32" and not getattr(sys, "frozen", False):
            _tell_apart_from_python()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent):
            if event.file():
                self.files_opened.emit([Path(event.file())])
            return True
        return super().event(event)


def _tell_apart_from_python() -> None:
    """Windows groups windows in the task bar by program, and from source that is Python.

    An installed Edgewise is a program of its own; with an id that its link in the start menu does not have, a
    pinned one would stand there twice.
    """
    import ctypes

    ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(WINDOWS_ID)  # type: ignore[attr-defined, unused-ignore]
