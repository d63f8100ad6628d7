from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QFontMetrics

from app.advisor.ladder import Level
from app.models.catalog import catalog
from app.ui import theme
from app.ui.models.card import Card, CardContent, Presence
from tests.gui.models.advice import verdict

MODEL = catalog()[5]
LONG = replace(MODEL, licence="A licence with a very long name of its own " * 3)


@pytest.fixture
def card(qtbot) -> Card:
    widget = Card(CardContent(MODEL, verdict(), Presence.HERE))
    qtbot.addWidget(widget)
    widget.resize(widget.sizeHint())
    widget.show()
    return widget


def test_its_name_says_all_that_it_shows(card) -> None:
    shown = QAccessible.queryAccessibleInterface(card)
    assert shown is not None
    said = shown.text(QAccessible.Text.Name)
    for part in (
        MODEL.name,
        MODEL.good_for.rstrip("."),
        MODEL.licence,
        "2.5 GB",
        "Runs well",
        "On this machine",
    ):
        assert part in said
    assert shown.role() is QAccessible.Role.Button


def test_without_a_verdict_it_says_how_large_the_model_is(card) -> None:
    card.set_content(CardContent(MODEL))
    assert "parameters" in card.accessibleName()
    assert "Not reckoned" in card.accessibleName()


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_a_key_opens_it(card, qtbot, key) -> None:
    with qtbot.waitSignal(card.clicked):
        qtbot.keyClick(card, key)


def test_a_long_licence_is_cut_and_the_context_stays(card) -> None:
    metrics = QFontMetrics(theme.tabular_font())
    content = CardContent(LONG, verdict())
    cut = content.facts_within(260, metrics)
    assert "…" in cut
    assert cut.endswith(content.context)
    assert metrics.horizontalAdvance(cut) <= 262
    assert CardContent(MODEL, verdict()).facts_within(1000, metrics) == CardContent(MODEL, verdict()).facts


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_level_looks_different(card, scheme) -> None:
    theme.source().set_scheme(scheme)
    pictures = set()
    for level in Level:
        card.set_content(CardContent(MODEL, replace(verdict(level), words="The same words")))
        pictures.add(card.grab().toImage().copy(0, 100, 50, 60).constBits().tobytes())
    assert len(pictures) == len(Level)


def test_the_focus_is_seen(card, qtbot) -> None:
    card.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    card.activateWindow()
    card.clearFocus()
    qtbot.waitUntil(lambda: not card.hasFocus())
    before = card.grab().toImage()
    card.setFocus()
    qtbot.waitUntil(card.hasFocus)
    assert card.grab().toImage() != before
