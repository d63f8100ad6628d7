"""Fetches files from the hub: what it says of each, its bytes, and whether they are right.

huggingface_hub finds the files, speaks with the hub and has the connections; the bytes are written here.
Its own `hf_hub_download` begins every file anew in a new process (it writes to a file of a random name and
deletes that when it fails), and `http_get`, which that is made of, tries again and waits without telling.

Xet, the hub's other way to transfer, is not used: huggingface_hub's `xet_get` begins every file anew as well
(hf_xet could begin a stream anywhere, but nobody asks it to), and what is half there would be fetched twice.
The hub serves the same files over HTTP. Its CDN does so only up to 50 GB in one answer
(huggingface_hub.constants.MAX_HTTP_DOWNLOAD_SIZE); larger files are asked for in ranges.
"""

from __future__ import annotations

import errno
import hashlib
import io
import re
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.domain.errors import DiskFull, DownloadDamaged, EdgewiseError, HubUnreachable, StorageError
from app.domain.hub import HubFile, Variant
from app.models.hub_errors import Answer, explain, explain_answer
from app.models.hub_paths import safe_revision
from app.models.hub_session import hub_endpoint, hub_headers, use_hub

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST_ANSWER = 40 * 10**9
"""Bytes asked for at once."""
LARGEST_UNTOLD = 10_000_000
"""Bytes. Larger files must come with their length; small ones the hub may send compressed."""
SPACE_CHECK = 64 * 1024 * 1024
"""Bytes between two looks at the disk's free space."""
_HASH_CHUNK = 4 * 1024 * 1024
_NO_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT = re.compile(r"[0-9a-f]{40}")
_EXTENT = re.compile(r"bytes (\d{1,19})-\d{1,19}/(\d{1,19}|\*)")


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a file must hash to. `git` is git's hash of a blob: what the hub keeps small files by."""

    sha256: str = ""
    git: str = ""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the hub says of a file now. `location` is where its bytes are: a link valid for a while."""

    size: int
    checksum: Checksum
    location: str


class RepositoryFiles:
    """The files of `variant`'s repository, as the hub serves them to the owner of `token`.

    Every method raises a HubError where the hub does not give what it should.
    """

    def __init__(self, variant: Variant, token: str | None, reserve: int) -> None:
        self._repository = variant.repository
        self._revision = safe_revision(variant.revision)
        self._token = token
        self._reserve = reserve
        use_hub()

    def facts(self, file: HubFile) -> FileFacts:
        """Ask the hub for a file's size, checksum and location. DownloadDamaged if it is another now."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        url = hf_hub_url(self._repository, file.path, revision=self._revision, endpoint=hub_endpoint())
        with self._explained():
            metadata = get_hf_file_metadata(url, token=self._token or False, headers=hub_headers(self._token))
        # From the first answer on it is one commit, also where a branch moves meanwhile.
        self._revision = safe_revision(metadata.commit_hash or self._revision)
        size = file.size if metadata.size is None else metadata.size
        sha256, etag = (file.sha256 or "").lower(), (metadata.etag or "").lower()
        told = etag if _SHA256.fullmatch(etag) else ""
        if (file.size is not None and size != file.size) or (sha256 and told and sha256 != told):
            raise DownloadDamaged(
                f"The hub has another file under the name {file.path} by now. Look the model up again, then "
                "download it.",
                detail=f"{self._repository}: {file.size} {sha256}, now {size} {etag}",
            )
        checksum = Checksum(sha256=sha256 or told, git=etag if _GIT.fullmatch(etag) else "")
        if size is None or size < 0 or not (checksum.sha256 or checksum.git):
            raise HubUnreachable(
                f"What answers does not say what {file.path} must be, as the hub does. If this network wants "
                "you to sign in first, do so in a browser; if HF_ENDPOINT names a mirror, try another.",
                detail=f"{self._repository}: size {size}, etag {etag!r}",
            )
        return FileFacts(size, checksum, metadata.location)

    def fetch(self, facts: FileFacts, part: Path, on_bytes: Callable[[int], None]) -> None:
        """Bring `part` to `facts.size` bytes, from where it ends; `on_bytes` is told its size as it grows.

        Raises DownloadDamaged if the hub sends more or has not that much, and DiskFull or StorageError when
        the file cannot be written; what has arrived stays.
        """
        try:
            with _PartFile(part, facts.size, self._reserve, on_bytes) as sink:
                while (at := sink.seek(0, io.SEEK_END)) < facts.size:
                    self._fetch_from(at, facts, sink)
        except OSError as error:
            raise explain_disk(error, part) from error

    def _fetch_from(self, at: int, facts: FileFacts, sink: _PartFile) -> None:
        """One request: the bytes from `at` on."""
        from huggingface_hub import constants, get_session

        headers = {**hub_headers(self._token), "Accept-Encoding": "identity"}
        if not self._is_hub(facts.location):
            headers.pop("authorization", None)  # a signed link is its own permission
        end = min(facts.size, at + LONGEST_ANSWER)
        if at or end < facts.size:
            headers["Range"] = f"bytes={at}-{end - 1}"
        timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
        with (
            self._explained(),
            get_session().stream("GET", facts.location, headers=headers, timeout=timeout) as answer,
        ):
            if answer.status_code >= HTTPStatus.BAD_REQUEST:  # its body is not read: who knows how long it is
                said = Answer(answer.status_code, answer.headers, str(answer.url), self._token is not None)
                raise explain_answer(said, self._repository)
            _check_extent(answer.status_code, answer.headers, at, facts.size)
            if answer.status_code == HTTPStatus.OK and at:
                sink.empty()  # it gives all of the file, whatever was asked
            for piece in answer.iter_bytes():
                sink.write(piece)
        if sink.tell() < end:
            raise HubUnreachable("The hub’s answer broke off. Try again.")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except EdgewiseError:
            raise
        except Exception as error:
            raise explain(error, self._repository) from error

    def _is_hub(self, location: str) -> bool:
        return _origin(location) == _origin(hub_endpoint())


class _PartFile(io.FileIO):
    """A file that grows to `size` bytes at most, and stops before the disk is full. Unbuffered.

    What was written is the system's, whatever becomes of this process.
    """

    def __init__(self, path: Path, size: int, reserve: int, on_bytes: Callable[[int], None]) -> None:
        super().__init__(path, "r+" if path.exists() else "x+")
        self._path = path
        self._limit = size
        self._reserve = reserve
        self._on_bytes = on_bytes
        self._unchecked = SPACE_CHECK

    def empty(self) -> None:
        """Begin anew."""
        self.seek(0)
        self.truncate()

    def write(self, data: Any) -> int:
        left = memoryview(data)
        if self.tell() + len(left) > self._limit:
            raise DownloadDamaged(
                "The hub sends more than it announced. Download it again.", detail=f"{self._limit} bytes"
            )
        self._unchecked += len(left)
        if self._unchecked >= SPACE_CHECK:
            self._unchecked = 0
            check_space(self._path.parent, self._limit - self.tell(), self._reserve)
        try:
            while left:
                left = left[super().write(left) :]
        except OSError as error:  # said here: huggingface_hub's errors are OSErrors, too
            raise explain_disk(error, self._path) from error
        self._on_bytes(self.tell())
        return len(data)


def check_space(folder: Path, missing: int, reserve: int) -> None:
    """Raise DiskFull unless `missing` bytes fit on the disk of `folder`, with `reserve` bytes to spare."""
    free = shutil.disk_usage(folder).free
    if missing and free < missing + reserve:
        raise DiskFull(
            f"The disk is too full: {_gb(missing)} more are needed, and {_gb(reserve)} to spare, but "
            f"{_gb(free)} are free. Free some space, then go on; what has arrived is kept.",
            detail=str(folder),
        )


def matches(path: Path, checksum: Checksum, on_bytes: Callable[[int], None]) -> str | None:
    """The SHA-256 of the file at `path` if it is what `checksum` says, else None. Raises OSError."""
    sha256 = hashlib.sha256()
    git = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    done = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_HASH_CHUNK):
            sha256.update(chunk)
            if not checksum.sha256:
                git.update(chunk)
            done += len(chunk)
            on_bytes(done)
    is_it = sha256.hexdigest() == checksum.sha256 if checksum.sha256 else git.hexdigest() == checksum.git
    return sha256.hexdigest() if is_it else None


def _check_extent(status: int, headers: Mapping[str, str], start: int, size: int) -> None:
    """Raise HubUnreachable for an answer that does not hold the bytes from `start` of a file of `size`.

    It is looked at before a byte of it is written: the sign-in page of a hotel must not spoil what is there.
    """
    length, extent = headers.get("Content-Length"), _EXTENT.fullmatch(headers.get("Content-Range", ""))
    if status == HTTPStatus.OK and (length is None or "Content-Encoding" in headers):
        good = start == 0 and size <= LARGEST_UNTOLD
    elif status == HTTPStatus.OK:
        good = length == str(size)
    else:
        good = extent is not None and int(extent[1]) == start and extent[2] in ("*", str(size))
    if not good:
        raise HubUnreachable(
            "What answers sends another file than the hub announced. If this network wants you to sign in "
            "first, do so in a browser; then go on.",
            detail=f"status {status}, length {length}, range {headers.get('Content-Range')}, wanted from "
            f"{start} of {size} bytes",
        )


def explain_disk(error: OSError, path: Path) -> StorageError:
    """The failure to raise where reading or writing at `path` ended with `error`."""
    if error.errno in _NO_SPACE:
        return DiskFull(
            "The disk is full. Free some space, then go on; what has arrived is kept.", detail=str(error)
        )
    if error.errno == errno.EFBIG:
        return StorageError(
            "The file system of the model folder takes no file of this size. Move the model folder to "
            "another disk.",
            detail=str(error),
        )
    return StorageError(
        f"The files of the download cannot be read or written ({error.strerror}). Check that the disk with "
        "the model folder is connected and healthy, and that you may write there.",
        detail=f"{path}: {error}",
    )


def _origin(url: str) -> tuple[str, str, int | None]:
    address = urlsplit(url)
    port = address.port or {"http": 80, "https": 443}.get(address.scheme)
    return address.scheme, (address.hostname or "").lower(), port


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
