"""Reads the header of a GGUF file that still lies on a hub: some MB instead of the whole file."""

from __future__ import annotations

from dataclasses import replace

from app.domain.errors import DownloadDamaged, HubError
from app.domain.hub import Format, HubFile, Variant
from app.models.gguf_header import GgufHeader, read_header_from
from app.models.hub_paths import safe_path, safe_repository, safe_revision
from app.models.hub_requests import get_range

FIRST_CHUNK = 256 * 1024
"""Bytes; all of the header of a later part, and of models without a vocabulary."""
CHUNK = 1024 * 1024
MOST_PARTS = 100
"""Of a split model. The largest published ones have some 30."""
MOST_READ = 96 * 1024 * 1024
"""Bytes of one header. The largest ones known, with a vocabulary of 260,000 and its merges, have 20 MB."""


class RemoteFile:
    """A file on a hub as a `gguf_header.ByteSource`: every read is one request. For one thread.

    `url` answers to ranges (it may redirect). `expected_size` in bytes is what the repository's listing
    said. Reading raises HubError.
    """

    def __init__(self, url: str, name: str, *, token: str | None, expected_size: int | None = None) -> None:
        self._url = url
        self._name = name
        self._token = token
        self._size = expected_size
        self._first = b""
        self._left = MOST_READ
        self.requests = 0
        """How many there were so far."""

    @property
    def size(self) -> int:
        """Bytes of the whole file; asks for its beginning if nobody said it."""
        if self._size is None:
            self._first = self._get(0, FIRST_CHUNK)
        return self._size or 0

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`: `FIRST_CHUNK` at the beginning, then `CHUNK` at most."""
        if offset < len(self._first):
            return self._first[offset : offset + length]
        return self._get(offset, min(length, CHUNK if self.requests else FIRST_CHUNK))

    def _get(self, offset: int, length: int) -> bytes:
        self._left -= length
        if self._left < 0:
            raise HubError(
                f"The header of {self._name} is too long to be right. Choose another file.",
                detail=f"over {MOST_READ} bytes",
            )
        self.requests += 1
        data, size = get_range(self._url, self._name, offset, length, token=self._token)
        if self._size is not None and size != self._size:
            raise DownloadDamaged(
                f"The hub has another file than it announced for {self._name}. Look the model up again.",
                detail=f"{size} instead of {self._size} bytes",
            )
        self._size = size
        return data


def file_url(endpoint: str, repository: str, revision: str, path: str) -> str:
    """Where a file of a repository is, as huggingface_hub.hf_hub_url has it."""
    from urllib.parse import quote

    where = f"{safe_repository(repository)}/resolve/{quote(safe_revision(revision), safe='')}"
    return f"{endpoint}/{where}/{quote(safe_path(path))}"


def read_remote_header(variant: Variant, *, endpoint: str, token: str | None) -> GgufHeader:
    """The header of `variant`'s model, reading no more of it than that takes.

    Of a split model it has the first part's metadata and all parts' tensors, each at its offset in its own
    part. Raises HubError, or ModelFileError where what arrives is no GGUF file.
    """
    if variant.format is not Format.GGUF:
        raise HubError(f"{variant.repository} holds no GGUF file, so it has no header to read.")
    if len(variant.files) > MOST_PARTS:
        raise HubError(f"{variant.repository} is in too many parts to look into: {len(variant.files)}.")
    headers = [_read_header(variant, file, endpoint, token) for file in variant.files]
    return replace(headers[0], tensors=tuple(tensor for header in headers for tensor in header.tensors))


def _read_header(variant: Variant, file: HubFile, endpoint: str, token: str | None) -> GgufHeader:
    url = file_url(endpoint, variant.repository, variant.revision, file.path)
    source = RemoteFile(url, variant.repository, token=token, expected_size=file.size)
    return read_header_from(source, file.path.rpartition("/")[2], chunk=CHUNK)
