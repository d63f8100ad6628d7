"""Whether a model file that a person brings is copied, or used where it lies."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.models.one_line import one_line

_LONGEST_NAME = 80
_FILE_ENDING = re.compile(r"\.[a-z][a-z0-9]{0,15}", re.IGNORECASE)
"""Of "notes.txt" and "model.safetensors"; a folder called "Llama-3.2-1B-Instruct" has none."""


def model_paths(data: QMimeData) -> list[Path]:
    """The GGUF files, and what may be folders, among what is dragged; nothing else is ours to take.

    What is a folder is told by its name: to look would be to read the disk in the window's thread.
    """
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [
        path for path in paths if path.suffix.lower() == ".gguf" or not _FILE_ENDING.fullmatch(path.suffix)
    ]


def ask_how(parent: QWidget, paths: Sequence[Path], answer: Callable[[bool], None]) -> QMessageBox:
    """Ask, without blocking; `answer` is called with True for a copy, and not at all for neither."""
    box = QMessageBox(parent)
    box.setWindowTitle("Add a model")
    box.setTextFormat(Qt.TextFormat.PlainText)
    if len(paths) == 1:
        name = one_line(paths[0].name, _LONGEST_NAME)
        box.setText(f"Copy “{name}” into the model folder, or use it where it lies?")
    else:
        box.setText(f"Copy these {len(paths)} models into the model folder, or use them where they lie?")
    box.setInformativeText(
        "A copy stays when the original is moved or deleted. Used in place it takes no space again."
    )
    copy = box.addButton("Copy", QMessageBox.ButtonRole.AcceptRole)
    in_place = box.addButton("Use in place", QMessageBox.ButtonRole.ActionRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(copy)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def choose(button: object) -> None:
        if button is copy:
            answer(True)
        elif button is in_place:
            answer(False)

    box.buttonClicked.connect(choose)
    box.open()
    return box
