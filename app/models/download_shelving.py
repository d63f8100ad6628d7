"""Where a downloaded file belongs in the library, and how a whole model gets there.

A model appears at once: of its files, the one that readers know it by moves last (`key_file`), and if an
older one stands in the way, that one goes first. Whenever the power is cut, the library shows the old model,
the new one, or none; never a mixture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.domain.errors import HubError, StorageError
from app.domain.hub import Format, HubFile, Variant
from app.models.download_staging import Staging, size_of, sync
from app.models.hub_paths import safe_path, safe_repository, safe_revision, same_file


def check_names(variant: Variant) -> None:
    """Raise HubError unless all names in `variant` are safe, and different on every system."""
    safe_repository(variant.repository)
    safe_revision(variant.revision)
    seen: set[str] = set()
    for file in variant.all_files:
        name = same_file(safe_path(file.path))
        if name in seen:
            raise HubError(
                "The hub names two files alike, so that one would overwrite the other. Nothing was stored; "
                "choose another repository.",
                detail=ascii(file.path),
            )
        seen.add(name)


def place_of(variant: Variant, file: HubFile) -> str:
    """The path of `file` from the model folder, with slashes: owner/repository/file."""
    return f"{safe_repository(variant.repository)}/{safe_path(file.path)}"


def target_of(library: Path, place: str) -> Path:
    """The file at `place` in `library`. Raises StorageError if a link on the way could lead out of it."""
    target = library
    for part in place.split("/"):
        target = target / part
        if target.is_symlink():
            raise StorageError(
                f"{target} is a link. Edgewise does not write through links in its model folder; remove it, "
                "then try again.",
                detail=str(target),
            )
    return target


def key_file(variant: Variant) -> HubFile:
    """The file without which nobody takes the others for a model."""
    if variant.format is Format.SAFETENSORS:
        for file in variant.files:
            if file.path.rsplit("/", 1)[-1] == "config.json":
                return file
    return variant.files[0]


def shelve(variant: Variant, library: Path, staging: Staging, missing: Sequence[int]) -> None:
    """Move the files at the places `missing` among all of `variant`'s, all of them whole, into the library.

    Raises StorageError when the system does not let it; what has moved then stays.
    """
    files = variant.all_files
    last = files.index(key_file(variant))
    order = sorted(missing, key=lambda index: (index == last, index))
    try:
        if order and order[-1] == last and len(order) > 1:
            _remove_old(target_of(library, place_of(variant, files[last])))
        for index in order:
            target = target_of(library, place_of(variant, files[index]))
            target.parent.mkdir(parents=True, exist_ok=True)
            staging.whole(index).replace(target)
            sync(target.parent)
    except OSError as error:
        raise StorageError(
            f"The model cannot be moved into the library ({error.strerror or error}). If it replaces one "
            "that is loaded, unload that; then try again.",
            detail=str(error),
        ) from error


def _remove_old(target: Path) -> None:
    if size_of(target) is not None:
        target.unlink()
        sync(target.parent)
