"""The models on this machine, whoever put them there: their names, and which one a person means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.domain.errors import ModelFileError, NoModelYet
from app.domain.hub import Format
from app.domain.model import LibraryEntry, LocalModel, Place
from app.domain.quantization import split_name
from app.models.model_files import FoundModel, model_at, models_under


def local_models(folder: Path) -> list[LocalModel]:
    """The models under `folder`, by name. Projectors and later parts of split files are not models."""
    return [entry.model for entry in named(models_under(folder, Place.LIBRARY))]


def named(found: Iterable[FoundModel]) -> list[LibraryEntry]:
    """What was found with names that are unique, by name; the first come has the shorter one.

    A file that is found twice, by links, is one model. Headers are not read: `details` are None.
    """
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    files: set[str] = set()
    folders: dict[str, str] = {}
    entries = []
    for one in found:
        real = _real(one, folders)
        if real in files:
            continue
        files.add(real)
        name = _free_name(one, taken, numbers)
        taken.add(name.casefold())
        model = LocalModel(name, one.path, one.size, one.place, one.format)
        entries.append(LibraryEntry(model, None, problem=one.problem, projector=one.projector))
    return sorted(entries, key=lambda entry: entry.model.name.casefold())


def find_model(models: Sequence[LocalModel], wanted: str | None, *, folder: Path | None = None) -> LocalModel:
    """The model a person means: one's name, a unique part of one, or a file's path.

    A part that fits one model of our own folder means that one, whatever other programs have. None means the
    only or the smallest one that the app's own engine can load. `folder` is where a person can put one.
    Raises ModelFileError when there is none or more than one.
    """
    where = str(folder) if folder is not None else ""
    if wanted is None:
        loadable = [model for model in models if model.format is Format.GGUF and model.size > 0]
        if not loadable:
            raise NoModelYet(
                "There is no model yet. Download one, or put a GGUF file into the model folder.", detail=where
            )
        return min(loadable, key=lambda model: model.size)
    exact = [model for model in models if model.name == wanted]
    partial = [model for model in models if wanted.casefold() in model.name.casefold()]
    ours = [model for model in partial if model.place in (Place.LIBRARY, Place.BUNDLED)]
    for found in (exact, partial, ours):
        if len(found) == 1:
            return found[0]
    path = Path(os.path.expanduser(wanted))  # noqa: PTH111  # pathlib's raises where there is no such user
    if path.suffix.lower() == ".gguf" and os.path.isfile(path):  # noqa: PTH113  # and for a name too long
        return _at(path.absolute())
    names = ", ".join(model.name for model in (partial or models)[:5])
    if partial:
        raise ModelFileError(f"“{wanted}” could be more than one model: {names}.")
    there = f"There is: {names}." if names else "There is none at all yet."
    raise ModelFileError(f"There is no model “{wanted}”. {there}", detail=where)


def display_name(name: str) -> tuple[str, str]:
    """A model's name in two parts for reading: ("SmolLM2 135M Instruct", "Q4_1"); the second may be empty."""
    # Ollama writes qwen3:8b-q4_K_M.
    title, quantization = split_name(name.rsplit("/", 1)[-1].replace(":", "-"))
    return re.sub(r"[-_ ]+", " ", title).strip(), quantization


def _at(path: Path) -> LocalModel:
    found = model_at(path, Place.IN_PLACE)
    if found is None:  # a later part without its first
        return LocalModel(path.stem, path, path.stat().st_size, Place.IN_PLACE)
    return LocalModel(found.names[0], found.path, found.size, Place.IN_PLACE)


def _real(one: FoundModel, folders: dict[str, str]) -> str:
    """Where the file lies, links followed; those in our own folder are models in their own right."""
    path = str(one.path)
    if one.place is not Place.LIBRARY and os.path.islink(path):  # noqa: PTH114  # Path takes four times as long
        return os.path.realpath(path)
    parent, name = os.path.split(path)
    return f"{_real_folder(parent, folders)}{os.sep}{name}"


def _real_folder(folder: str, known: dict[str, str]) -> str:
    """`realpath`, asked once for each folder: a thousand models lie in a thousand of them."""
    if folder not in known:
        parent, name = os.path.split(folder)
        if not name or os.path.islink(folder):  # noqa: PTH114
            known[folder] = os.path.realpath(folder).rstrip(os.sep)
        else:
            known[folder] = f"{_real_folder(parent, known)}{os.sep}{name}"
    return known[folder]


def _free_name(one: FoundModel, taken: set[str], numbers: dict[str, int]) -> str:
    names = [name for name in one.names if name] or ["unnamed"]
    for name in (*names, *(f"{one.place.value}/{name}" for name in names)):
        if name.casefold() not in taken:
            return name
    last = names[-1].casefold()
    number = numbers.get(last, 2)  # a thousand of one name are not counted a thousand times
    while f"{last} {number}" in taken:
        number += 1
    numbers[last] = number + 1
    return f"{names[-1]} {number}"
