"""Replies against an engine that dies, stalls and overflows: nothing that was written is lost."""

import errno
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from app.domain.conversation import MessageState
from app.domain.errors import DiskFull
from app.domain.generation import Role, SamplingParams
from app.domain.model import LocalModel
from app.engines.llama_cpp import LlamaCpp
from app.services.engine_supervisor import EngineSupervisor
from app.services.loading import LoadWishes
from app.storage.conversations import INTERRUPTED_BY_CLOSING, Conversations
from app.storage.database import Database
from tests.faults.chat import STREAMING, Chat, MockSupervisor, rows
from tests.faults.waiting import until
from tests.mock_engine import DONE, USAGE, MockEngine, event, finish, say, text

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "Zoë 家"
    folder.mkdir()
    return folder / "edgewise.db"


@pytest.fixture
def mock():
    with MockEngine(say(text("Hel"), text("lo"), finish(usage=USAGE), DONE)) as mock:
        yield mock


@pytest.fixture
def chat(path, mock, qapp):
    chat = Chat(path, MockSupervisor(mock))
    yield chat
    chat.close()


class Tap:
    """An engine's reply that runs as the test turns it on."""

    def __init__(self, rest=", and the rest"):
        self.rest = rest
        self.open = threading.Event()
        self.begun = threading.Event()

    def __call__(self, exchange):
        exchange.start()
        exchange.events(text("half a reply"))
        self.begun.set()
        while not self.open.is_set() and not exchange._closing.is_set():
            self.open.wait(0.02)
        exchange.send(event(text(self.rest)) + event(finish(usage=USAGE)) + DONE)


def test_a_question_is_stored_before_it_is_asked(chat, mock, path):
    seen = []

    def behave(exchange):
        seen.append((exchange.json["messages"][-1]["content"], rows(path)))
        say(text("ok"), finish(), DONE)(exchange)

    mock.behave = behave
    chat.ask(chat.new(), "Is this stored? 家")
    ((asked, stored),) = seen
    question, *place_of_the_reply = stored
    assert (asked, question) == ("Is this stored? 家", ("user", "Is this stored? 家", "complete", None))
    # Stored while the engine is asked: it may be there already.
    assert place_of_the_reply in ([], [("assistant", "", STREAMING, None)])


def test_a_reply_is_kept_with_all_that_belongs_to_it(chat, path):
    conversation = chat.new()
    reply = chat.ask(conversation, "Hi")
    assert (reply.text, reply.state, reply.model, reply.engine) == (
        "Hello",
        MessageState.COMPLETE,
        "mock",
        "mock",
    )
    assert reply.metrics.completion_tokens == 2
    assert reply.metrics.ttft_s <= reply.metrics.duration_s
    assert chat.store.path(conversation.id)[-1] == reply
    assert "".join(chat.shown) == "Hello"
    assert not chat.session.is_replying(conversation.id)


def test_a_growing_reply_is_saved_at_least_every_second(chat, mock, path):
    """Read by another connection: whatever was sent more than a second ago is there, through pauses too."""
    sent: list[tuple[float, str]] = []

    def behave(exchange):
        exchange.start()
        for number, pause in enumerate([0.02] * 30 + [1.3] + [0.1] * 15 + [1.3]):
            exchange.events(text(f"{number} "))
            sent.append((time.monotonic(), f"{number} "))
            exchange.pause(pause)
        exchange.send(event(finish()) + DONE)

    mock.behave = behave
    chat.session.send(chat.new(), "Count")
    checks = 0

    def checked():
        nonlocal checks
        now = time.monotonic()
        stored = rows(path)[-1]
        if stored[2] == STREAMING:
            due = "".join(piece for at, piece in sent if at < now - 1.0)
            assert stored[1].startswith(due), f"{stored[1]!r} lacks something of {due!r}"
            checks += bool(due)
        return chat.ended

    chat.until(lambda: rows(path))
    chat.until(checked)
    assert checks > 20
    assert chat.ended[0].text == "".join(piece for _, piece in sent)


def test_a_connection_lost_in_the_middle(chat, mock):
    def behave(exchange):
        exchange.start()
        exchange.events(text("half a reply"))

    mock.behave = behave
    conversation = chat.new()
    reply = chat.ask(conversation, "Hi")
    assert (reply.state, reply.text) == (MessageState.INTERRUPTED, "half a reply")
    assert reply.error == "The engine broke off in the middle of its reply."
    assert chat.failures == []
    mock.behave = say(text("whole"), finish(), DONE)
    chat.session.regenerate(conversation, reply.id)
    chat.until(lambda: len(chat.ended) == 2)
    again = chat.ended[1]
    assert (again.text, again.parent_id) == ("whole", reply.parent_id)
    assert [m.text for m in chat.store.path(conversation.id)] == ["Hi", "whole"]
    chat.store.set_leaf(conversation.id, reply.id).result()
    assert chat.store.path(conversation.id)[-1] == reply, "the first one stays in the tree"


def test_a_refusal_is_told_in_the_reply(chat, mock):
    mock.behave = lambda exchange: exchange.answer(500, b'{"error": {"message": "on fire"}}')
    reply = chat.ask(chat.new(), "Hi")
    assert (reply.state, reply.text) == (MessageState.INTERRUPTED, "")
    assert reply.error == "The engine refused the request: on fire"


def test_a_reply_that_is_stopped(chat, mock):
    mock.behave = tap = Tap()
    conversation = chat.new()
    chat.session.send(conversation, "Hi")
    chat.until(lambda: "".join(chat.shown) == "half a reply")
    began = time.monotonic()
    chat.session.stop(conversation.id)
    chat.until(lambda: chat.ended)
    assert time.monotonic() - began < 1.0
    assert (chat.ended[0].state, chat.ended[0].text, chat.ended[0].error) == (
        MessageState.STOPPED, "half a reply", None,
    )  # fmt: skip
    tap.open.set()


def test_a_conversation_deleted_while_it_is_replied_to(chat, mock, path):
    mock.behave = tap = Tap()
    conversation = chat.new()
    chat.session.send(conversation, "Hi")
    chat.until(tap.begun.is_set)
    chat.session.delete(conversation.id)
    chat.until(lambda: chat.ended)
    chat.until(lambda: not chat.store.summaries())
    assert chat.ended[0].state is MessageState.STOPPED
    chat.session.restore(conversation.id)
    chat.until(lambda: chat.store.summaries())
    assert [m.role for m in chat.store.path(conversation.id)] == [Role.USER, Role.ASSISTANT]
    assert chat.failures == []
    tap.open.set()


def test_two_conversations_at_once(chat, mock):
    def behave(exchange):
        question = exchange.json["messages"][-1]["content"]
        say(text(f"re: {question}"), finish(), DONE)(exchange)

    mock.behave = behave
    first, second = chat.new(), chat.new()
    chat.session.send(first, "one")
    chat.session.send(second, "two")
    chat.until(lambda: len(chat.ended) == 2)
    assert chat.store.path(first.id)[-1].text == "re: one"
    assert chat.store.path(second.id)[-1].text == "re: two"


def test_closing_while_a_reply_streams(path, mock, qapp):
    mock.behave = tap = Tap()
    chat = Chat(path, MockSupervisor(mock))
    chat.session.send(chat.new(), "Hi")
    chat.until(tap.begun.is_set)
    chat.until(lambda: "".join(chat.shown) == "half a reply")
    chat.close()
    tap.open.set()
    assert rows(path)[-1] == ("assistant", "half a reply", "stopped", None)


def test_closing_right_after_a_question_was_sent(path, mock, qapp):
    chat = Chat(path, MockSupervisor(mock))
    chat.session.send(chat.new(), "Is this lost?")
    chat.close()
    assert rows(path)[0] == ("user", "Is this lost?", "complete", None)
    assert [row[2] for row in rows(path)[1:]] != [STREAMING]


def test_a_system_prompt_with_half_a_character(chat, mock):
    """Half of a surrogate pair can be typed; the engine gets valid JSON and the app no error."""
    reply = chat.ask(chat.new(system_prompt="Be \ud83d brief"), "Hi")
    assert reply.state is MessageState.COMPLETE


# A context that runs full


def count_words(exchange):
    words = sum(len(m["content"].split()) + 4 for m in exchange.json["messages"])
    exchange.answer(200, b'{"input_tokens": %d}' % words)


def test_a_full_context_leaves_the_oldest_turns_out(path, mock, qapp):
    mock.count = count_words
    chat = Chat(path, MockSupervisor(mock, context_length=200))
    conversation = chat.new(system_prompt="Be brief.", params=SamplingParams(max_tokens=20))
    for number in range(12):
        reply = chat.ask(conversation, f"{number} " + "word " * 20)
        assert reply.state is MessageState.COMPLETE
        sent = mock.requests[-1].json["messages"]
        assert sent[0] == {"role": "system", "content": "Be brief."}
        assert sent[1]["role"] == "user"
        assert sent[-1]["content"].startswith(f"{number} ")
        assert len(sent) - 1 + reply.left_out == 2 * number + 1
    assert reply.left_out > 0
    assert chat.store.path(conversation.id)[-1].left_out == reply.left_out
    assert chat.failures == []
    chat.close()


def test_what_is_left_out_is_counted_with_replies_that_have_no_text(path, mock, qapp):
    mock.count = count_words
    chat = Chat(path, MockSupervisor(mock, context_length=120))
    conversation = chat.new(params=SamplingParams(max_tokens=20))
    mock.behave = lambda exchange: exchange.answer(500, b"no")
    for _ in range(4):
        assert chat.ask(conversation, "word " * 20).text == ""
    mock.behave = say(text("ok"), finish(), DONE)
    reply = chat.ask(conversation, "last " * 20)
    shown = chat.store.path(conversation.id)[:-1]
    sent = [m["content"] for m in mock.requests[-1].json["messages"]]
    assert [m.text for m in shown[reply.left_out :] if m.text] == sent
    assert shown[reply.left_out].role is Role.USER
    chat.close()


@pytest.fixture
def supervisor(starter_model, tmp_path, qapp):
    model = LocalModel("mock", starter_model, starter_model.stat().st_size)
    supervisor = EngineSupervisor(
        lambda: (LlamaCpp(),), lambda _: model, lambda _: LoadWishes(512, 1), tmp_path / "logs"
    )
    yield supervisor
    supervisor.shut_down()


def test_a_long_conversation_with_a_real_small_context(path, supervisor):
    chat = Chat(path, supervisor)
    conversation = chat.new(system_prompt="You are brief.", params=SamplingParams(max_tokens=4))
    left_out = []
    for number in range(6):
        reply = chat.ask(conversation, f"Question {number}: " + "and some more words to fill it up. " * 12)
        assert reply.state in (MessageState.COMPLETE, MessageState.CUT), reply.error
        left_out.append(reply.left_out)
    assert left_out[0] == 0
    assert left_out == sorted(left_out)
    assert left_out[-1] > 0
    chat.close()


def test_a_single_question_too_long_is_told(path, supervisor):
    chat = Chat(path, supervisor)
    reply = chat.ask(chat.new(), "word " * 3000)
    assert reply.state is MessageState.INTERRUPTED
    assert (reply.error or "").startswith("This is longer than the model's context.")
    chat.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the guard's child is found otherwise there")
def test_the_engine_is_killed_in_the_middle_of_a_reply(path, supervisor):
    chat = Chat(path, supervisor)
    conversation = chat.new(params=SamplingParams(temperature=0.0, max_tokens=400))
    chat.session.send(conversation, "Write a long story about a fox and count to a thousand in it.")
    chat.until(lambda: len("".join(chat.shown)) > 20)
    (guard,) = (p for p in psutil.Process().children() if "guard" in " ".join(p.cmdline()))
    (engine,) = guard.children()
    engine.kill()
    chat.until(lambda: chat.ended)
    reply = chat.ended[0]
    assert reply.state is MessageState.INTERRUPTED
    assert reply.error == "The engine broke off in the middle of its reply."
    assert reply.text == "".join(chat.shown)
    assert rows(path)[-1][1:3] == (reply.text, "interrupted")
    chat.until(lambda: supervisor.status.error)
    assert "stopped unexpectedly" in supervisor.status.error
    chat.store.set_params(conversation.id, SamplingParams(max_tokens=4)).result()
    short = chat.store.get(conversation.id)
    chat.session.regenerate(short, reply.id)
    chat.until(lambda: len(chat.ended) == 2)
    assert chat.ended[1].state in (MessageState.COMPLETE, MessageState.CUT)
    chat.close()


# A full disk, and the app itself killed


def fill_up(folder):
    with (folder / "fill").open("wb", buffering=0) as fill:
        try:
            while True:
                fill.write(b"x" * 4096)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small file system")
def test_a_disk_that_fills_up_while_a_reply_streams(tmp_path, mock, qapp):
    folder = tmp_path / "klein 小"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        mock.count = count_words
        chat = Chat(folder / "edgewise.db", MockSupervisor(mock))
        conversation = chat.new()
        chat.ask(conversation, "Hi")
        mock.behave = tap = Tap("x" * 300_000)
        chat.session.send(conversation, "And now?")
        chat.until(tap.begun.is_set)
        chat.until(lambda: rows(folder / "edgewise.db")[-1][1] == "half a reply")
        fill_up(folder)
        tap.open.set()
        chat.until(lambda: len(chat.ended) == 2)
        assert [type(failure) for failure in chat.failures] == [DiskFull]
        assert "is full. Free some space" in chat.failures[0].message
        assert len(chat.ended[1].text) > 300_000, "it is shown all the same"
        assert rows(folder / "edgewise.db")[-1][1:3] == ("half a reply", STREAMING)
        chat.session.send(conversation, "y" * 300_000)
        chat.until(lambda: len(chat.failures) == 2)
        assert isinstance(chat.failures[1], DiskFull)
        (folder / "fill").unlink()
        mock.behave = say(text("Yes."), finish(), DONE)
        assert chat.ask(conversation, "Better?").state is MessageState.COMPLETE
        chat.close()
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


APP = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from types import SimpleNamespace
from app.domain.generation import SamplingParams
from app.engines.openai_client import Address, Dialect, OpenAIClient
from app.services.background import Background
from app.services.chat_session import ChatSession
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.paths import Paths

class Supervisor:
    engine_id = "mock"
    def engine_for(self, name, engine):
        return "mock"
    def acquire(self, name, engine, cancellation):
        client = OpenAIClient(Address("127.0.0.1", int(sys.argv[1]), "k"), Dialect())
        return SimpleNamespace(client=client, context_length=4096)
    def release(self, loaded):
        pass
    def replied(self, loaded, metrics):
        pass
    def default_model(self):
        return "mock"

application = QCoreApplication([])
paths = Paths.find()
paths.create()
store = Conversations(Database.open(paths.database))
session = ChatSession(store, Supervisor(), Background())
conversation = store.create().result()
left = ["first", "second 家", "third"]
def go_on(_, progress):
    if progress.ended and left:
        session.send(conversation, left.pop(0))
session.progress.connect(go_on)
session.send(conversation, left.pop(0))
application.exec()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
def test_the_app_is_killed_while_a_reply_streams(empty_home):
    sent: list[tuple[float, str]] = []
    asked = []

    def behave(exchange):
        asked.append(exchange.json["messages"][-1]["content"])
        if len(asked) < 3:
            say(text(f"re: {asked[-1]}"), finish(), DONE)(exchange)
            return
        exchange.start()
        for number in range(10_000):
            exchange.events(text(f"{number} "))
            sent.append((time.monotonic(), f"{number} "))
            exchange.pause(0.02)

    with MockEngine(behave) as mock:
        process = subprocess.Popen([sys.executable, "-c", APP, str(mock.port)], cwd=ROOT)
        with process:
            until(lambda: len(sent) > 10 and time.monotonic() - sent[0][0] > 2.5)
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed_at = time.monotonic()
    with Database.open(empty_home / "edgewise.db") as database:
        assert database.set_aside is None
        store = Conversations(database)
        assert store.mark_interrupted().result() == 1
        *before, last = store.path(store.summaries()[0].id)
    assert [m.text for m in before] == ["first", "re: first", "second 家", "re: second 家", "third"]
    assert (last.state, last.error) == (MessageState.INTERRUPTED, INTERRUPTED_BY_CLOSING)
    due = "".join(piece for at, piece in sent if at < killed_at - 1.0)
    assert due
    assert last.text.startswith(due)
