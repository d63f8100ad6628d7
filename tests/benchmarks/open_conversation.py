"""A conversation of 10,000 messages through all of the app: from the click on it until it is painted, and
how evenly the window's event loop runs while 200 tokens a second arrive over HTTP.
"""

from __future__ import annotations

import gc
import random
import sqlite3
import time
from typing import Any

import psutil
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QPlainTextEdit

from app.domain.conversation import Message
from app.domain.generation import SamplingParams
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.paths import Paths
from tests.benchmarks.figures import at_most, median, percentile, spread
from tests.benchmarks.paced_engine import PacedEngine
from tests.benchmarks.transcript import conversation as made_up
from tests.benchmarks.transcript import mixed_text
from tests.benchmarks.window import PATIENCE_S, Window, new_home, settle, wait_for

MESSAGES = 10_000
ROUNDS = 9
PACE = 200
STREAM_S = 10
PROBE_MS = 2
BARS = {"click_to_paint_ms": 50.0, "memory_mb": 25.0, "stall_p99_ms": 16.0}


def measure() -> dict[str, Any]:
    with new_home() as paths:
        text = paths.home / "reply.md"
        text.write_text(mixed_text(random.Random(11), PACE * 4 * STREAM_S), encoding="utf-8")
        long_id, short_id = fill(paths, made_up(MESSAGES))
        window = Window(paths, PacedEngine(text, PACE))
        try:
            window.wait_until_ready()
            settle(500)
            gc.collect()
            process = psutil.Process()
            before = process.memory_info().rss
            first = click_to_paint(window, long_id)
            wait_for(lambda: len(window.page.transcript._model.messages) == MESSAGES)
            settle()
            grown = (process.memory_info().rss - before) / 2**20
            settle(300)
            short = [click_to_paint(window, short_id)]
            again = []
            for _ in range(ROUNDS):
                again.append(click_to_paint(window, long_id))
                settle(300)
                short.append(click_to_paint(window, short_id))
                settle(300)
            idle = lateness(STREAM_S / 4)
            click_to_paint(window, long_id)
            settle(500)
            late, length = stalls_while_streaming(window)
        finally:
            window.close()
    return {
        "click_to_paint": at_most(first, BARS["click_to_paint_ms"], unit="ms, the first time"),
        "click_to_paint_again": at_most(
            median(again), BARS["click_to_paint_ms"], reference=median(short), unit="ms; a short conversation"
        ),
        "memory": at_most(grown, BARS["memory_mb"], unit="MB, the first time"),
        "stall_p99": at_most(
            percentile(late, 0.99),
            BARS["stall_p99_ms"],
            reference=percentile(idle, 0.99),
            unit="ms; the same while nothing comes",
        ),
        "streamed_characters": length,
        "spread": {"again": spread(again), "short": spread(short), "stalls": spread(late)},
    }


def fill(paths: Paths, messages: list[Message]) -> tuple[int, int]:
    """Store `messages` as one conversation and the last two of them as another; the ids of both."""
    with Database.open(paths.database) as database:
        store = Conversations(database)

        def put(connection: sqlite3.Connection, some: list[Message], title: str) -> int:
            made = connection.execute(
                "INSERT INTO conversations (title, created_at, last_used_at, system_prompt, params)"
                " VALUES (?, ?, ?, '', '{}')",
                (title, time.time(), time.time()),
            ).lastrowid
            assert made is not None
            leaf: int | None = None
            for message in some:
                leaf = connection.execute(
                    "INSERT INTO messages (conversation_id, parent_id, role, text, state, created_at, model,"
                    " duration_s, ttft_s, prompt_tokens, completion_tokens) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                    (
                        made,
                        leaf,
                        message.role.value,
                        message.text,
                        message.state.value,
                        message.created_at,
                        message.model,
                        *(
                            (m.duration_s, m.ttft_s, m.prompt_tokens, m.completion_tokens)
                            if (m := message.metrics)
                            else (None,) * 4
                        ),
                    ),
                ).lastrowid
            connection.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf, made))
            return made

        long_id = database.write(lambda connection: put(connection, messages, "Long")).result()
        short_id = database.write(lambda connection: put(connection, messages[:2], "Short")).result()
        assert len(store.path(long_id)) == len(messages)
        return long_id, short_id


def click_to_paint(window: Window, conversation_id: int) -> float:
    """Milliseconds from choosing a row of the list until the conversation is painted."""
    opened = painted = 0.0

    def arrived(_: object) -> None:
        nonlocal opened
        opened = time.perf_counter()

    def after_paint() -> None:
        nonlocal painted
        if opened and not painted:
            painted = time.perf_counter()

    window.edgewise.session.opened.connect(arrived)
    window.painted.after = after_paint
    begin = time.perf_counter()
    window.page.list.chosen.emit(conversation_id)
    try:
        wait_for(lambda: painted > 0)
    finally:
        window.painted.after = lambda: None
        window.edgewise.session.opened.disconnect(arrived)
    current = window.page.conversation
    if current is None or current.id != conversation_id:
        raise RuntimeError("The conversation was not opened.")
    return (painted - begin) * 1000


def lateness(seconds: float) -> list[float]:
    """How late a timer of two milliseconds was, in milliseconds, each time."""
    late: list[float] = []
    loop = QEventLoop()
    with_probe(late, lambda: (QTimer.singleShot(int(seconds * 1000), loop.quit), loop.exec()))
    return late


def stalls_while_streaming(window: Window) -> tuple[list[float], int]:
    """The same while a reply streams into the open conversation; and the reply's length."""
    from PySide6.QtTest import QTest

    session, page = window.edgewise.session, window.page
    assert page.conversation is not None
    conversation_id = page.conversation.id
    session.save_params(conversation_id, SamplingParams())
    field = page.composer.focusProxy()
    assert isinstance(field, QPlainTextEdit)
    field.setPlainText("Go on.")
    settle()
    late: list[float] = []
    came = 0

    def count(_: int, progress) -> None:
        nonlocal came
        came += len(progress.text)

    session.progress.connect(count)

    def stream() -> None:
        QTest.keyClick(field, Qt.Key.Key_Return)
        wait_for(lambda: came > 0)
        late.clear()  # what comes before the first token is another benchmark's
        wait_for(lambda: not session.is_replying(conversation_id), PATIENCE_S)

    with_probe(late, stream)
    session.progress.disconnect(count)
    if came < PACE * 4 * STREAM_S * 0.9:
        raise RuntimeError(f"Only {came} characters came.")
    return late, came


def with_probe(late: list[float], run) -> None:
    """Call `run`, which runs the event loop, while a timer notes into `late` how late it is."""
    last = time.perf_counter()

    def probe() -> None:
        nonlocal last
        now = time.perf_counter()
        late.append(max(0.0, (now - last) * 1000 - PROBE_MS))
        last = now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(probe)
    timer.start(PROBE_MS)
    run()
    timer.stop()
