"""One file from a server like the hub, with the real huggingface_hub in this very process."""

from __future__ import annotations

import errno
import hashlib
import sys

import pytest

from app.domain.errors import DiskFull, DownloadDamaged, HubUnreachable, StorageError
from app.domain.hub import Format, HubFile, Variant
from app.models import download_fetch
from app.models.download_fetch import Checksum, RepositoryFiles, check_space, matches
from tests.hub_server import Fault, HubServer

NAME, FILE = "owner/name", "m.gguf"
DATA = bytes(range(256)) * 4000


@pytest.fixture
def hub(monkeypatch):
    with HubServer() as server:
        server.add(NAME, {FILE: DATA, "config.json": b"{}"})
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def part(tmp_path):
    return tmp_path / "0000.part"


def files(token=None, revision="main"):
    return RepositoryFiles(Variant(NAME, revision, Format.GGUF, "", ()), token, 0)


def fetch(part, told=None, size=None):
    source = files()
    facts = source.facts(HubFile(FILE, size))
    source.fetch(facts, part, (told if told is not None else []).append)


def test_the_hub_says_what_a_file_is(hub):
    facts = files().facts(HubFile(FILE))
    assert (facts.size, facts.checksum.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert facts.location.startswith(hub.cdn_url)
    small = files().facts(HubFile("config.json"))
    assert (small.size, small.checksum) == (2, Checksum(git="9e26dfeeb6e641a33dae4961196235bdb965b21b"))


def test_the_bytes_arrive_and_are_told(hub, part):
    told: list[int] = []
    fetch(part, told)
    assert part.read_bytes() == DATA
    assert told == sorted(told)
    assert told[-1] == len(DATA)
    assert matches(part, Checksum(sha256=hashlib.sha256(DATA).hexdigest()), told.append)


def test_what_is_there_is_not_fetched(hub, part):
    part.write_bytes(DATA[:300_000])
    fetch(part)
    assert part.read_bytes() == DATA
    assert hub.sent(FILE) == len(DATA) - 300_000
    fetch(part)
    assert len(hub.contents(FILE)) == 1


def test_a_file_larger_than_one_answer_may_be_comes_in_ranges(hub, part, monkeypatch):
    monkeypatch.setattr(download_fetch, "LONGEST_ANSWER", 400_000)
    part.write_bytes(DATA[:100_000])
    fetch(part)
    assert part.read_bytes() == DATA
    assert [asked.headers["range"] for asked in hub.contents(FILE)] == [
        "bytes=100000-499999",
        "bytes=500000-899999",
        "bytes=900000-1023999",
    ]


def test_after_the_first_answer_it_is_one_commit(hub):
    source = files()
    commit = hub.repositories[NAME].commit
    source.facts(HubFile(FILE))
    source.facts(HubFile("config.json"))
    assert hub.asked[-2].path == f"/{NAME}/resolve/{commit}/config.json"


def test_a_file_that_is_another_by_now_is_refused(hub):
    with pytest.raises(DownloadDamaged, match="by now"):
        files().facts(HubFile(FILE, len(DATA) - 1))
    with pytest.raises(DownloadDamaged, match="by now"):
        files().facts(HubFile(FILE, len(DATA), "0" * 64))


def test_an_answer_without_a_checksum_is_not_the_hub_s(hub):
    hub.fail(NAME, FILE, Fault(where="resolve", status=200))
    with pytest.raises(HubUnreachable, match="sign in"):
        files().facts(HubFile(FILE))


def test_a_server_that_knows_no_ranges_gives_all_of_it_again(hub, part):
    part.write_bytes(b"not its beginning" * 1000)
    hub.fail(NAME, FILE, Fault(no_ranges=True))
    fetch(part)
    assert part.read_bytes() == DATA
    assert hub.contents(FILE)[0].status == 200


def test_a_sign_in_page_spoils_nothing(hub, part):
    part.write_bytes(DATA[:300_000])
    hub.fail(NAME, FILE, Fault(status=200))
    with pytest.raises(HubUnreachable, match="sign in"):
        fetch(part)
    assert part.read_bytes() == DATA[:300_000]


def test_more_than_was_announced_is_refused(part):
    with download_fetch._PartFile(part, 10, 0, lambda _: None) as sink:
        sink.write(b"12345")
        with pytest.raises(DownloadDamaged, match="more than it announced"):
            sink.write(b"678901")
    assert part.read_bytes() == b"12345"


def test_a_disk_without_room_is_said_in_a_sentence(tmp_path):
    with pytest.raises(DiskFull, match=r"\d GB more are needed"):
        check_space(tmp_path, 1 << 60, 0)
    with pytest.raises(DiskFull):
        check_space(tmp_path, 1, 1 << 60)
    check_space(tmp_path, 0, 1 << 60)  # nothing is missing


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, DiskFull, "full"),
        (errno.EFBIG, StorageError, "no file of this size"),
        (errno.EIO, StorageError, "connected and healthy"),
    ],
)
def test_what_the_disk_says_is_explained(part, number, kind, words):
    error = download_fetch.explain_disk(OSError(number, "as it says"), part)
    assert type(error) is kind
    assert words in error.message


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_file_that_may_not_grow_is_explained_and_kept(hub, part):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(StorageError, match="no file of this size"):
            fetch(part)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert part.read_bytes() == DATA[:500_000]
    fetch(part)
    assert part.read_bytes() == DATA


def test_git_s_hash_is_that_of_git(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"{}")
    good = Checksum(git="9e26dfeeb6e641a33dae4961196235bdb965b21b")  # printf '{}' | git hash-object --stdin
    assert matches(path, good, lambda _: None) == hashlib.sha256(b"{}").hexdigest()
    path.write_bytes(b"[]")
    assert matches(path, good, lambda _: None) is None


def test_the_token_goes_to_the_hub_and_not_to_where_it_sends_us(hub, part):
    hub.tokens = {"hf_good": {NAME}}
    source = files("hf_good")
    source.fetch(source.facts(HubFile(FILE)), part, lambda _: None)
    source.fetch(source.facts(HubFile("config.json")), part.with_name("1"), lambda _: None)
    assert {asked.headers.get("authorization") for asked in hub.asked if asked.host == "hub"} == {
        "Bearer hf_good"
    }
    assert [asked.headers.get("authorization") for asked in hub.asked if asked.host == "cdn"] == [None]
