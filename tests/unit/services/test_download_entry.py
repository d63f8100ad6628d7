"""One download's states, without anything that runs."""

from __future__ import annotations

import time

import pytest

from app.domain.download import Download, DownloadState
from app.domain.errors import AccessDenied, HubBusy, HubUnreachable, TokenRefused
from app.domain.hub import Format, HubFile, Variant
from app.models.download_messages import Finished, Progress, Stored
from app.services.download_entry import OFFLINE, DownloadEntry, Patience

VARIANT = Variant("owner/name", "main", Format.GGUF, "Q4_K_M", (HubFile("a.gguf", 1000, "a" * 64),))
PATIENCE = Patience(first_s=2.0, longest_s=60.0, jitter=0.0, tries=3)
FINISHED = Finished((Stored("owner/name/a.gguf", 1000, "a" * 64),))


@pytest.fixture
def entry():
    return DownloadEntry(1, "0" * 16, "Small", VARIANT, 5.0, size=1000)


def test_waits_double_up_to_the_longest_and_vary():
    patience = Patience(first_s=2.0, longest_s=60.0, jitter=0.0)
    assert [patience.wait_s(n) for n in range(1, 8)] == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    waits = {Patience(first_s=2.0, jitter=0.25).wait_s(1) for _ in range(100)}
    assert len(waits) > 50
    assert min(waits) >= 1.5
    assert max(waits) <= 2.5


def test_it_waits_runs_verifies_and_is_done(entry):
    assert entry.as_download(0.0) == Download(1, "Small", VARIANT, DownloadState.WAITING, 0, 1000)
    entry.hear(Progress(500, None))
    assert (entry.state, entry.done, entry.size) == (DownloadState.RUNNING, 500, 1000)
    entry.hear(Progress(1000, 1000, verifying=True))
    assert entry.state is DownloadState.VERIFYING
    entry.arrive(FINISHED)
    assert entry.over
    assert entry.active  # until the journal knows
    entry.end("")
    assert (entry.state, entry.active) == (DownloadState.DONE, False)


def test_a_failure_that_passes_waits_longer_each_time(entry):
    for expected in (2.0, 4.0):
        entry.fail(HubUnreachable("Broke off.", detail="why"), PATIENCE)
        now = time.monotonic()
        shown = entry.as_download(now)
        assert (shown.state, shown.error, shown.detail) == (DownloadState.RETRYING, "Broke off.", "why")
        assert shown.retry_in_s == pytest.approx(expected, abs=0.5)
        entry.try_again(now)
        assert entry.state is DownloadState.RETRYING
        entry.try_again(now + expected + 0.1)
        assert (entry.state, entry.error) == (DownloadState.WAITING, "Broke off.")
    entry.fail(HubUnreachable("Broke off."), PATIENCE)
    assert entry.state is DownloadState.FAILED


def test_the_hub_s_own_wait_counts_if_it_is_longer(entry):
    entry.fail(HubBusy("Wait.", retry_after_s=30.0), PATIENCE)
    assert entry.as_download(time.monotonic()).retry_in_s == pytest.approx(30.0, abs=0.5)
    entry.go_on()
    entry.fail(HubBusy("Wait.", retry_after_s=0.0), PATIENCE)
    assert entry.as_download(time.monotonic()).retry_in_s == pytest.approx(2.0, abs=0.5)


def test_bytes_count_as_progress_only_once(entry):
    entry.hear(Progress(500, 1000))
    for state in (DownloadState.RETRYING, DownloadState.RETRYING, DownloadState.FAILED):
        entry.fail(HubUnreachable("Broke off."), PATIENCE)
        assert entry.state is state


def test_a_failure_is_forgotten_when_it_goes_on(entry):
    entry.fail(AccessDenied("A token is needed.", detail="why"), PATIENCE)
    assert entry.as_download(0.0).needs_token
    assert not entry.as_download(0.0).token_refused
    entry.fail(TokenRefused("It is not accepted."), PATIENCE)
    assert entry.as_download(0.0).token_refused
    entry.fail(AccessDenied("A token is needed.", detail="why"), PATIENCE)
    entry.go_on()
    shown = entry.as_download(0.0)
    assert (shown.state, shown.error, shown.detail, shown.needs_token) == (
        DownloadState.WAITING, "", "", False,
    )  # fmt: skip


@pytest.mark.parametrize("change", ["pause", "hold", "fail", "wait"])
def test_the_journal_brings_it_back_as_it_was(entry, change):
    if change == "pause":
        entry.pause()
    elif change == "hold":
        entry.hold()
    elif change == "fail":
        entry.fail(AccessDenied("A token is needed."), PATIENCE)
    again = DownloadEntry(2, entry.key, entry.name, entry.variant, entry.added)
    again.take_up(entry.as_record(), 300)
    assert again.done == 300
    assert again.as_record() == entry.as_record() == again.saved
    # The switch is looked at anew.
    assert again.state is (DownloadState.WAITING if change == "hold" else entry.state)


def test_a_hold_says_why_and_ends(entry):
    entry.hold()
    assert (entry.state, entry.error, entry.offline) == (DownloadState.PAUSED, OFFLINE, True)
    entry.go_on()
    assert (entry.state, entry.error, entry.offline) == (DownloadState.WAITING, "", False)
