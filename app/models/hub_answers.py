"""Reads what a hub says of repositories, as huggingface.co's API has it (`/api/models`), and writes it again.

An answer may come from anybody who runs a mirror or stands between: whatever cannot be true is left out or
becomes None, and what cannot be used at all is one `HubError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from app.domain.errors import HubError
from app.domain.hub import Access, Format, HubFile, HubModel, HubRepository
from app.models.hub_paths import is_repository, is_safe_path, same_file

MOST_FILES = 10_000
"""Of one repository. The largest model repositories have some hundreds."""
MOST_MODELS = 1000
LARGEST_FILE = 1 << 48
"""Bytes; a size above it is none. Hubs allow some 10^11."""
MOST_COUNTED = 1 << 53
_LONGEST_LICENCE = 80

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PRECISION = re.compile(r"[A-Z][A-Z0-9_]{1,15}")


def read_repository(raw: object, name: str) -> HubRepository:
    """The repository that was asked for as `name`. Raises HubError for an answer that is none.

    Files whose names are unsafe are left out, and those that some system takes for an earlier one.
    """
    if not isinstance(raw, dict):
        raise not_understood(f"an object was expected, not {type(raw).__name__}")
    commit = raw.get("sha")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise not_understood("it names no commit")
    siblings = raw.get("siblings") or []
    if not isinstance(siblings, list):
        raise not_understood("its files are no list")
    if len(siblings) > MOST_FILES:
        raise HubError(
            f"{name} has more than {MOST_FILES:,} files: Edgewise does not look through those.",
            detail=f"{len(siblings)} files",
        )
    named = raw.get("id")
    return HubRepository(
        repository=named if isinstance(named, str) and is_repository(named) else name,
        revision=commit,
        access=_access(raw),
        files=tuple(_files(siblings)),
        licence=_licence(raw),
        precision=_precision(raw.get("safetensors")),
    )


def write_repository(repository: HubRepository) -> dict[str, object]:
    """What `read_repository` makes the same repository of."""
    return {
        "id": repository.repository,
        "sha": repository.revision,
        "private": repository.access is Access.PRIVATE,
        "gated": "manual" if repository.access is Access.GATED else False,
        "tags": [f"license:{repository.licence}"] if repository.licence else [],
        "safetensors": {"parameters": {repository.precision: 1}} if repository.precision else None,
        "siblings": [
            {"rfilename": file.path, "size": file.size}
            | ({"lfs": {"sha256": file.sha256, "size": file.size}} if file.sha256 else {})
            for file in repository.files
        ],
    }


def read_models(raw: object) -> list[HubModel]:
    """The models that a search found, in its order; entries that are none are left out.

    Raises HubError where the answer is no list.
    """
    if not isinstance(raw, list):
        raise not_understood(f"a list was expected, not {type(raw).__name__}")
    models: dict[str, HubModel] = {}
    for entry in raw[:MOST_MODELS]:
        if isinstance(entry, dict) and is_repository(entry.get("id")):
            models.setdefault(entry["id"], _model(entry))
    return list(models.values())


def not_understood(why: str) -> HubError:
    """The failure for an answer that is not what the hub's API says."""
    return HubError(
        "The hub’s answer cannot be understood. If the network asks to sign in first, do that in a browser; "
        "check HF_ENDPOINT and the proxy.",
        detail=why,
    )


def _model(entry: dict[str, Any]) -> HubModel:
    tags = _tags(entry)
    return HubModel(
        repository=entry["id"],
        formats=tuple(form for form in Format if form.value.lower() in tags),
        access=_access(entry),
        downloads=_count(entry.get("downloads"), MOST_COUNTED),
        likes=_count(entry.get("likes"), MOST_COUNTED),
        licence=_licence(entry),
        parameters=_parameters(entry),
        updated=_date(entry.get("lastModified")),
    )


def _files(siblings: list[Any]) -> Iterator[HubFile]:
    seen: set[str] = set()
    for sibling in siblings:
        path = sibling.get("rfilename") if isinstance(sibling, dict) else None
        if not isinstance(path, str) or not is_safe_path(path) or same_file(path) in seen:
            continue
        seen.add(same_file(path))
        lfs = sibling.get("lfs")
        size, sha256 = _count(sibling.get("size"), LARGEST_FILE), None
        if isinstance(lfs, dict):
            large = _count(lfs.get("size"), LARGEST_FILE)
            # Of two sizes one would be wrong; then neither is believed.
            size = large if size is None or size == large else None
            told = lfs.get("sha256")
            sha256 = told if isinstance(told, str) and _SHA256.fullmatch(told) else None
        yield HubFile(path, size, sha256)


def _access(raw: Mapping[str, Any]) -> Access:
    if raw.get("private") is True:
        return Access.PRIVATE
    return Access.OPEN if raw.get("gated") in (None, False) else Access.GATED


def _tags(raw: Mapping[str, Any]) -> set[str]:
    tags = raw.get("tags")
    return {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()


def _licence(raw: Mapping[str, Any]) -> str | None:
    found = sorted(tag.removeprefix("license:") for tag in _tags(raw) if tag.startswith("license:"))
    if not found or not found[0].isprintable():
        return None
    return found[0][:_LONGEST_LICENCE] or None


def _parameters(raw: Mapping[str, Any]) -> int | None:
    for key in ("safetensors", "gguf"):
        described = raw.get(key)
        if isinstance(described, dict):
            total = _count(described.get("total"), MOST_COUNTED)
            if total:
                return total
    return None


def _precision(described: object) -> str:
    counts = described.get("parameters") if isinstance(described, dict) else None
    if not isinstance(counts, dict):
        return ""
    known = {
        name: count
        for name, count in counts.items()
        if isinstance(name, str) and _PRECISION.fullmatch(name) and _count(count, MOST_COUNTED)
    }
    return max(known, key=lambda name: (known[name], name), default="")


def _count(value: object, most: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= most else None


def _date(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        return None
