"""A worker's protocol: the job on standard input, messages on standard output, an end with its app."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.errors import DownloadDamaged, HubError, StorageError
from app.domain.hub import Format, HubFile, Variant
from app.models.download_fetch import RepositoryFiles
from app.models.download_messages import (
    DownloadJob,
    Failed,
    Finished,
    Message,
    Progress,
    read_message,
    write_job,
)
from app.models.download_staging import Staging
from app.models.download_worker import run
from tests.faults.waiting import until
from tests.gguf_files import small_gguf
from tests.hub_server import Fault, HubServer

ROOT = Path(__file__).parents[3]
NAME = "owner/name"
MODULE = [sys.executable, "-m", "app.models.download_worker"]
FROZEN = [sys.executable, "-m", "app", "--download-worker"]


@pytest.fixture
def hub(monkeypatch):
    with HubServer() as server:
        server.add(NAME, {"a.gguf": small_gguf(400_000), "b.gguf": small_gguf(400_000, seed=1)})
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def job(tmp_path, *files, label=""):
    listed = tuple(HubFile(path) for path in files or ("a.gguf",))
    variant = Variant(NAME, "main", Format.GGUF, label, listed)
    return DownloadJob(variant, tmp_path / "models" / ".incoming" / "x", tmp_path / "models", None, 0)


def start(command=MODULE):
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ)


def messages(output) -> list[Message]:
    found = [read_message(line) for line in output.splitlines(keepends=True)]
    assert None not in found
    return [message for message in found if message is not None]


@pytest.mark.parametrize("command", [MODULE, FROZEN], ids=["module", "frozen"])
def test_a_job_is_done_and_told(hub, tmp_path, command):
    with start(command) as worker:
        assert worker.stdin is not None
        worker.stdin.write(write_job(job(tmp_path)))
        worker.stdin.flush()
        output = worker.stdout.read()  # it ends by itself, while its input is still open
    assert worker.returncode == 0
    *progress, last = messages(output)
    assert isinstance(last, Finished)
    assert [file.path for file in last.files] == [f"{NAME}/a.gguf"]
    size = last.files[0].size
    assert isinstance(progress[-1], Progress)
    assert (progress[-1].done, progress[-1].size) == (size, size)
    assert (tmp_path / "models" / NAME / "a.gguf").stat().st_size == size


def test_a_failure_is_told(hub, tmp_path):
    with start() as worker:
        worker.stdin.write(write_job(job(tmp_path, "nothing.gguf")))
        worker.stdin.flush()
        last = messages(worker.stdout.read())[-1]
    assert isinstance(last, Failed)
    assert NAME in last.error.message


def test_it_ends_when_its_app_does(hub, tmp_path):
    hub.fail(NAME, "a.gguf", Fault(stall_after=1000))
    with start() as worker:
        worker.stdin.write(write_job(job(tmp_path)))
        worker.stdin.flush()
        until(lambda: hub.sent("a.gguf") == 1000)
        worker.stdin.close()
        assert worker.wait(5) == 0


def test_without_a_job_it_ends(tmp_path):
    with start() as worker:
        assert worker.communicate()[0] == b""
    assert worker.returncode == 0


def test_a_file_that_is_whole_is_not_verified_again(hub, tmp_path):
    """It has been before it got that name; what was verified and is on the disk costs nothing more."""
    staging = Staging(job(tmp_path).staging)
    staging.folder.mkdir(parents=True)
    staging.whole(0).write_bytes(small_gguf(400_000))
    hub.fail(NAME, "a.gguf", Fault(status=500, times=None))
    assert len(run(job(tmp_path, "a.gguf", "b.gguf"))) == 2
    assert hub.contents("a.gguf") == []


def test_what_another_download_brings_meanwhile_is_not_fetched(hub, tmp_path, monkeypatch):
    shared = tmp_path / "models" / NAME / "b.gguf"
    fetch = RepositoryFiles.fetch

    def meanwhile(self, *arguments):
        fetch(self, *arguments)
        shared.parent.mkdir(parents=True)
        shared.write_bytes(small_gguf(400_000, seed=1))

    monkeypatch.setattr(RepositoryFiles, "fetch", meanwhile)
    assert len(run(job(tmp_path, "a.gguf", "b.gguf"))) == 2
    assert hub.contents("b.gguf") == []


def test_a_small_file_that_changed_since_it_was_whole_is_not_mixed_in(hub, tmp_path):
    hub.add(NAME, {"config.json": b"{}", "model.safetensors": b"x" * 100})
    it = job(tmp_path, "config.json", "model.safetensors")
    staging = Staging(it.staging)
    staging.folder.mkdir(parents=True)
    staging.whole(0).write_bytes(b"[]")  # of an earlier commit of the branch
    with pytest.raises(DownloadDamaged, match="changed on the hub"):
        run(it)
    assert not (tmp_path / "models" / NAME).exists()
    run(it)
    assert (tmp_path / "models" / NAME / "config.json").read_bytes() == b"{}"


def test_a_part_that_is_too_long_is_begun_anew(hub, tmp_path):
    staging = Staging(job(tmp_path).staging)
    staging.folder.mkdir(parents=True)
    staging.part(0).write_bytes(bytes(500_000))
    run(job(tmp_path))
    assert (tmp_path / "models" / NAME / "a.gguf").read_bytes() == small_gguf(400_000)


def test_a_folder_that_cannot_be_made_is_a_failure_with_a_sentence(hub, tmp_path):
    (tmp_path / "models").write_bytes(b"a file is in the way")
    with pytest.raises(StorageError, match="cannot be read or written"):
        run(job(tmp_path))
    assert hub.asked == []


def test_an_unsafe_job_touches_nothing(hub, tmp_path):
    with pytest.raises(HubError):
        run(job(tmp_path, "../evil.gguf"))
    assert list(tmp_path.iterdir()) == []
