"""What becomes of files that a person opened with Edgewise: by a double click, or on the command line.

A model that the library knows is chatted with. One that it does not know can be taken into it. What is no
model, or no whole one, is refused with its sentence, before anybody is asked anything. No Qt here; it blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import EdgewiseError
from app.domain.model import LibraryEntry
from app.services.model_import import importable
from app.services.model_library import ModelLibrary


@dataclass(frozen=True, slots=True)
class OpenedFiles:
    """`known` are in the library, `new` are models that are not (of several files the first).

    `refused` says why others cannot be used.
    """

    known: tuple[LibraryEntry, ...]
    new: tuple[Path, ...]
    refused: tuple[EdgewiseError, ...]


def sort_out(library: ModelLibrary, paths: Sequence[Path]) -> OpenedFiles:
    """Look at each of `paths`; parts of one model count as one. Expected failures are `refused`."""
    known: dict[Path, LibraryEntry] = {}
    new: dict[Path, None] = {}
    refused: list[EdgewiseError] = []
    for path in paths:
        try:
            found = importable(path)
        except EdgewiseError as error:
            refused.append(error)
            continue
        entry = library.known_at(found.path)
        if entry is None:
            new[found.path] = None
        else:
            known[entry.model.path] = entry
    return OpenedFiles(tuple(known.values()), tuple(new), tuple(refused))
