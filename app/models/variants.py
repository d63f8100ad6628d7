"""What of a repository is one thing to download: a quantization with all its parts, or all of safetensors."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from app.domain.hub import Format, HubFile, HubRepository, Variant
from app.domain.quantization import known, split_name

MOST_PARTS = 999

_PART = re.compile(r"^(.+)-(\d{5})-of-(\d{5})$")
_FULL_NAME_OF_F16 = re.compile(r"(?<=[-._])fp(?=(?:16|32)$)", re.IGNORECASE)
_PROJECTOR = re.compile(r"(?:^|[-._])mmproj(?:[-._]|$)", re.IGNORECASE)
# Measurements, vocabularies without weights, and changes to another model.
_NO_MODEL = re.compile(r"(?:^|[-._])(?:imatrix|ggml-vocab|lora|adapter)(?:[-._]|$)", re.IGNORECASE)
_PROJECTOR_ORDER = ("F16", "BF16", "F32", "Q8_0")
"""llama.cpp computes projectors in 16 bits on most devices, and BF16 not on all of them."""

_WEIGHTS = re.compile(r"(?:pytorch_)?model(?:-\d{5}-of-\d{5})?\.safetensors")
_WEIGHTS_PART = re.compile(r"^(.+)-(\d{5})-of-(\d{5})\.safetensors$")
_NO_WEIGHTS = re.compile(r"(?:^|[-_.])(?:adapter|lora|consolidated|optimizer|training)", re.IGNORECASE)
_BESIDE_WEIGHTS = re.compile(
    r"(?:(?:generation_|tokenizer_|preprocessor_|processor_|video_preprocessor_)?config"
    r"|(?:.+\.)?safetensors\.index|tokenizer|special_tokens_map|added_tokens|vocab|chat_template|tekken)\.json"
    r"|(?:tokenizer|tiktoken|spiece|sentencepiece\.bpe)\.model|.+\.tiktoken|merges\.txt|vocab\.txt"
    r"|chat_template\.jinja",
    re.IGNORECASE,
)
"""What engines read besides weights. Never code (.py) or pickles (.bin, .pt): loading those runs them."""
_COMPRESSED = re.compile(
    r"(?:^|[-_.])(AWQ|GPTQ|FP8|NVFP4|MXFP4|NF4|bnb-4bit|W4A16|W8A8)(?:[-_.]|$)", re.IGNORECASE
)


def variants_of(repository: HubRepository) -> tuple[Variant, ...]:
    """What can be downloaded of `repository`: its GGUF models, the largest first, then its safetensors.

    Parts of a split file come in order; a set that is not complete is left out. Each model that could see
    has the projector that belongs to it.
    """
    projectors, models = [], []
    for file in repository.files:
        if not file.path.lower().endswith(".gguf"):
            continue
        if _PROJECTOR.search(_stem(file)):
            projectors.append(file)
        elif not _NO_MODEL.search(_stem(file)):
            models.append(file)
    complete = _models(models)
    best = _best_projectors(projectors)
    alone = len({title for title, _ in complete}) == 1
    variants = []
    for (title, label), files in complete.items():
        variants.append(
            Variant(
                repository=repository.repository,
                revision=repository.revision,
                format=Format.GGUF,
                label=label,
                files=files,
                projector=_projector_for(title, best, alone),
            )
        )
    variants.sort(key=_largest_first)
    return (*variants, *_safetensors(repository))


def _models(files: Iterable[HubFile]) -> dict[tuple[str, str], tuple[HubFile, ...]]:
    """Complete models by title and quantization."""
    sets: dict[tuple[str, int], dict[int, HubFile]] = defaultdict(dict)
    for file in files:
        where = str(PurePosixPath(file.path).parent)
        part = _PART.match(_stem(file))
        if part is None:
            sets[f"{where}/{_stem(file)}", 1][1] = file
        else:
            sets[f"{where}/{part[1]}", int(part[3])].setdefault(int(part[2]), file)
    models: dict[tuple[str, str], tuple[HubFile, ...]] = {}
    for (name, count), parts in sets.items():
        if not 1 <= count <= MOST_PARTS or parts.keys() != set(range(1, count + 1)):
            continue
        key = _title_and_label(name)
        files_in_order = tuple(parts[number] for number in range(1, count + 1))
        # The same weights may be there whole and in parts.
        if key not in models or len(files_in_order) < len(models[key]):
            models[key] = files_in_order
    return models


def _title_and_label(name: str) -> tuple[str, str]:
    *folders, stem = name.split("/")
    title, label = split_name(_FULL_NAME_OF_F16.sub("F", stem))
    if not label and known(title) is not None:  # nothing but the quantization
        return "", title.upper()
    for folder in reversed(folders):
        if label:
            break
        label = split_name(f"-{folder}")[1]
    return title.casefold(), label


def _best_projectors(files: Iterable[HubFile]) -> dict[str, HubFile]:
    """The best projector for each model that one is named after; "" for those that name none."""
    by_title: dict[str, list[tuple[str, HubFile]]] = defaultdict(list)
    for file in files:
        title, precision = _title_and_label(file.path[: -len(".gguf")])
        of = "-".join(word for word in _words(title) if word not in ("mmproj", "model"))
        by_title[of].append((precision, file))
    return {title: min(candidates, key=_projector_rank)[1] for title, candidates in by_title.items()}


def _projector_for(title: str, best: Mapping[str, HubFile], alone: bool) -> HubFile | None:
    """The one made for the model called `title`.

    One that is named after another model does not fit, unless the model is `alone` in its repository.
    """
    fitting = best.get("-".join(_words(title))) or best.get("")
    return next(iter(best.values())) if fitting is None and alone and len(best) == 1 else fitting


def _words(title: str) -> list[str]:
    return [word for word in re.split(r"[-._]", title) if word]


def _projector_rank(candidate: tuple[str, HubFile]) -> tuple[int, str]:
    precision, file = candidate
    order = _PROJECTOR_ORDER.index(precision) if precision in _PROJECTOR_ORDER else len(_PROJECTOR_ORDER)
    return order, file.path


def _safetensors(repository: HubRepository) -> tuple[Variant, ...]:
    """The model in the repository's own folder: those below are parts of it (onnx/, original/) or others."""
    here = {file.path: file for file in repository.files if "/" not in file.path}
    weights = [path for path in here if _WEIGHTS.fullmatch(path)] or [
        path for path in here if path.endswith(".safetensors") and not _NO_WEIGHTS.search(path)
    ]
    if "config.json" not in here or not weights or not _are_complete(weights):
        return ()
    beside = [path for path in here if _BESIDE_WEIGHTS.fullmatch(path)]
    compressed = _COMPRESSED.search(repository.repository.rpartition("/")[2])
    return (
        Variant(
            repository=repository.repository,
            revision=repository.revision,
            format=Format.SAFETENSORS,
            label=compressed[1].upper() if compressed else repository.precision,
            files=tuple(here[path] for path in (*sorted(beside), *sorted(weights))),
        ),
    )


def _are_complete(weights: Iterable[str]) -> bool:
    sets: dict[tuple[str, int], set[int]] = defaultdict(set)
    for path in weights:
        part = _WEIGHTS_PART.match(path)
        if part is not None:
            sets[part[1], int(part[3])].add(int(part[2]))
    return all(
        1 <= count <= MOST_PARTS and found == set(range(1, count + 1)) for (_, count), found in sets.items()
    )


def _largest_first(variant: Variant) -> tuple[float, str, str]:
    sizes = [file.size for file in variant.files]
    if None not in sizes:
        return -float(sum(size or 0 for size in sizes)), variant.label, variant.files[0].path
    quantization = known(variant.label.removeprefix("UD-"))
    return -(quantization.bits if quantization else 0.0), variant.label, variant.files[0].path


def _stem(file: HubFile) -> str:
    return PurePosixPath(file.path).stem
