"""A variant as plain values that JSON can hold, and back; and what tells two of them apart."""

from __future__ import annotations

import hashlib
import json

from app.domain.hub import Format, HubFile, Variant

MOST_FILES = 2000


def record_of(variant: Variant) -> dict[str, object]:
    """`variant` as JSON's own kinds of values."""
    return {
        "repository": variant.repository,
        "revision": variant.revision,
        "format": variant.format.value,
        "label": variant.label,
        "files": [_file_record(file) for file in variant.files],
        "projector": None if variant.projector is None else _file_record(variant.projector),
    }


def variant_of(record: object) -> Variant | None:
    """The variant that `record` describes; None if it is no such record. Names are not checked for safety."""
    if not isinstance(record, dict):
        return None
    texts = [record.get(key) for key in ("repository", "revision", "format", "label")]
    raw_files, raw_projector = record.get("files"), record.get("projector")
    if not isinstance(raw_files, list) or not 0 < len(raw_files) <= MOST_FILES:
        return None
    files = [_file_of(raw) for raw in raw_files]
    projector = None if raw_projector is None else _file_of(raw_projector)
    repository, revision, format_, label = texts
    if (
        not (isinstance(repository, str) and isinstance(revision, str) and isinstance(label, str))
        or format_ not in [known.value for known in Format]
        or None in files
        or (projector is None and raw_projector is not None)
    ):
        return None
    return Variant(
        repository=repository,
        revision=revision,
        format=Format(format_),
        label=label,
        files=tuple(file for file in files if file is not None),
        projector=projector,
    )


def key_of(variant: Variant) -> str:
    """A name for what `variant` downloads: 16 hex digits, the same wherever and whenever it is asked for.

    Where the hub said every file's SHA-256, the revision plays no part: a commit that leaves the model as
    it is makes no other download.
    """
    record = record_of(variant)
    if all(file.sha256 is not None for file in variant.all_files):
        del record["revision"]
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]


def _file_record(file: HubFile) -> dict[str, object]:
    return {"path": file.path, "size": file.size, "sha256": file.sha256}


def _file_of(record: object) -> HubFile | None:
    if not isinstance(record, dict):
        return None
    path, size, sha256 = record.get("path"), record.get("size"), record.get("sha256")
    if not isinstance(path, str) or not (sha256 is None or isinstance(sha256, str)):
        return None
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        return None
    return HubFile(path, size, sha256)
