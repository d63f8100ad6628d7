"""The whole app with the real server and the real starter model, on a folder with a name beyond ASCII."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QPushButton

from app.domain.conversation import MessageState, title_from
from app.domain.engine import EngineState
from app.ui import theme
from app.ui.log_dialog import LogDialog
from tests.gui.app_driver import WAIT_MS, App, change_settings, one, short, write_conversation
from tests.processes import is_alive

pytestmark = pytest.mark.timeout(300)

PROJECT = Path(__file__).resolve().parents[2]
QUESTION = "Tell me a very long story about a lighthouse, its keeper and the sea."
LONG = 1500

Opener = Callable[[], App]


@pytest.fixture
def open_app(qtbot, edgewise_home) -> Iterator[Opener]:
    """Opens the app on a folder with the starter model; may be called again after closing."""
    opened: list[App] = []

    def open_one() -> App:
        opened.append(App(qtbot))
        qtbot.addWidget(opened[-1].window)
        return opened[-1]

    yield open_one
    for app in opened:
        app.close()
    assert not engines()


@pytest.fixture
def app(open_app: Opener) -> App:
    """With an empty conversation whose replies are short."""
    change_settings(params=short())
    return open_app()


@pytest.fixture
def talkative(open_app: Opener) -> App:
    """With an empty conversation whose replies are long."""
    change_settings(params=short(LONG))
    return open_app()


def engines() -> list[psutil.Process]:
    """The engines that this process started and that run."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if "llama-server" in child.name() and is_alive(child):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def plain(text: str) -> str:
    """What stays of a reply when it is drawn: its letters. Marks go, and numbers may become a list's."""
    return "".join(letter for letter in text if letter.isalpha())


def shows(app: App, text: str) -> bool:
    return plain(text) in plain(app.shown_messages()[-1])


def wait_for_more(app: App, letters: int) -> None:
    """Until the reply that is being made is so much longer, or has ended."""

    def length() -> int:
        so_far = app.edgewise.session.reply_so_far(app.id())
        return len(so_far.text) if so_far else 1_000_000

    wanted = length() + letters
    app.wait(lambda: length() >= wanted)


def test_a_question_is_answered_shown_and_stored(app) -> None:
    app.wait_ready()
    app.send("What is the capital of France? 🗼 Straße")
    reply = app.wait_reply_ends()
    question = app.stored()[0]
    assert question.text == "What is the capital of France? 🗼 Straße"
    assert reply.state in (MessageState.COMPLETE, MessageState.CUT)
    assert len(reply.text) > 10
    assert reply.parent_id == question.id
    assert reply.metrics is not None
    assert reply.metrics.completion_tokens
    assert reply.metrics.ttft_s is not None
    assert reply.metrics.ttft_s > 0
    assert app.shown_messages()[0] == question.text
    app.wait(lambda: shows(app, reply.text))
    assert "tok/s" in app.chat.status.text
    used = (reply.metrics.prompt_tokens or 0) + reply.metrics.completion_tokens
    assert f"{used} of 8,192 tokens" in app.chat.status.text
    assert app.button("Send") is not None
    assert "ready" in app.chat.picker.accessibleName()


def test_the_title_comes_from_the_first_message_alone(app) -> None:
    app.send("# Why is the sky blue?\nAnd the sea?")
    app.wait(lambda: app.window.windowTitle() == "Why is the sky blue? — Edgewise")
    app.wait_reply_ends()
    app.send("And grass green?")
    app.wait_reply_ends()
    assert app.titles() == ["Why is the sky blue?"]
    assert [m.role for m in app.stored()] == ["user", "assistant"] * 2


def test_a_message_sent_before_the_model_is_loaded_waits_for_it(app) -> None:
    app.send("Hello")
    assert app.wait_reply_ends().text


def test_what_is_typed_before_anything_is_open_is_kept(qtbot, edgewise_home) -> None:
    write_conversation("", draft="Begun yesterday")
    app = App(qtbot, typed_at_once="Hello")
    qtbot.addWidget(app.window)
    assert app.chat.composer.text == "Begun yesterday\nHello"
    app.close()
    with closing(sqlite3.connect(app.paths.database)) as connection:
        assert connection.execute("SELECT draft FROM conversations").fetchall() == [
            ("Begun yesterday\nHello",)
        ]


def test_stop_keeps_what_came_and_stops_soon(talkative) -> None:
    app = talkative
    app.send(QUESTION)
    app.wait_reply_begins()
    assert app.button("Stop").isEnabled()
    started = time.monotonic()
    app.field.setFocus()
    app.press(Qt.Key.Key_Escape)
    reply = app.wait_reply_ends()
    assert time.monotonic() - started < 5
    assert reply.state is MessageState.STOPPED
    assert reply.text
    app.wait(lambda: shows(app, reply.text))
    assert engines()
    app.type("x")
    assert app.button("Send").isEnabled()


def test_regenerate_makes_another_reply_beside_the_first(app) -> None:
    app.send("Name a colour.")
    first = app.wait_reply_ends()
    app.click(app.reply_widget().footer.regenerate_button)
    app.wait(lambda: app.stored()[-1].id != first.id)
    second = app.wait_reply_ends()
    assert second.parent_id == first.parent_id
    assert [m.id for m in app.stored()] == [first.parent_id, second.id]
    app.wait(lambda: shows(app, second.text))
    assert len(app.shown_messages()) == 2
    with closing(sqlite3.connect(app.paths.database)) as database:
        kept = database.execute("SELECT text FROM messages WHERE id = ?", (first.id,)).fetchone()
    assert kept == (first.text,)


def test_switching_away_and_back_while_a_reply_comes(talkative) -> None:
    app = talkative
    app.send(QUESTION)
    streaming = app.id()
    title = title_from(QUESTION)
    app.wait(lambda: app.titles() == [title])
    app.wait_reply_begins()
    app.ctrl(Qt.Key.Key_N)
    app.wait(lambda: app.id() != streaming)
    assert app.replying(streaming)
    assert app.button("Send") is not None
    app.choose(title)
    app.wait(lambda: app.id() == streaming)
    assert app.button("Stop") is not None
    wait_for_more(app, 100)
    if app.replying():
        app.click(app.button("Stop"))
    reply = app.wait_reply_ends()
    app.wait(lambda: plain(app.shown_messages()[-1]) == plain(reply.text))
    assert len(app.shown_messages()) == 2


def test_a_reply_that_ends_while_another_conversation_is_open(app) -> None:
    app.send("Name three boats.")
    streaming = app.id()
    app.wait(lambda: "Name three boats." in app.titles())
    app.ctrl(Qt.Key.Key_N)
    app.wait(lambda: app.id() != streaming)
    reply = app.wait_reply_ends(streaming)
    app.choose("Name three boats.")
    app.wait(lambda: app.id() == streaming)
    app.wait(lambda: len(app.shown_messages()) == 2)
    assert shows(app, reply.text)
    app.type("x")
    assert app.button("Send").isEnabled()


def test_deleting_the_conversation_that_is_answered_and_undo(talkative) -> None:
    app = talkative
    app.send(QUESTION)
    deleted = app.id()
    app.wait_reply_begins()
    app.rows.setFocus()
    app.press(Qt.Key.Key_Delete)
    reply = app.wait_reply_ends(deleted)
    assert reply.state is MessageState.STOPPED
    app.wait(lambda: app.titles() == ["New chat"])
    app.click(app.notice_button("Undo"))
    app.wait(lambda: app.chat.conversation is not None and app.id() == deleted)
    app.wait(lambda: len(app.shown_messages()) == 2)
    assert shows(app, reply.text)


def test_an_engine_killed_in_the_middle_of_a_reply(talkative) -> None:
    app = talkative
    app.send(QUESTION)
    app.wait_reply_begins()
    for engine in engines():
        engine.kill()
    reply = app.wait_reply_ends()
    assert reply.state is MessageState.INTERRUPTED
    assert reply.text
    assert reply.error
    app.wait(lambda: app.edgewise.supervisor.status.state is EngineState.FAILED)
    app.wait(lambda: "stopped unexpectedly" in app.chat.notice.text)
    widget = app.reply_widget()
    assert widget.failure is not None
    assert widget.failure.words == reply.error
    assert shows(app, reply.text)
    app.click(widget.failure.restart_button)
    app.wait(lambda: app.stored()[-1].id != reply.id)
    app.wait_reply_begins()
    assert app.chat.notice.isHidden()
    app.click(app.button("Stop"))
    again = app.wait_reply_ends()
    assert again.state is MessageState.STOPPED
    assert again.text
    assert again.parent_id == reply.parent_id


def test_an_engine_killed_while_nobody_asks_is_told_and_started_again(app) -> None:
    app.wait_ready()
    for engine in engines():
        engine.kill()
    app.wait(lambda: "stopped unexpectedly" in app.chat.notice.text)
    app.click(app.notice_button("Show log"))
    dialog = one(app.chat, LogDialog)
    assert "llama" in one(dialog, QPlainTextEdit).toPlainText()
    dialog.reject()
    assert "stopped unexpectedly" in app.chat.notice.text
    assert app.notice_button("Try again").isVisible()
    app.send("Are you there?")
    assert app.wait_reply_ends().text
    assert app.chat.notice.isHidden()


def test_a_model_put_into_the_folder_is_found_and_loaded(qtbot, empty_home, starter_model) -> None:
    change_settings(params=short())
    app = App(qtbot)
    qtbot.addWidget(app.window)
    app.wait(lambda: app.edgewise.supervisor.status.state is EngineState.FAILED)
    (app.paths.models / starter_model.name).hardlink_to(starter_model)
    app.chat.picker.menu().popup(app.chat.picker.mapToGlobal(app.chat.picker.rect().bottomLeft()))
    app.wait_ready()
    app.chat.picker.menu().close()
    app.wait(app.chat.notice.isHidden)
    app.send("Hello")
    assert app.wait_reply_ends().text


@pytest.fixture
def broken(empty_home: Path, starter_model: Path) -> Path:
    """The only model: it ends early."""
    path = empty_home / "models" / "Gebrochen-Ü.gguf"
    path.parent.mkdir()
    with starter_model.open("rb") as whole:
        path.write_bytes(whole.read(20_000_000))
    return path


def test_a_model_that_ends_early_is_said_in_one_sentence(qtbot, broken) -> None:
    app = App(qtbot)
    qtbot.addWidget(app.window)
    app.wait(lambda: app.chat.notice.text.startswith("Gebrochen-Ü did not start:"))
    assert "ends early" in app.chat.notice.text
    assert "not running" in app.chat.picker.accessibleName()
    app.send("Hello")
    reply = app.wait_reply_ends()
    assert reply.state is MessageState.INTERRUPTED
    assert reply.error == app.chat.notice.text


def test_a_model_the_engine_does_not_know_shows_its_log(qtbot, broken, starter_model) -> None:
    whole = bytearray(starter_model.read_bytes())
    whole[:65536] = whole[:65536].replace(b"llama", b"llamq")
    broken.write_bytes(whole)
    app = App(qtbot)
    qtbot.addWidget(app.window)
    app.wait(lambda: "did not start" in app.chat.notice.text)
    assert "“llamq”" in app.chat.notice.text
    app.click(app.notice_button("Show log"))
    dialog = one(app.chat, LogDialog)
    log = one(dialog, QPlainTextEdit).toPlainText()
    assert "unknown model architecture" in log
    app.click(next(b for b in dialog.findChildren(QPushButton) if b.text() == "Copy"))
    assert QGuiApplication.clipboard().text() == log
    dialog.reject()


def test_a_full_context_leaves_out_the_oldest_turns_and_says_so(open_app) -> None:
    change_settings(context_length=512)
    turns = [f"Turn {n}: " + "the sea is wide and blue and deep. " * 8 for n in range(16)]
    write_conversation("Long talk", *turns, params=short())
    app = open_app()
    app.send("And what colour is the sea?")
    reply = app.wait_reply_ends()
    assert reply.state in (MessageState.COMPLETE, MessageState.CUT)
    assert reply.text
    assert 0 < reply.left_out < 16
    assert reply.left_out % 2 == 0  # whole turns
    app.wait(lambda: app.transcript._left_out == reply.left_out)
    app.close()
    assert open_app().transcript._left_out == reply.left_out


def test_light_and_dark_while_a_reply_comes(talkative) -> None:
    app = talkative
    app.send(QUESTION)
    app.wait_reply_begins()
    for scheme in ("dark", "light", "dark"):
        theme.source().set_scheme(scheme)
        wait_for_more(app, 20)
        corner = app.transcript.viewport().grab().toImage().pixelColor(2, 2)
        assert corner == theme.current().window
    app.click(app.button("Stop"))
    reply = app.wait_reply_ends()
    app.wait(lambda: shows(app, reply.text))
    assert len(app.shown_messages()) == 2


def test_closing_while_a_reply_comes_stores_it_and_leaves_no_process(talkative, open_app) -> None:
    app = talkative
    app.send(QUESTION)
    app.wait_reply_begins()
    shown = app.edgewise.session.reply_so_far(app.id())
    assert shown is not None
    running = engines()
    assert running
    app.close()
    assert not [engine for engine in running if is_alive(engine)]
    again = open_app()
    question, reply = again.stored()
    assert question.text == QUESTION
    assert reply.state is MessageState.STOPPED
    assert reply.text.startswith(shown.text)
    again.wait(lambda: shows(again, reply.text))


def test_closing_right_after_enter_keeps_the_message(app, open_app) -> None:
    app.type("Just before the end")
    app.press(Qt.Key.Key_Return)
    app.close()
    again = open_app()
    assert again.stored()[0].text == "Just before the end"
    assert not again.replying()
    again.type("x")
    assert again.button("Send").isEnabled()


def test_settings_of_the_conversation_reach_the_engine(app) -> None:
    app.wait_ready()
    app.click(app.button("System prompt and sampling"))
    fields = {box.accessibleName(): box for box in app.chat.panel.form._fields.values()}
    fields["Longest reply"].setValue(3)
    app.send("Count to one hundred.")
    reply = app.wait_reply_ends()
    assert reply.state is MessageState.CUT
    assert reply.metrics is not None
    assert reply.metrics.completion_tokens == 3


def test_a_database_of_a_newer_edgewise_is_left_alone_and_told(edgewise_home) -> None:
    write_conversation("Old", "x", "y")
    database = edgewise_home / "edgewise.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 999")
    before = database.read_bytes()
    window = subprocess.Popen(
        [sys.executable, "-m", "app"],
        cwd=PROJECT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert window.stderr is not None
        said = next(line for line in window.stderr if "propagateSizeHints" not in line)
        assert "newer" in said
        # The same sentence stands in a dialogue: it does not end by itself.
        assert window.poll() is None
    finally:
        window.kill()
        window.wait(WAIT_MS / 1000)
        if window.stderr is not None:
            window.stderr.close()
    assert database.read_bytes() == before
