"""Which files of a folder are models, and which files make one model.

A GGUF file is one; of a split one all parts together ("…-00001-of-00003.gguf", llama.cpp's `gguf-split`),
known by the first. A projector (`mmproj`, what a model sees with) belongs to the model beside it. A folder
with config.json and model*.safetensors is one, as transformers saves it. Hidden files and folders hold none.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.hub import Format
from app.domain.model import Place
from app.domain.quantization import split_name
from app.models.one_line import one_line

MAX_DEPTH = 8
"""Folders below the first. Hubs have owner/repository, and a folder for each quantization."""
MAX_ENTRIES = 100_000
"""Looked at under one folder: half a second. A folder with more was not made for models."""
MAX_NAME = 200
MAX_CONFIG_BYTES = 1 << 20

PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})", re.DOTALL)
"""The name, without its ending, of one file of a split model: its base, its number and how many there are."""
_GENERATES = re.compile(r"For(?:CausalLM|ConditionalGeneration|ImageTextToText)$|LMHeadModel$")
"""Classes of transformers that reply; without one of them a folder holds an encoder or the like."""
_PIPELINE = "model_index.json"
"""Marks a diffusion pipeline, whose parts look like models of their own."""
_PROJECTOR_ORDER = ("F16", "BF16", "Q8_0", "F32")
"""llama.cpp's own projectors are of F16; the others follow by what they cost."""
_BESIDE_WEIGHTS = (".safetensors", ".json", ".txt", ".model", ".jinja", ".tiktoken", ".md")
"""What else belongs to a safetensors model: its configuration, tokenizer and papers."""
_PAPERS = ("LICENSE", "LICENCE", "NOTICE", "USE_POLICY")


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model as it lies on the disk. `size` is in bytes, all weights together."""

    path: Path
    """The file, or the first of several; of safetensors the folder."""
    size: int
    place: Place
    names: tuple[str, ...]
    """What it may be called: the shortest first, then what tells it from others of that name."""
    format: Format = Format.GGUF
    projector: Path | None = None
    problem: str = ""
    """Why it cannot be used, as far as names and sizes tell."""


def models_under(folder: Path, place: Place, *, prefix: str = "") -> list[FoundModel]:
    """All models under `folder`, by path. Never fails: what cannot be looked at holds none.

    Links to folders are not followed, links to files are. `prefix` goes before the path in the longer name.
    """
    found: list[FoundModel] = []
    for relative, files in _walk(folder):
        if not any(map(_is_weight, files)):
            continue
        here = folder / relative
        longer = prefix + relative
        found += _ggufs(here, files, place, longer)
        found += _safetensors(here, files, place, longer.removesuffix("/"))
    return sorted(found, key=lambda model: model.path)


def model_at(path: Path, place: Place) -> FoundModel | None:
    """The model whose file, one of whose files, or whose folder is at `path`; None if there is none."""
    folder = path if path.is_dir() else path.parent
    files = dict(_listing(folder, [])[1])
    if path.is_dir():
        return next(_safetensors(folder, files, place, f"{folder.parent.name}/{folder.name}"), None)
    wanted = _base(path.stem)
    found = _ggufs(folder, files, place, f"{folder.name}/", projectors_too=is_projector(path.name))
    return next((model for model in found if _base(model.path.stem) == wanted), None)


def parts_of(path: Path) -> list[Path]:
    """The files of the GGUF model whose first file is `path`, in order; only those that are there."""
    match = PART.fullmatch(path.stem)
    if match is None:
        return [path]
    parts = [
        (other[2], path.parent / name)
        for name in _names(path.parent)
        if name.lower().endswith(".gguf")
        and (other := PART.fullmatch(name[:-5])) is not None
        and (other[1], other[3]) == (match[1], match[3])
    ]
    return [part for _, part in sorted(parts)]


def files_of(path: Path, format_: Format) -> list[Path]:
    """All files of the model at `path`, without its projector.

    Of safetensors what such a repository has; what else a person put into the folder is not the model's.
    """
    if format_ is Format.GGUF:
        return parts_of(path)
    return [
        path / name
        for name in _names(path)
        if name.endswith(_BESIDE_WEIGHTS) or name.upper().startswith(_PAPERS)
    ]


def is_projector(name: str) -> bool:
    """Whether a file of this name is a projector, not a model."""
    return "mmproj" in name.casefold()


def _walk(folder: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """Every folder, as "owner/repository/" ("" for the first), with the names and sizes of its files."""
    pending = [("", 0)]
    looked_at = 0
    while pending:
        here, depth = pending.pop()
        folders: list[str] = []
        count, files = _listing(folder / here, folders, MAX_ENTRIES - looked_at)
        looked_at += count
        sizes = dict(files)
        yield here, sizes
        if depth < MAX_DEPTH and _PIPELINE not in sizes:
            pending += [(f"{here}{name}/", depth + 1) for name in folders]


def _listing(folder: Path, folders: list[str], most: int = MAX_ENTRIES) -> tuple[int, list[tuple[str, int]]]:
    """How much was looked at, and the regular files with their sizes; names of folders go to `folders`."""
    files: list[tuple[str, int]] = []
    count = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                count += 1
                if count > most:
                    break
                if entry.name.startswith("."):
                    continue
                try:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    elif entry.is_file():
                        files.append((entry.name, entry.stat().st_size if _is_weight(entry.name) else 0))
                except OSError:  # gone meanwhile, or a link into nowhere
                    continue
    except (OSError, ValueError):
        return count, []
    return count, files


def _is_weight(name: str) -> bool:
    return name.lower().endswith((".gguf", ".safetensors"))


def _names(folder: Path) -> list[str]:
    return sorted(name for name, _ in _listing(folder, [])[1])


def _base(stem: str) -> str:
    """A name without its part's number."""
    match = PART.fullmatch(stem)
    return f"{match[1]}-of-{match[3]}" if match else stem


def _ggufs(
    folder: Path, files: dict[str, int], place: Place, longer: str, *, projectors_too: bool = False
) -> Iterator[FoundModel]:
    ggufs = {name: size for name, size in files.items() if name.lower().endswith(".gguf")}
    projectors = [] if projectors_too else sorted(filter(is_projector, ggufs))
    models = sorted(name for name in ggufs if projectors_too or not is_projector(name))
    titles = {split_name(name[:-5])[0] for name in models}
    counts: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for name in models:
        base = _base(name[:-5])
        counts[base] = counts.get(base, 0) + 1
        sizes[base] = sizes.get(base, 0) + ggufs[name]
    for name in models:
        stem = name[:-5]
        match = PART.fullmatch(stem)
        if match is not None and int(match[2]) != 1:
            continue
        base = _base(stem)
        missing = int(match[3]) - counts[base] if match else 0
        short = one_line(match[1] if match else stem, MAX_NAME)
        projector = _projector(split_name(stem)[0], projectors, alone=len(titles) == 1)
        yield FoundModel(
            folder / name,
            sizes[base],
            place,
            names=(short, one_line(stem, MAX_NAME), one_line(longer + short, MAX_NAME)),
            projector=folder / projector if projector else None,
            problem=f"{missing} of its {int(match[3])} files are missing." if match and missing > 0 else "",
        )


def _projector(title: str, projectors: Sequence[str], *, alone: bool) -> str | None:
    """The projector of the model: by its name, or any where the folder holds this model `alone`."""
    wanted = _letters(title)
    named = [name for name in projectors if wanted and wanted in _letters(name)]
    candidates = named or (projectors if alone else [])

    def cost(name: str) -> tuple[int, str]:
        kind = split_name(name[:-5])[1]
        return (_PROJECTOR_ORDER.index(kind) if kind in _PROJECTOR_ORDER else len(_PROJECTOR_ORDER), name)

    return min(candidates, key=cost, default=None)


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _safetensors(folder: Path, files: dict[str, int], place: Place, longer: str) -> Iterator[FoundModel]:
    weights = [size for name, size in files.items() if name.endswith(".safetensors")]
    named = any(name.startswith("model") and name.endswith(".safetensors") for name in files)
    if named and "config.json" in files and _PIPELINE not in files and _generates(folder / "config.json"):
        short = longer.rsplit("/", 1)[-1] or folder.name
        names = (one_line(short, MAX_NAME), one_line(longer or folder.name, MAX_NAME))
        yield FoundModel(folder, sum(weights), place, names, Format.SAFETENSORS)


def _generates(config: Path) -> bool:
    architectures = read_json(config, MAX_CONFIG_BYTES).get("architectures")
    return isinstance(architectures, list) and any(
        isinstance(name, str) and _GENERATES.search(name) for name in architectures[:16]
    )


def read_json(path: Path, most: int) -> dict[str, object]:
    """The JSON object in a file of at most `most` bytes; an empty one for any other file. Never fails."""
    try:
        if not path.is_file():  # a pipe would keep us waiting
            return {}
        with path.open("rb") as file:
            raw = file.read(most + 1)
        values = json.loads(raw) if len(raw) <= most else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
