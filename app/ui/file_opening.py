"""Opens files that a person opened with Edgewise, in the window that is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.domain.errors import EdgewiseError
from app.domain.model import LibraryEntry
from app.services.background import Background
from app.services.model_library import ModelLibrary
from app.services.opened_files import OpenedFiles, sort_out


class FileOpening(QObject):
    """Lives on the window's thread; the disk is read on another."""

    chat_requested = Signal(str)
    """Library name of a model that was opened and that the library knows."""
    offered = Signal(list)
    """`Path`s of models that the library does not know."""
    refused = Signal(object)
    """An `EdgewiseError`: what was opened cannot be used."""

    def __init__(self, library: ModelLibrary, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._background = background
        self._awaited: frozenset[Path] = frozenset()

    def open(self, paths: Sequence[Path]) -> None:
        """Chat with the model, or offer to take it into the library."""
        if paths:
            self._background.run(lambda: sort_out(self._library, paths), self._sorted, self.refused.emit)

    def imported(self, entry: LibraryEntry) -> None:
        """A model was taken into the library: if it was opened and is used where it lies, it is chatted with.

        A copy may take minutes, after which nobody waits for a page to change by itself.
        """
        if entry.model.path in self._awaited:
            self._awaited = frozenset()
            self.chat_requested.emit(entry.model.name)

    def _sorted(self, files: OpenedFiles) -> None:
        if files.new:
            alone = len(files.new) == 1 and not files.known
            self._awaited = frozenset(files.new) if alone else frozenset()
            self.offered.emit(list(files.new))
        elif files.known:
            self._say_known(files.known)
        if files.refused:
            self.refused.emit(_together(files.refused))

    def _say_known(self, known: Sequence[LibraryEntry]) -> None:
        usable = [entry for entry in known if not entry.problem]
        if usable:
            self.chat_requested.emit(usable[0].model.name)
        else:
            name, problem = known[0].model.name, known[0].problem
            self.refused.emit(
                EdgewiseError(f"{name} is in the library, but nobody can chat with it. {problem}")
            )


def _together(refused: Sequence[EdgewiseError]) -> EdgewiseError:
    if len(refused) == 1:
        return refused[0]
    every = "\n\n".join(error.message for error in refused)
    more = "Another one" if len(refused) == 2 else f"{len(refused) - 1} more"
    others = f"{more} could not be opened, either."
    return EdgewiseError(f"{refused[0].message} {others}", detail=every)
