"""What the app and a worker tell each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain import errors
from app.domain.hub import Format, HubFile, Variant
from app.models.download_messages import (
    DownloadJob,
    Failed,
    Finished,
    Progress,
    Stored,
    read_job,
    read_message,
    write_job,
    write_message,
)

VARIANT = Variant("owner/name", "main", Format.GGUF, "Q4_K_M", (HubFile("a 家.gguf", 5, "a" * 64),))


def test_a_job_is_one_line_and_comes_back():
    job = DownloadJob(VARIANT, Path("/tmp/Zoë’s 家/x"), Path("/tmp/models"), "hf_secret", 5)
    line = write_job(job)
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert read_job(line) == job


def test_a_job_without_a_variant_is_none():
    with pytest.raises(ValueError, match="job"):
        read_job(b'{"variant": {}}')


@pytest.mark.parametrize(
    "message",
    [Progress(5, None), Progress(5, 10, True), Finished((Stored("o/n/家.gguf", 5, "a" * 64),)), Finished(())],
)
def test_a_message_comes_back(message):
    line = write_message(message)
    assert line.endswith(b"\n")
    assert read_message(line) == message


@pytest.mark.parametrize(
    "kind",
    [
        errors.Offline, errors.HubUnreachable, errors.AccessDenied, errors.NotOnHub, errors.DownloadDamaged,
        errors.HubError, errors.TokenRefused, errors.ModelFileError, errors.DiskFull, errors.StorageError,
    ],
)  # fmt: skip
def test_a_failure_keeps_its_kind(kind):
    again = read_message(write_message(Failed(kind("Zu spät.", detail="why"))))
    assert isinstance(again, Failed)
    assert type(again.error) is kind
    assert (again.error.message, again.error.detail) == ("Zu spät.", "why")


@pytest.mark.parametrize("wait", [None, 12.5])
def test_a_busy_hub_keeps_its_wait(wait):
    again = read_message(write_message(Failed(errors.HubBusy("Wait.", retry_after_s=wait, detail="d"))))
    assert isinstance(again, Failed)
    assert isinstance(again.error, errors.HubBusy)
    assert again.error.retry_after_s == wait


@pytest.mark.parametrize(
    "line",
    [
        b"Traceback (most recent call last):\n",
        b"\n",
        b"{",
        b"{}\n",
        b'{"progress": 1}\n',
        b'{"failed": {}}\n',
    ],
)
def test_what_is_no_message_is_none(line):
    assert read_message(line) is None
