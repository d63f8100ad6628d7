"""How quick the transcript is: opening 10,000 messages, and staying responsive while a reply streams in.

Prints one JSON object. Run offscreen, alone on the machine: `python tests/benchmarks/transcript.py`.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.domain.conversation import Message, MessageState
from app.domain.generation import Role
from app.domain.metrics import GenerationMetrics
from app.ui import theme
from app.ui.chat.transcript import TranscriptView

MESSAGES = 10_000
DRAIN_MS = 33
TOKENS_PER_SECOND = 200
TOKEN_CHARS = 4
PROBE_MS = 2
STREAM_S = 10.0
BARS = {"open_ms": 50, "open_rss_mb": 25, "stall_p99_ms": 16, "stream_30k_cpu_s": 1.0}

WORDS = (
    "the",
    "light",
    "of",
    "a",
    "tower",
    "by",
    "sea",
    "guides",
    "ships",
    "at",
    "night",
    "over",
    "rock",
    "lens",
)


def sentence(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(6, 16))).capitalize() + "."


def mixed_text(rng: random.Random, length: int) -> str:
    """Paragraphs, lists and code, about `length` characters."""
    parts: list[str] = []
    size = 0
    while size < length:
        kind = rng.random()
        if kind < 0.7:
            part = " ".join(sentence(rng) for _ in range(rng.randint(1, 4)))
        elif kind < 0.85:
            part = "\n".join(f"- {sentence(rng)}" for _ in range(rng.randint(2, 4)))
        else:
            lines = [
                f"    {rng.choice(WORDS)} = {rng.randint(0, 99)}  # {rng.choice(WORDS)}" for _ in range(4)
            ]
            part = "```python\ndef f():\n" + "\n".join(lines) + "\n```"
        parts.append(part)
        size += len(part) + 2
    return "\n\n".join(parts)


def conversation(count: int) -> list[Message]:
    rng = random.Random(7)
    metrics = GenerationMetrics(0.2, 9.0, 100, 170)
    return [
        Message(
            id=number + 1,
            parent_id=number or None,
            role=Role.ASSISTANT if number % 2 else Role.USER,
            text=mixed_text(rng, rng.randint(50, 1500)),
            created_at=0.0,
            model="SmolLM2",
            metrics=metrics if number % 2 else None,
        )
        for number in range(count)
    ]


def open_once(view: TranscriptView, messages: list[Message]) -> float:
    """Milliseconds until the first paint is done; colours for code follow in slices."""
    QApplication.processEvents()
    begin = time.perf_counter()
    view.set_messages(messages)
    view.viewport().repaint()
    return (time.perf_counter() - begin) * 1000


def stalls_while_streaming(view: TranscriptView, message: Message, seconds: float) -> list[float]:
    """How late a timer was, in milliseconds, each time it should have fired."""
    rng = random.Random(11)
    text = mixed_text(rng, int(TOKENS_PER_SECOND * TOKEN_CHARS * seconds * 1.2))
    per_drain = round(TOKENS_PER_SECOND * TOKEN_CHARS * DRAIN_MS / 1000)
    at = 0
    late: list[float] = []
    last = time.perf_counter()

    def drain() -> None:
        nonlocal at
        view.stream_text(message.id, text[at : at + per_drain])
        at += per_drain

    def probe() -> None:
        nonlocal last
        now = time.perf_counter()
        late.append(max(0.0, (now - last) * 1000 - PROBE_MS))
        last = now

    loop = QEventLoop()
    drains, probes = QTimer(), QTimer()
    probes.setTimerType(Qt.TimerType.PreciseTimer)
    drains.timeout.connect(drain)
    probes.timeout.connect(probe)
    drains.start(DRAIN_MS)
    probes.start(PROBE_MS)
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()
    return late


def stream_cost(view: TranscriptView, message: Message, length: int) -> float:
    """CPU seconds to stream `length` characters, each drain painted."""
    text = mixed_text(random.Random(13), length)[:length]
    per_drain = round(TOKENS_PER_SECOND * TOKEN_CHARS * DRAIN_MS / 1000)
    begin = time.process_time()
    for at in range(0, len(text), per_drain):
        view.stream_text(message.id, text[at : at + per_drain])
        QApplication.processEvents()
    return time.process_time() - begin


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def streaming(message_id: int) -> Message:
    return Message(
        message_id, message_id - 1, Role.ASSISTANT, "", 0.0, MessageState.STREAMING, model="SmolLM2"
    )


def measure() -> dict[str, object]:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app, "light")
    view = TranscriptView()
    view.resize(920, 800)
    view.show()
    app.processEvents()
    messages = conversation(MESSAGES)
    process = psutil.Process()
    before = process.memory_info().rss
    first = open_once(view, messages)
    grown = (process.memory_info().rss - before) / 2**20
    again = [open_once(view, messages) for _ in range(9)]

    view.append(streaming(MESSAGES + 1))
    late = stalls_while_streaming(view, streaming(MESSAGES + 1), STREAM_S)
    view.append(streaming(MESSAGES + 2))
    cost = stream_cost(view, streaming(MESSAGES + 2), 30_000)
    view.append(streaming(MESSAGES + 3))
    long_cost = stream_cost(view, streaming(MESSAGES + 3), 200_000)

    resizes = []
    for width in range(900, 700, -10):
        begin = time.perf_counter()
        view.resize(width, 800)
        view.viewport().repaint()
        resizes.append((time.perf_counter() - begin) * 1000)

    values: dict[str, float] = {
        "open_ms": first,
        "open_again_ms": statistics.median(again),
        "open_rss_mb": grown,
        "stall_p99_ms": percentile(late, 0.99),
        "stall_max_ms": max(late),
        "stream_30k_cpu_s": cost,
        "stream_200k_cpu_s": long_cost,
        "resize_in_200k_reply_ms": statistics.median(resizes),
    }
    rounded = {name: round(value, 2) for name, value in values.items()}
    return {**rounded, "bars": BARS, "met": {name: values[name] <= bar for name, bar in BARS.items()}}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
