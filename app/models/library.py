"""The models in the model folder."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from app.domain.errors import ModelFileError
from app.domain.model import LocalModel
from app.domain.quantization import split_name

_FIRST_PART = re.compile(r"-00001(-of-\d{5})$")
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}$")


def local_models(folder: Path) -> list[LocalModel]:
    """The chat models under `folder`, by name. Projectors and later parts of split files are not models."""
    models: dict[str, LocalModel] = {}
    for path in sorted(folder.rglob("*.gguf")):
        name = path.stem
        if name.startswith("mmproj") or _LATER_PART.search(name) or not path.is_file():
            continue
        if name in models:  # the same file name in two folders
            name = path.relative_to(folder).with_suffix("").as_posix()
        models[name] = LocalModel(name, path, _size(path))
    return sorted(models.values(), key=lambda model: model.name.casefold())


def find_model(folder: Path, wanted: str | None) -> LocalModel:
    """The model a person means: a name in the library, a unique part of one, or a file's path.

    None means the only or the smallest one. Raises ModelFileError when there is none or more than one.
    """
    models = local_models(folder)
    if wanted is None:
        if not models:
            raise ModelFileError(
                "There is no model yet. Put a GGUF file into the model folder.", detail=str(folder)
            )
        return min(models, key=lambda model: model.size)
    exact = [model for model in models if model.name == wanted]
    partial = [model for model in models if wanted.casefold() in model.name.casefold()]
    for found in (exact, partial):
        if len(found) == 1:
            return found[0]
    path = Path(os.path.expanduser(wanted))  # noqa: PTH111  # pathlib's raises where there is no such user
    if path.suffix.lower() == ".gguf" and os.path.isfile(path):  # noqa: PTH113  # and for a name too long
        return LocalModel(path.stem, path.absolute(), _size(path))
    names = ", ".join(model.name for model in (partial or models)[:5])
    if partial:
        raise ModelFileError(f"“{wanted}” could be more than one model: {names}.")
    there = names or "none yet"
    raise ModelFileError(f"There is no model “{wanted}”. There is: {there}.", detail=str(folder))


def choose_model(folder: Path, wanted: str | None, last_used: str | None) -> LocalModel:
    """The model a person means; without a wish the one used last, if it is still there, else any.

    Raises ModelFileError as `find_model` does.
    """
    if wanted is None and last_used is not None:
        with suppress(ModelFileError):
            return find_model(folder, last_used)
    return find_model(folder, wanted)


def display_name(name: str) -> tuple[str, str]:
    """A model's name in two parts for reading: ("SmolLM2 135M Instruct", "Q4_1"); the second may be empty."""
    title, quantization = split_name(name.rsplit("/", 1)[-1])
    return re.sub(r"[-_ ]+", " ", title).strip(), quantization


def _size(path: Path) -> int:
    """Bytes of the file at `path`, with its other parts where it is the first of several."""
    first = _FIRST_PART.search(path.stem)
    if first is None:
        return path.stat().st_size
    of, stem = first[1], path.stem[: first.start()]
    parts = re.compile(re.escape(stem) + r"-\d{5}" + of)
    return sum(p.stat().st_size for p in path.parent.glob("*.gguf") if parts.fullmatch(p.stem))
