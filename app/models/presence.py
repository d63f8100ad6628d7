"""Which models of the catalog and of the hub are on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from app.domain.catalog import CatalogModel
from app.domain.hub import Format, Variant
from app.domain.model import LocalModel
from app.domain.quantization import split_name

_GGUF = re.compile(r"[-_.]GGUF$", re.IGNORECASE)


def is_of(local: LocalModel, model: CatalogModel) -> bool:
    """Whether `local` is `model` in some quantization.

    By the repository that its folder is named after (Edgewise and LM Studio keep models so), or by its file's
    name, which by convention is the repository's with the quantization behind it.
    """
    return bool(present([local], [model]))


def present(local: Iterable[LocalModel], models: Iterable[CatalogModel]) -> frozenset[str]:
    """The ids of those of `models` of which `local` has one (`is_of`). A thousand are looked at once each."""
    folders: set[tuple[str, str]] = set()
    names: set[str] = set()
    for one in local:
        folders.update(pairwise(part.casefold() for part in one.path.parts))
        names.add(_plain(split_name(one.path.stem)[0]))
    names.discard("")
    found = []
    for model in models:
        owner, _, repository = model.repository.partition("/")
        called = (_plain(repository), _plain(model.original.rpartition("/")[2]))
        in_folder = bool(repository) and (owner.casefold(), repository.casefold()) in folders
        if in_folder or not names.isdisjoint(called):
            found.append(model.id)
    return frozenset(found)


def holds(local: LocalModel, variant: Variant) -> bool:
    """Whether `local` is what downloading `variant` would bring, by where it lies.

    Edgewise and LM Studio keep owner/repository/file, the Hugging Face cache
    models--owner--repository/snapshots/revision/file; of safetensors `local.path` is the folder.
    """
    if not variant.files or local.format is not variant.format:
        return False
    inside = "" if variant.format is Format.SAFETENSORS else variant.files[0].path
    path = local.path.as_posix()
    if path.endswith(f"/{variant.repository}/{inside}".rstrip("/")):
        return True
    snapshots = f"/models--{variant.repository.replace('/', '--')}/snapshots/"
    revision, _, rest = path.partition(snapshots)[2].partition("/")
    return bool(revision) and rest == inside


def quantization_of(local: LocalModel) -> str:
    """The quantization that its name tells ("Q4_K_M"), empty where it does not."""
    return split_name(local.path.stem)[1] or split_name(local.name)[1]


def _plain(name: str) -> str:
    return re.sub(r"[-_. ]+", "-", _GGUF.sub("", name)).casefold()
