"""A worker as the app sees it, when it does not do what it should."""

from __future__ import annotations

import sys

import pytest

from app.domain.errors import HubError, HubUnreachable
from app.domain.hub import Format, HubFile, Variant
from app.models import download_process
from app.models.download_messages import DownloadJob, Failed, Finished, Message, Progress
from app.models.download_process import FLAG, DownloadProcess


@pytest.fixture
def job(tmp_path):
    variant = Variant("owner/name", "main", Format.GGUF, "", (HubFile("a.gguf"),))
    return DownloadJob(variant, tmp_path / "x", tmp_path, "hf_secret1234", 0)


def told(job, monkeypatch, script):
    """What is heard of a worker that runs `script` instead."""
    monkeypatch.setattr(download_process, "_command", lambda: [sys.executable, "-c", script])
    heard: list[Message] = []
    process = DownloadProcess(job, heard.append)
    process.wait()
    return heard


def test_messages_are_handed_on_and_the_last_one_ends_it(job, monkeypatch):
    script = """
import sys; sys.stdin.readline()
print('{"progress": {"done": 1, "size": 2, "verifying": false}}')
print('{"finished": []}')
"""
    assert told(job, monkeypatch, script) == [Progress(1, 2), Finished(())]


def test_a_bug_is_told_as_one_with_its_traceback_behind_it(job, monkeypatch):
    script = "import sys; job = sys.stdin.readline(); raise RuntimeError('Bearer hf_secret1234')"
    (message,) = told(job, monkeypatch, script)
    assert isinstance(message, Failed)
    assert type(message.error) is HubError  # not one that is tried again
    assert "mistake in Edgewise" in message.error.message
    assert "RuntimeError" in message.error.detail
    assert "hf_secret1234" not in message.error.detail


def test_one_that_never_reads_its_job_is_an_interruption(job, monkeypatch):
    (message,) = told(job, monkeypatch, "raise SystemExit(3)")
    assert isinstance(message, Failed)
    assert isinstance(message.error, HubUnreachable)
    assert "exit status 3" in message.error.detail


def test_one_that_is_killed_has_told_its_end(job, monkeypatch):
    monkeypatch.setattr(
        download_process, "_command", lambda: [sys.executable, "-c", "import sys; sys.stdin.read()"]
    )
    heard: list[Message] = []
    process = DownloadProcess(job, heard.append)
    process.kill()
    process.wait()
    assert [type(message) for message in heard] == [Failed]
    process.kill()  # once more does no harm


def test_a_program_that_cannot_be_run(job, monkeypatch):
    monkeypatch.setattr(download_process, "_command", lambda: ["/nowhere/at/all"])
    with pytest.raises(HubError, match="cannot be started"):
        DownloadProcess(job, lambda _: None)


def test_a_frozen_app_is_its_own_worker(monkeypatch):
    from app.__main__ import DOWNLOAD

    assert FLAG == DOWNLOAD
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert download_process._command() == [sys.executable, FLAG]
