"""What a model hub offers: repositories, their files, and what of them is one thing to download.

Everything here was said by a server and is checked where it is read (`app.models.hub`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """How weights are stored. An engine takes one or both."""

    GGUF = "GGUF"
    SAFETENSORS = "safetensors"


class Access(StrEnum):
    """Whether a repository may be downloaded from as it is."""

    OPEN = "open"
    GATED = "gated"
    """Only with the token of an account that was granted access."""
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository. `size` is in bytes, `sha256` in hex; None where the hub does not say."""

    path: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository as a search finds it. `parameters` and `downloads` are counts, None where not told."""

    repository: str
    formats: tuple[Format, ...]
    access: Access
    downloads: int | None = None
    likes: int | None = None
    licence: str | None = None
    parameters: int | None = None
    updated: str | None = None
    """ISO 8601 date."""


@dataclass(frozen=True, slots=True)
class HubRepository:
    """A repository with its files at one `revision` (a commit's hash)."""

    repository: str
    revision: str
    access: Access
    files: tuple[HubFile, ...]
    licence: str | None = None
    precision: str = ""
    """What most weights of its safetensors are stored in ("BF16"); empty where the hub does not say."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing to download: a model in one form, with every file it needs.

    For GGUF the parts of one quantization, in order; `projector` is what it needs to see images. For
    safetensors all files of the repository that an engine reads.
    """

    repository: str
    revision: str
    format: Format
    label: str
    """The quantization ("Q4_K_M"), or the precision ("BF16") of safetensors; empty where nobody says."""
    files: tuple[HubFile, ...]
    projector: HubFile | None = None

    @property
    def all_files(self) -> tuple[HubFile, ...]:
        """With the projector."""
        return self.files if self.projector is None else (*self.files, self.projector)

    @property
    def size(self) -> int | None:
        """Bytes of all files together; None if one of them is not known."""
        sizes = [file.size for file in self.all_files]
        return None if None in sizes else sum(size or 0 for size in sizes)
