"""Opens the window on a data folder, one window on each, or says why that cannot be."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from PySide6.QtWidgets import QApplication, QMessageBox

from app.domain.errors import EdgewiseError, StorageError
from app.storage.paths import Paths
from app.storage.settings import load_settings
from app.ui import theme
from app.ui.application import Edgewise
from app.ui.desktop_application import DesktopApplication
from app.ui.file_arguments import named_files
from app.ui.newer_database import open_or_ask
from app.ui.single_instance import DataFolderInUse, SingleInstance


def run_window(argv: list[str], files: Sequence[str] = ()) -> int:
    """Open the window, with `files` (paths or file:// addresses); returns the exit status once it is closed.

    `argv` is for Qt, which takes nothing but text.
    """
    app = DesktopApplication(argv)
    paths = Paths.find()
    opened = named_files(files)
    try:
        paths.create()
    except StorageError as error:
        return _cannot_start(app, error)
    instance = SingleInstance(paths.home)
    try:
        if not instance.claim(opened):
            return 0
    except DataFolderInUse as error:
        if error.elsewhere and not _open_anyway(app, error):
            return 1
        if not error.elsewhere or not instance.take_over():
            return _cannot_start(app, error)
    except StorageError as error:
        return _cannot_start(app, error)
    theme.apply(app, load_settings(paths.settings).theme)
    try:
        database = open_or_ask(paths.database)
    except StorageError as error:
        return _cannot_start(app, error)
    if database is None:  # it is a newer Edgewise's, and whoever was asked would rather quit
        instance.release()
        return 1
    edgewise = Edgewise(paths, database)
    instance.raise_requested.connect(edgewise.window.come_forward)
    instance.files_received.connect(edgewise.open_files)
    app.files_opened.connect(edgewise.open_files)
    edgewise.closed.connect(app.quit)
    edgewise.open()
    edgewise.open_files(opened)
    try:
        return app.exec()
    finally:
        edgewise.close()
        instance.release()


def _open_anyway(app: QApplication, error: DataFolderInUse) -> bool:
    """Whether a person says that nobody uses the folder any more, as after a stick was pulled out."""
    theme.apply(app)
    sys.stderr.write(f"{error.message}\n")
    box = QMessageBox(QMessageBox.Icon.Warning, "Edgewise", error.message)
    box.setInformativeText("If it is not open there, as after a stick was pulled out, open it here.")
    anyway = box.addButton("Open it here", QMessageBox.ButtonRole.AcceptRole)
    box.addButton("Quit", QMessageBox.ButtonRole.RejectRole)
    box.exec()
    return box.clickedButton() is anyway


def _cannot_start(app: QApplication, error: EdgewiseError) -> int:
    theme.apply(app)
    sys.stderr.write(f"{error.message}\n")
    QMessageBox.critical(None, "Edgewise", error.message)
    return 1
