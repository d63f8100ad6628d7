"""The store against killed processes, full and read-only disks, and damaged files."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.conversation import MessageState
from app.domain.errors import DatabaseTooNew, DiskFull, StorageError
from app.domain.generation import Role
from app.storage.conversations import INTERRUPTED_BY_CLOSING, Conversations
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.settings import Settings, load_settings, save_settings

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from pathlib import Path
from app.domain.conversation import MessageState
from app.domain.generation import Role
from app.storage.conversations import Conversations
from app.storage.database import Database

conversations = Conversations(Database.open(Path(sys.argv[1])))
chat = conversations.create().result()
parent = None
while True:
    question = conversations.append(chat.id, Role.USER, "question " * 40, parent_id=parent).result()
    reply = conversations.append(
        chat.id, Role.ASSISTANT, "", parent_id=question.id, state=MessageState.STREAMING
    ).result()
    conversations.update_reply(
        reply.id, text="partial", reasoning="", state=MessageState.STREAMING
    ).result()
    print(question.id, reply.id, flush=True)
    parent = reply.id
"""


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "Fehler – 障害"
    folder.mkdir()
    return folder / "edgewise.db"


@pytest.fixture
def mounted(tmp_path):
    """Mounts a small file system in memory; unmounts it at the end."""
    folder = tmp_path / "klein 小"
    folder.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        can = sys.platform == "linux" and shutil.which("mount") is not None
        if not can or subprocess.run(command, capture_output=True).returncode != 0:
            pytest.skip("mounting a small file system needs root on Linux")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path, messages=300):
    with Database.open(path) as database:
        conversations = Conversations(database)
        chat = conversations.create().result().id
        parent = None
        for i in range(messages):
            parent = conversations.append(chat, Role.USER, f"{i} " * 100, parent_id=parent).result().id
    return chat


def kill_after(lines, path):
    """Run the writer, kill it once it has reported `lines` exchanges; returns all it reported."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        reported = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        reported += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    # The last line may have been cut by the kill.
    return [tuple(map(int, line.split())) for line in reported if line.endswith("\n")]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a POSIX signal")
@pytest.mark.parametrize("lines", [1, 40])
def test_what_was_reported_stored_survives_a_kill(path, lines):
    reported = kill_after(lines, path)
    assert len(reported) >= lines
    with Database.open(path) as database:
        assert database.set_aside is None
        conversations = Conversations(database)
        stored = {message.id: message for message in conversations.path(1)}
        for question, reply in reported:
            assert stored[question].text == "question " * 40
            assert stored[reply].text == "partial"
        unfinished = sum(message.state is MessageState.STREAMING for message in stored.values())
        assert unfinished >= lines
        assert conversations.mark_interrupted().result() == unfinished
        last = conversations.path(1)[-1]
        if last.role is Role.ASSISTANT:
            assert last.error == INTERRUPTED_BY_CLOSING
        assert database.read(lambda c: c.execute("PRAGMA integrity_check").fetchone()) == ("ok",)


def zeroed_header(content):
    return bytes(100) + content[100:]


def half(content):
    return content[: len(content) // 2]


def noise(content):
    return random.Random(1).randbytes(len(content))


def a_few_bytes(content):
    return b"hello"


def zeros(content):
    return bytes(len(content))


def broken_schema(content):
    return content[:100] + random.Random(2).randbytes(3996) + content[4096:]


@pytest.mark.parametrize("damage", [noise, half, zeroed_header, a_few_bytes, zeros, broken_schema])
def test_a_damaged_database_is_set_aside_and_a_new_one_begun(path, damage):
    fill(path)
    broken = damage(path.read_bytes())
    path.write_bytes(broken)
    with Database.open(path) as database:
        moved = database.set_aside
        assert moved is not None
        assert moved.name.startswith("edgewise.db.damaged-")
        assert moved.read_bytes() == broken
        conversations = Conversations(database)
        assert conversations.summaries() == []
        conversations.create().result()
    with Database.open(path) as database:
        assert database.set_aside is None
        assert len(Conversations(database).summaries()) == 1
    assert moved.read_bytes() == broken


def test_two_damaged_databases_are_both_kept(path):
    kept = {}
    for content in (b"first" * 1000, b"second" * 1000):
        path.write_bytes(content)
        with Database.open(path) as database:
            assert database.set_aside is not None
            kept[database.set_aside] = content
    assert len(kept) == 2
    for moved, content in kept.items():
        assert moved.read_bytes() == content


def unclean_copy(source, target):
    """Copy a database with its log as a power cut would leave it."""
    with Database.open(source) as database:
        Conversations(database).create().result()
        for ending in ("", "-wal"):
            shutil.copy(f"{source}{ending}", f"{target}{ending}")
    assert Path(f"{target}-wal").stat().st_size > 0


def overwrite_pages(path, pages):
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * 4096)
            file.write(random.Random(page).randbytes(4096))


def test_after_an_unclean_end_every_page_is_checked(path, tmp_path):
    fill(path)
    target = tmp_path / "edgewise.db"
    unclean_copy(path, target)
    overwrite_pages(target, range(20, 40))
    log = Path(f"{target}-wal").read_bytes()
    with Database.open(target) as database:
        moved = database.set_aside
        assert moved is not None
        assert Conversations(database).summaries() == []
    assert moved.with_name(moved.name + "-wal").read_bytes() == log


def test_an_unclean_end_without_damage_loses_nothing(path, tmp_path):
    chat = fill(path)
    target = tmp_path / "edgewise.db"
    unclean_copy(path, target)
    with Database.open(target) as database:
        assert database.set_aside is None
        assert len(Conversations(database).path(chat)) == 300
        assert len(Conversations(database).summaries()) == 2


def test_a_torn_log_loses_only_its_end(path, tmp_path):
    chat = fill(path)
    target = tmp_path / "edgewise.db"
    unclean_copy(path, target)
    log = Path(f"{target}-wal")
    log.write_bytes(log.read_bytes()[:-100])
    with Database.open(target) as database:
        assert database.set_aside is None
        assert len(Conversations(database).path(chat)) == 300
        assert len(Conversations(database).summaries()) == 1


@pytest.mark.parametrize("gone", [True, False], ids=["missing", "empty"])
def test_a_log_without_its_database_is_kept(path, tmp_path, gone):
    target = tmp_path / "edgewise.db"
    unclean_copy(path, target)
    log = Path(f"{target}-wal").read_bytes()
    target.unlink() if gone else target.write_bytes(b"")
    with Database.open(target) as database:
        moved = database.set_aside
    assert moved is not None
    assert moved.with_name(moved.name + "-wal").read_bytes() == log


def test_damage_met_while_reading_is_told_and_dealt_with_at_the_next_start(path):
    chat = fill(path)
    overwrite_pages(path, range(20, 60))  # a clean close went before: opening does not read these
    broken = path.read_bytes()
    with Database.open(path) as database:
        assert database.set_aside is None
        with pytest.raises(StorageError, match=r"damaged\. Restart Edgewise"):
            Conversations(database).path(chat)
    with Database.open(path) as database:
        assert database.set_aside is not None
        assert database.set_aside.read_bytes() == broken
        assert Conversations(database).summaries() == []
    with Database.open(path) as database:
        assert database.set_aside is None


def test_damage_met_while_writing_is_told(path):
    fill(path)
    overwrite_pages(path, range(20, 60))  # the first ones hold the schema, which opening reads
    with Database.open(path) as database:
        failed = database.write(lambda c: c.execute("UPDATE messages SET text = text || '!'"))
        with pytest.raises(StorageError, match=r"damaged\. Restart Edgewise"):
            failed.result()
    with Database.open(path) as database:
        assert database.set_aside is not None


def test_a_suspicion_that_proves_wrong_costs_nothing(path):
    chat = fill(path, messages=3)
    path.with_name("edgewise.db.suspect").touch()
    with Database.open(path) as database:
        assert database.set_aside is None
        assert len(Conversations(database).path(chat)) == 3
    assert not path.with_name("edgewise.db.suspect").exists()


def test_a_newer_database_with_a_log_is_left_as_it_is(path, tmp_path):
    target = tmp_path / "edgewise.db"
    with Database.open(path) as database:
        database.write(lambda c: c.execute("PRAGMA user_version = 99")).result()
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{target}{ending}")
    before = [Path(f"{target}{ending}").read_bytes() for ending in ("", "-wal")]
    with pytest.raises(DatabaseTooNew):
        Database.open(target)
    assert [Path(f"{target}{ending}").read_bytes() for ending in ("", "-wal")] == before


def test_a_full_disk_is_told_and_over_when_there_is_room_again(mounted):
    folder = mounted("size=1m")
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(300_000))
    with Database.open(folder / "edgewise.db") as database:
        conversations = Conversations(database)
        chat = conversations.create().result().id
        kept = [conversations.append(chat, Role.USER, "first", parent_id=None).result()]

        def until_full():
            while True:
                message = conversations.append(chat, Role.USER, "x" * 20_000, parent_id=kept[-1].id)
                kept.append(message.result())

        with pytest.raises(DiskFull, match=r"full\. Free some space"):
            until_full()
        assert len(kept) > 5
        assert conversations.path(chat) == kept
        ballast.unlink()
        after = conversations.append(chat, Role.USER, "room again", parent_id=kept[-1].id).result()
        assert conversations.path(chat) == [*kept, after]
    with Database.open(folder / "edgewise.db") as database:
        assert database.set_aside is None
        assert Conversations(database).path(chat) == [*kept, after]


def test_the_databases_own_limit_counts_as_a_full_disk(path):
    with Database.open(path) as database:
        database.write(lambda c: c.execute("PRAGMA max_page_count = 12").fetchone()).result()
        conversations = Conversations(database)
        chat = conversations.create().result().id
        with pytest.raises(DiskFull):
            conversations.append(chat, Role.USER, "x" * 100_000, parent_id=None).result()
        assert conversations.path(chat) == []
        conversations.append(chat, Role.USER, "short", parent_id=None).result()
        assert [message.text for message in conversations.path(chat)] == ["short"]


def test_opening_on_a_full_disk_is_told(mounted):
    folder = mounted("size=64k")
    (folder / "ballast").write_bytes(bytes(56_000))
    with pytest.raises(DiskFull):
        Database.open(folder / "edgewise.db")


def test_settings_survive_a_full_disk(mounted):
    folder = mounted("size=64k")
    path = folder / "settings.json"
    save_settings(path, Settings(theme="dark"))
    with pytest.raises(DiskFull):
        save_settings(path, Settings(system_prompt="x" * 100_000))
    assert load_settings(path) == Settings(theme="dark")
    assert [file.name for file in folder.iterdir()] == ["settings.json"]


def test_a_read_only_disk_is_told_in_every_room(mounted, monkeypatch):
    folder = mounted("size=1m")
    home = folder / "home"
    monkeypatch.setenv("EDGEWISE_HOME", str(home))
    paths = Paths.find()
    paths.create()
    save_settings(paths.settings, Settings(theme="light"))
    fill(paths.database, messages=2)
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    with pytest.raises(StorageError, match="not allowed to write"):
        paths.create()
    with pytest.raises(StorageError, match="not allowed to write"):
        Database.open(paths.database)
    with pytest.raises(StorageError, match="not allowed to write"):
        save_settings(paths.settings, Settings())
    assert load_settings(paths.settings) == Settings(theme="light")
    with closing(sqlite3.connect(f"{paths.database.as_uri()}?immutable=1", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (2,)
