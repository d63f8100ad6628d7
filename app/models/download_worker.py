"""The process that downloads one variant: brings its files, verifies them, moves them into the library.

It is a process of its own so that the window neither imports huggingface_hub nor shares its interpreter with
TLS and SHA-256, and so that a pause is a kill: at once, also in the middle of a read that never returns. What
that leaves behind is what a power cut leaves, and goes on the same way.

The job comes as one line on standard input, which must then stay open: the worker ends when it closes, so
that none outlives its app. Messages go to standard output (`download_messages`).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

from app.domain.errors import DownloadDamaged, EdgewiseError, ModelFileError
from app.domain.hub import HubFile
from app.models.download_fetch import Checksum, FileFacts, RepositoryFiles, check_space, explain_disk, matches
from app.models.download_messages import (
    DownloadJob,
    Failed,
    Finished,
    Message,
    Progress,
    Stored,
    read_job,
    write_message,
)
from app.models.download_shelving import check_names, place_of, shelve, target_of
from app.models.download_staging import Staging, size_of
from app.models.gguf_header import check_complete, read_header

PROGRESS_INTERVAL_S = 0.1
FACTS_LIFE_S = 300.0
"""The links that the hub signs run out, the shortest after some minutes: older ones are not begun with."""


def main() -> int:
    """Do the job on standard input; returns the exit status."""
    line = _first_line(0)
    if not line:
        return 0  # who started us is gone already
    threading.Thread(target=_end_with_the_app, daemon=True).start()
    try:
        tell(Finished(run(read_job(line))))
    except EdgewiseError as error:
        tell(Failed(error))
    return 0


def run(job: DownloadJob) -> tuple[Stored, ...]:
    """Bring all of the job's files into the library; what is there already is not fetched.

    Raises HubError, StorageError or ModelFileError. What has arrived then stays in the staging folder, unless
    it cannot be read as a model.
    """
    check_names(job.variant)
    staging = Staging(job.staging)
    try:
        with staging.locked():
            download = _Download(job, staging)
            with _Reporter(download.progress):
                return download.run()
    except OSError as error:  # the network's have been explained where they happened
        raise explain_disk(error, job.staging) from error


def tell(message: Message) -> None:
    """Send one message to who started us."""
    os.write(1, write_message(message))


class _Reporter:
    """Sends the progress while it changes, and at the end: whether it got further decides what comes next."""

    def __init__(self, progress: Callable[[], Progress]) -> None:
        self._progress = progress
        self._last: Progress | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._tell()

    def _run(self) -> None:
        while not self._over.wait(PROGRESS_INTERVAL_S):
            self._tell()

    def _tell(self) -> None:
        now = self._progress()
        if now != self._last:
            self._last = now
            tell(now)


class _Download:
    def __init__(self, job: DownloadJob, staging: Staging) -> None:
        self._job = job
        self._staging = staging
        self._files = job.variant.all_files
        self._hub = RepositoryFiles(job.variant, job.token, job.reserve)
        self._sizes: list[int | None] = [file.size for file in self._files]
        self._done = [0] * len(self._files)
        self._stored: dict[int, Stored] = {}
        self._facts: dict[int, FileFacts] = {}
        self._asked_at: dict[int, float] = {}
        self._verifying = False

    def run(self) -> tuple[Stored, ...]:
        for index, file in enumerate(self._files):
            self._find(index, file)
        missing = [index for index in range(len(self._files)) if index not in self._stored]
        for index in missing:
            if self._sizes[index] is None:
                self._sizes[index] = self._ask(index).size
        check_space(
            self._staging.folder,
            sum((self._sizes[index] or 0) - self._done[index] for index in missing),
            self._job.reserve,
        )
        for index in missing:
            if size_of(self._staging.whole(index)) is None:
                self._find(index, self._files[index])  # another download may have brought it: a projector
                if index not in self._stored:
                    self._bring(index)
        missing = [index for index in missing if index not in self._stored]
        for index in missing:
            self._check_header(index)
            self._stored[index] = self._described(index)
        shelve(self._job.variant, self._job.library, self._staging, missing)
        return tuple(self._stored[index] for index in range(len(self._files)))

    def _find(self, index: int, file: HubFile) -> None:
        """See what is there of a file: in the library, or whole or in part in the staging folder."""
        target = target_of(self._job.library, place_of(self._job.variant, file))
        size = size_of(target)
        if size is not None and (file.size is None or size == file.size):
            checksum = Checksum(file.sha256.lower()) if file.sha256 else self._ask(index).checksum
            sha256 = matches(target, checksum, lambda done: self._grown(index, done, verifying=True))
            if sha256 is not None:
                self._sizes[index] = self._done[index] = size
                self._stored[index] = Stored(place_of(self._job.variant, file), size, sha256)
                return
        self._done[index] = self._staging.arrived(index)

    def _ask(self, index: int) -> FileFacts:
        now = time.monotonic()
        if index not in self._facts or now - self._asked_at[index] > FACTS_LIFE_S:
            self._facts[index] = self._hub.facts(self._files[index])
            self._asked_at[index] = now
        return self._facts[index]

    def _bring(self, index: int) -> None:
        """Fetch and verify one file. A damaged one is fetched anew, once: the old part may be at fault."""
        for last in (False, True):
            facts = self._ask(index)
            try:
                self._fetch_and_verify(index, facts)
                return
            except DownloadDamaged:
                self._staging.part(index).unlink(missing_ok=True)
                self._grown(index, 0)
                if last:
                    raise

    def _fetch_and_verify(self, index: int, facts: FileFacts) -> None:
        file, part = self._files[index], self._staging.part(index)
        if (size_of(part) or 0) > facts.size:
            part.unlink()
        if size_of(part) != facts.size:
            self._hub.fetch(facts, part, lambda done: self._grown(index, done))
        sha256 = matches(part, facts.checksum, lambda _: self._grown(index, facts.size, verifying=True))
        if sha256 is None:
            raise DownloadDamaged(
                f"{file.path} arrived damaged, twice. Something between here and the hub changes it: a "
                "proxy, a virus scanner, or the disk. Try again later, or over another network.",
                detail=f"its checksum is not {facts.checksum.sha256 or facts.checksum.git}",
            )
        self._staging.keep_whole(index)

    def _check_header(self, index: int) -> None:
        file = self._files[index]
        if not file.path.lower().endswith(".gguf"):
            return
        whole = self._staging.whole(index)
        try:
            check_complete(whole, read_header(whole))
        except ModelFileError as error:
            self._discard()
            raise ModelFileError(
                f"{file.path} arrived just as the hub has it, but is no model that can be read. Choose "
                "another file or repository.",
                detail=f"{error.message} {error.detail}",
            ) from error

    def _discard(self) -> None:
        """What is no model is not worth its gigabytes, and trying again shall fetch what the hub has then."""
        for index in range(len(self._files)):
            for path in (self._staging.whole(index), self._staging.part(index)):
                path.unlink(missing_ok=True)
            self._grown(index, 0)

    def _described(self, index: int) -> Stored:
        """A file that is whole, with its SHA-256. Raises DownloadDamaged if the hub has another by now."""
        file, whole = self._files[index], self._staging.whole(index)
        sha256: str | None = (file.sha256 or "").lower()
        if not sha256:  # a small file, of which the hub keeps git's hash
            sha256 = matches(whole, self._ask(index).checksum, lambda _: None)
        if sha256 is None:
            whole.unlink()
            raise DownloadDamaged(
                f"{file.path} was changed on the hub while it was downloaded. Try again.",
                detail=f"{self._job.variant.repository} at {self._job.variant.revision}",
            )
        return Stored(place_of(self._job.variant, file), size_of(whole) or 0, sha256)

    def _grown(self, index: int, done: int, *, verifying: bool = False) -> None:
        self._done[index] = done
        self._verifying = verifying

    def progress(self) -> Progress:
        """How far it is. Any thread may call."""
        sizes = [size for size in self._sizes if size is not None]
        size = sum(sizes) if len(sizes) == len(self._sizes) else None
        return Progress(sum(self._done), size, self._verifying)


def _first_line(file: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(file, 65536)
        if not piece:
            return b""
        line += piece
    return line


def _end_with_the_app() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)  # nothing here needs to be put in order: see above


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # the thread that reads standard input would keep us
