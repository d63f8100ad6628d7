"""A thousand models in the list: until it is painted, sorted, filtered and scrolled through."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QTreeView

from app.domain.model import LibraryEntry, LocalModel, ModelDetails, Place
from app.ui import theme
from app.ui.models.library_table import Column
from app.ui.models.library_view import LibraryView
from tests.benchmarks.figures import at_most, median, spread

MODELS = 1_000
ROUNDS = 7
FRAME_MS = 16.0
BARS = {"open_ms": 200.0, "change_ms": 100.0, "frame_ms": FRAME_MS}
"""An answer within 100 ms feels as if it came at once (Nielsen, "Response Times", 1993)."""
_SCROLLED = 100


def measure() -> dict[str, Any]:
    app = QApplication([])
    theme.apply(app, theme.Scheme.LIGHT)
    entries = made_up(MODELS)
    opened = [_ms(lambda: opened_view(entries).grab()) for _ in range(ROUNDS)]
    view = opened_view(entries)
    rows: Any = view.findChild(QTreeView)
    field: Any = view.findChild(QLineEdit)
    sorted_: list[float] = []
    filtered: list[float] = []
    refreshed: list[float] = []
    orders = (Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder)
    for round_ in range(ROUNDS):
        changed = [*entries[:500], replace(entries[500], last_used=float(round_)), *entries[501:]]
        sorted_.append(_ms(partial(rows.sortByColumn, Column.SIZE, orders[round_ % 2]), view.grab))
        filtered.append(_ms(partial(field.setText, "llama q4"), view.grab))
        field.clear()
        refreshed.append(_ms(partial(view.set_entries, changed), view.grab))
    bar = rows.verticalScrollBar()
    frames = []
    for step in range(_SCROLLED):
        bar.setValue(bar.maximum() * step // _SCROLLED)
        frames.append(_ms(view.grab))
    return {
        "open": at_most(median(opened), BARS["open_ms"], unit=f"ms, {MODELS} models"),
        "sort": at_most(median(sorted_), BARS["change_ms"], unit="ms"),
        "filter": at_most(median(filtered), BARS["change_ms"], unit="ms"),
        "refresh": at_most(median(refreshed), BARS["change_ms"], unit="ms, one of them changed"),
        "frame": at_most(median(frames), BARS["frame_ms"], unit="ms, scrolling"),
        "spread": {"open": spread(opened), "frame": spread(frames)},
    }


def opened_view(entries: list[LibraryEntry]) -> LibraryView:
    """The list as it is after it was shown."""
    view = LibraryView()
    view.resize(1140, 700)
    view.set_entries(entries)
    view.show()
    QApplication.processEvents()
    return view


def made_up(count: int) -> list[LibraryEntry]:
    """Models of all kinds, the same each time."""
    chance = random.Random(7)
    places = list(Place)
    return [_entry(number, chance, places) for number in range(count)]


def _entry(number: int, chance: random.Random, places: list[Place]) -> LibraryEntry:
    family = chance.choice(("llama", "qwen3", "gemma3", "phi3"))
    quantization = chance.choice(("Q4_K_M", "Q6_K", "Q8_0", "IQ3_XS"))
    name = f"{family}-{number}-{chance.randrange(1, 70)}B-Instruct-{quantization}"
    model = LocalModel(
        name, Path(f"/models/{name}.gguf"), chance.randrange(10**8, 10**11), chance.choice(places)
    )
    details = ModelDetails(
        name, family, chance.randrange(10**8, 10**11), quantization, 32_768, "mit", True, 32
    )
    return LibraryEntry(model, details, chance.choice((None, chance.random() * 1.7e9)))


def _ms(*calls: Callable[[], object]) -> float:
    """Milliseconds that these take, one after the other."""
    begin = time.perf_counter()
    for call in calls:
        call()
    return (time.perf_counter() - begin) * 1000
