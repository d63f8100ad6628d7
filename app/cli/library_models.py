"""`edgewise models list`, `import`, `verify` and `remove`: the models on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from app.cli.command_line import FAILED, OK, USAGE
from app.cli.console import Console
from app.cli.no_model import no_model_yet
from app.cli.table import table
from app.domain.errors import ModelFileError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LibraryEntry, Place, Soundness, Verification
from app.domain.size_words import size
from app.services.model_library import ModelLibrary
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths

UNKNOWN = "–"
_HEADINGS = ("Model", "Where", "Quantization", "Parameters", "Size", "Context", "Last used")
_WORDS = 3
"""Columns that are aligned to the left; the others are numbers."""


def list_models(as_json: bool) -> int:
    """Run the command; returns the exit status. Raises StorageError."""
    console = Console()
    paths = Paths.find()
    used = _last_used(paths)
    library = ModelLibrary(paths, lambda: used)
    entries = {entry.model.path: entry for entry in library.entries()}
    console.transient("Reading the models’ headers…")
    try:
        library.read_details(
            list(entries.values()), lambda entry: entries.__setitem__(entry.model.path, entry)
        )
    finally:
        console.settle()
    if as_json:
        console.write(json.dumps([described(entry) for entry in entries.values()], indent=2) + "\n")
        return OK
    if not entries:
        console.line(no_model_yet(paths.models))
        return OK
    for line in table([_HEADINGS, *map(_row, entries.values())], left=_WORDS):
        console.line(line)
    for entry in entries.values():
        if entry.problem:
            console.line(f"{entry.model.name}: {entry.problem}")
    return OK


def import_models(paths: list[str], as_json: bool, *, copy: bool) -> int:
    """Run the command; returns the exit status. Ctrl+C leaves nothing half copied.

    Raises ModelFileError for what is no model, is not whole or is there already, and StorageError.
    """
    console = Console()
    library = ModelLibrary(Paths.find())
    imported: list[LibraryEntry] = []
    for path in map(Path, paths):
        shown = _Progress(console, f"Copying {path.name}…")
        try:
            entry = library.import_model(path, copy=copy, progress=shown.update, cancellation=Cancellation())
        finally:
            console.settle()
        imported.append(entry)
        if not as_json:
            console.line(f"{entry.model.name} is in the library ({size(entry.model.size)}).")
    if as_json:
        console.write(json.dumps([described(entry) for entry in imported], indent=2) + "\n")
    return OK


def verify_models(names: list[str], as_json: bool) -> int:
    """Run the command for those that `names` mean, or all; returns the exit status.

    Raises ModelFileError for a name that means none, or more than one.
    """
    console = Console()
    library = ModelLibrary(Paths.find())
    entries = [library.entry(name) for name in names] if names else library.entries()
    results: list[Verification] = []
    for entry in entries:
        shown = _Progress(console, f"Checking {entry.model.name}…")
        try:
            result = library.verify(entry, shown.update, Cancellation())
        finally:
            console.settle()
        results.append(result)
        if not as_json:
            console.line(f"{_MARKS[result.soundness]} {result.message}")
    if as_json:
        console.write(json.dumps([_result(result) for result in results], indent=2) + "\n")
    elif not entries:
        console.line("There is no model to check.")
    return FAILED if any(result.soundness is Soundness.DAMAGED for result in results) else OK


def remove_models(names: list[str], as_json: bool, yes: bool) -> int:
    """Run the command; returns the exit status. Asks first unless `yes`.

    Raises ModelFileError for a name that means none or a model of another program, and StorageError.
    """
    console = Console()
    library = ModelLibrary(Paths.find())
    entries = [library.entry(name) for name in dict.fromkeys(names)]
    for entry in entries:
        if reason := library.why_kept(entry):  # before anything is gone
            raise ModelFileError(reason)
    if not yes:
        if as_json or not sys.stdin.isatty():
            console.error("Nobody can be asked here. Say --yes to remove without a question.")
            return USAGE
        for entry in entries:
            console.line(_consequence(entry, library.freed_by_removing(entry)))
        console.write("Go on? [y/N] ")
        if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
            console.line("Nothing was removed.")
            return FAILED
    removed = []
    for entry in entries:
        freed = library.remove(entry)
        removed.append({"name": entry.model.name, "path": str(entry.model.path), "freed": freed})
        if not as_json:
            console.line(_done(entry, freed))
    if as_json:
        console.write(json.dumps(removed, indent=2) + "\n")
    return OK


def described(entry: LibraryEntry) -> dict[str, object]:
    """`entry` for a program: sizes in bytes, null where nothing is known."""
    model = entry.model
    return {
        "name": model.name,
        "path": str(model.path),
        "place": model.place.name.lower(),
        "format": model.format.value,
        "size": model.size,
        "details": asdict(entry.details) if entry.details else None,
        "last_used": entry.last_used,
        "problem": entry.problem,
        "projector": str(entry.projector) if entry.projector else None,
    }


class _Progress:
    """Says on a terminal how far something is, once for each percent."""

    def __init__(self, console: Console, what: str) -> None:
        self._console = console
        self._what = what
        self._percent = -1

    def update(self, done: int, total: int) -> None:
        percent = 100 * done // total if total else 100
        if percent != self._percent:
            self._percent = percent
            self._console.settle()
            self._console.transient(f"{self._what} {percent} %")


def _last_used(paths: Paths) -> Mapping[str, float]:
    if not paths.database.exists():  # a command that only reads shall not begin a database
        return {}
    with Database.open(paths.database) as database:
        return Ledger(database).last_used()


def _row(entry: LibraryEntry) -> tuple[str, ...]:
    model, details = entry.model, entry.details
    kind = details.quantization if details else ""
    if model.format is Format.SAFETENSORS:
        kind = f"{model.format.value} {kind}"
    return (
        model.name,
        model.place.value,
        kind or UNKNOWN,
        _count(details.parameters) if details and details.parameters else UNKNOWN,
        size(model.size),
        f"{details.context_length:,}" if details and details.context_length else UNKNOWN,
        f"{datetime.fromtimestamp(entry.last_used):%Y-%m-%d}" if entry.last_used else "never",
    )


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.1f} B" if parameters >= 1e9 else f"{parameters / 1e6:.0f} M"


def _consequence(entry: LibraryEntry, frees: int) -> str:
    if entry.model.place is Place.LIBRARY:
        return f"{entry.model.name} will be deleted, which frees {size(frees)}."
    return f"{entry.model.name} will be taken off the list; {entry.model.path} stays."


def _done(entry: LibraryEntry, freed: int) -> str:
    if entry.model.place is Place.LIBRARY:
        return f"{entry.model.name} is deleted; that freed {size(freed)}."
    return f"{entry.model.name} is off the list; its file stays."


def _result(result: Verification) -> dict[str, object]:
    return {
        "name": result.model.name,
        "path": str(result.model.path),
        "soundness": result.soundness.value,
        "message": result.message,
        "detail": result.detail,
    }


_MARKS = {Soundness.WHOLE: "✓", Soundness.COMPLETE: "✓", Soundness.DAMAGED: "✗"}
