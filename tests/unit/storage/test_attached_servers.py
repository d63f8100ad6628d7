import json
import threading
from pathlib import Path

import pytest

from app.domain.attached import UNSEEN, AttachedServer, ServerFacts, ServerKind, ServerModel
from app.domain.errors import StorageError
from app.domain.server_address import ServerAddress
from app.storage.attached_servers import AttachedServerList

FACTS = ServerFacts(ServerKind.VLLM, (ServerModel("a", 4096), ServerModel("b")), "0.32.0")


def make(number):
    return AttachedServer(
        number,
        f"Zoë’s {number}",
        ServerAddress.parse(f"https://gpu{number}.example/openai/v1"),
        Path("/ca.pem"),
        True,
        FACTS,
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "servers.json"


def test_they_are_kept(path):
    servers = AttachedServerList(path)
    assert servers.all() == ()
    first, second = servers.add(make), servers.add(make)
    assert (first.number, second.number) == (1, 2)
    again = AttachedServerList(path).all()
    assert again == (first, second)
    assert [server.facts for server in again] == [FACTS, FACTS]


def test_a_number_is_never_given_twice(path):
    servers = AttachedServerList(path)
    servers.remove(servers.add(make).number)
    assert AttachedServerList(path).add(make).number == 2


def test_one_is_changed(path):
    servers = AttachedServerList(path)
    servers.add(lambda number: AttachedServer(number, "a", ServerAddress("host", 80)))
    servers.add(make)
    servers.change(1, facts=FACTS)
    servers.change(99, facts=FACTS)
    assert [server.facts for server in AttachedServerList(path).all()] == [FACTS, FACTS]


def test_what_another_process_wrote_is_seen(path):
    ours, theirs = AttachedServerList(path), AttachedServerList(path)
    ours.add(make)
    theirs.add(make)
    assert [server.number for server in ours.all()] == [1, 2]


def test_many_at_once(path):
    servers = AttachedServerList(path)
    threads = [threading.Thread(target=servers.add, args=(make,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(server.number for server in AttachedServerList(path).all()) == list(range(1, 9))


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[]", b"[" * 100_000, b"\xff"])
def test_a_damaged_file_is_set_aside(path, content):
    path.write_bytes(content)
    servers = AttachedServerList(path)
    assert servers.all() == ()
    servers.add(make)
    kept = [other for other in path.parent.iterdir() if other != path]
    assert [other.read_bytes() for other in kept] == [content]


GOOD = {"number": 5, "name": "good", "url": "http://host/v1"}


@pytest.mark.parametrize(
    "bad",
    [
        None, 5, [], {}, {**GOOD, "number": "1"}, {**GOOD, "number": True}, {**GOOD, "number": -1},
        {**GOOD, "name": None}, {**GOOD, "url": 5}, {**GOOD, "url": "no address"},
        {**GOOD, "url": "http://me:secret@host"}, {**GOOD, "name": "a second one of this number"},
    ],
)  # fmt: skip
def test_what_is_no_server_is_left_out(path, bad):
    path.write_text(json.dumps({"next": "x", "servers": [GOOD, bad]}), "utf-8")
    servers = AttachedServerList(path)
    assert [server.name for server in servers.all()] == ["good"]
    assert servers.add(make).number == 6


@pytest.mark.parametrize(
    "facts",
    [{"kind": "NEW"}, {"kind": 5, "models": []}, {"kind": "VLLM", "models": "x"}, {"kind": "VLLM"}],
)
def test_facts_of_another_version_are_unseen(path, facts):
    path.write_text(json.dumps({"servers": [{**GOOD, **facts}]}), "utf-8")
    (server,) = AttachedServerList(path).all()
    assert server.facts == UNSEEN


def test_there_are_no_servers_in_what_is_no_list(path):
    path.write_text('{"servers": {"a": 1}}', "utf-8")
    assert AttachedServerList(path).all() == ()


def test_a_folder_that_cannot_be_written(tmp_path):
    servers = AttachedServerList(tmp_path / "missing" / "servers.json")
    with pytest.raises(StorageError):
        servers.add(make)
    assert servers.all() == ()
