"""What a server like the hub holds, what it is asked, and what goes wrong there."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LFS_ENDINGS = (".gguf", ".safetensors", ".bin")
"""What repositories keep in large-file storage: these are redirected to the CDN and have a SHA-256."""


@dataclass
class Fault:
    """What goes wrong with one file, or with one address of the API. All sizes in bytes of the body sent."""

    where: str = "content"
    """"resolve" (the hub's answer for the file), "content" (its bytes, wherever they come from), "api"."""
    times: int | None = 1
    """How often; None: always."""
    status: int | None = None
    """Answer with this instead."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """The connection breaks off."""
    stall_after: int | None = None
    """Nothing more comes, but the connection stays."""
    bytes_per_second: float | None = None
    change: Callable[[bytes], bytes] | None = None
    """Other content than the repository says; its length may differ, too."""
    no_ranges: bool = False
    """All of the file comes, whatever range was asked for."""
    circle: bool = False
    """A redirect to itself."""
    expired: bool = False
    """The signed link is no longer valid when it is used (`where` is then "resolve")."""


@dataclass
class Asked:
    """One request as it came, and what it was answered with. `headers` by lower-case name."""

    host: str
    """"hub" or "cdn"."""
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    file: str = ""
    """Of a file's content: its path in the repository."""
    status: int = 0
    sent: int = 0
    """Bytes of the body that went out."""

    @property
    def first_byte(self) -> int:
        """Where the range asked for begins."""
        match = re.match(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(match[1]) if match else 0


class Blob:
    """The content of one file. From a `Path` it is read when it is first needed."""

    def __init__(self, path: str, content: bytes | Path) -> None:
        self.path = path
        self._content = content
        self._lock = threading.Lock()

    @property
    def data(self) -> bytes:
        with self._lock:
            if isinstance(self._content, Path):
                self._content = self._content.read_bytes()
                self.sha256 = hashlib.sha256(self._content).hexdigest()
            elif not hasattr(self, "sha256"):
                self.sha256 = hashlib.sha256(self._content).hexdigest()
            return self._content

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def lfs(self) -> bool:
        return self.path.endswith(LFS_ENDINGS)

    @property
    def etag(self) -> str:
        """As the hub has it: the SHA-256 in large-file storage, else git's hash of a blob."""
        data = self.data
        if self.lfs:
            return self.sha256
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass
class Repository:
    """What the hub knows of one repository."""

    id: str
    blobs: dict[str, Blob]
    commit: str
    gated: str | bool
    private: bool
    details: dict[str, Any]

    def info(self) -> dict[str, Any]:
        """All properties, as `/api/models/{id}` can tell them."""
        return {
            "_id": hashlib.md5(self.id.encode(), usedforsecurity=False).hexdigest()[:24],
            "id": self.id,
            "modelId": self.id,
            "author": self.id.partition("/")[0],
            "sha": self.commit,
            "lastModified": "2026-09-01T12:00:00.000Z",
            "createdAt": "2026-08-01T12:00:00.000Z",
            "private": self.private,
            "gated": self.gated,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": self.tags(),
            "pipeline_tag": "text-generation",
            "siblings": [{"rfilename": path} for path in self.blobs],
            **{key: value for key, value in self.details.items() if key != "tags"},
        }

    def tags(self) -> list[str]:
        tags = list(self.details.get("tags", ()))
        for ending in ("gguf", "safetensors"):
            if any(path.endswith("." + ending) for path in self.blobs) and ending not in tags:
                tags.append(ending)
        licence = (self.details.get("cardData") or {}).get("license")
        return [*tags, f"license:{licence}"] if licence else tags

    def siblings_with_blobs(self) -> list[dict[str, Any]]:
        siblings = []
        for path, blob in self.blobs.items():
            entry: dict[str, Any] = {"rfilename": path, "size": blob.size, "blobId": "0" * 40}
            if blob.lfs:
                entry["lfs"] = {"sha256": blob.etag, "size": blob.size, "pointerSize": 135}
            else:
                entry["blobId"] = blob.etag
            siblings.append(entry)
        return siblings

    def tree(self) -> list[dict[str, Any]]:
        entries = []
        for path, blob in self.blobs.items():
            entry: dict[str, Any] = {"type": "file", "oid": "0" * 40, "size": blob.size, "path": path}
            if blob.lfs:
                entry["lfs"] = {"oid": blob.etag, "size": blob.size, "pointerSize": 135}
            else:
                entry["oid"] = blob.etag
            entries.append(entry)
        return entries
