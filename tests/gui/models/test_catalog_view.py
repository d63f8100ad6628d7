from __future__ import annotations

from collections.abc import Sequence

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QLineEdit, QPushButton

from app.advisor.ladder import Level
from app.domain.catalog import CatalogModel
from app.models.catalog import catalog, matching
from app.ui.models.card import Presence
from app.ui.models.catalog_view import CatalogView, by_suitability
from app.ui.models.filters import Filter
from tests.gui.models.advice import verdict

SMALL, MIDDLE, LARGE, HUGE = (catalog()[n] for n in (0, 8, 16, 24))
MODELS = (SMALL, MIDDLE, LARGE, HUGE)


def by_words(models: Sequence[CatalogModel], wanted: Filter) -> Sequence[CatalogModel]:
    return matching(models, words=wanted.words, purpose=wanted.purpose, largest=wanted.largest)


@pytest.fixture
def view(qtbot) -> CatalogView:
    widget = CatalogView(by_words)
    qtbot.addWidget(widget)
    widget.set_models(MODELS)
    widget.resize(1144, 752)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    return widget


def shown(view: CatalogView) -> list[str]:
    return [card.content.model.id for card in view.grid.cards]


def test_what_suits_comes_first() -> None:
    verdicts = {
        SMALL.id: verdict(Level.WELL),
        MIDDLE.id: verdict(Level.WELL),
        LARGE.id: verdict(Level.TIGHT, 3.0),
        HUGE.id: verdict(Level.TIGHT, 8.0),
    }
    assert by_suitability(MODELS, verdicts) == [MIDDLE, SMALL, HUGE, LARGE]
    verdicts |= {LARGE.id: verdict(Level.TOO_BIG, None), HUGE.id: verdict(Level.TOO_BIG, None)}
    assert by_suitability(tuple(reversed(MODELS)), verdicts) == [MIDDLE, SMALL, LARGE, HUGE]
    assert by_suitability(MODELS, {}) == list(MODELS)


def test_what_is_readable_comes_before_what_is_slow_or_tight() -> None:
    verdicts = {
        SMALL.id: verdict(Level.WELL),
        MIDDLE.id: verdict(Level.SLOW, 4.0),
        LARGE.id: verdict(Level.READABLE, 9.0),
        HUGE.id: verdict(Level.READABLE, 6.0),
    }
    assert by_suitability(MODELS, verdicts) == [SMALL, HUGE, LARGE, MIDDLE]


def test_verdicts_and_presence_reach_the_cards(view) -> None:
    view.set_verdicts({HUGE.id: verdict(Level.TOO_BIG)})
    view.set_presence({SMALL.id: Presence.HERE, MIDDLE.id: Presence.ARRIVING})
    cards = {card.content.model.id: card for card in view.grid.cards}
    assert "Too big" in cards[HUGE.id].accessibleName()
    assert "On this machine" in cards[SMALL.id].accessibleName()
    assert "Being downloaded" in cards[MIDDLE.id].accessibleName()


def test_what_does_not_fit_can_be_left_out(view) -> None:
    view.set_verdicts(
        {SMALL.id: verdict(), MIDDLE.id: verdict(Level.TIGHT), LARGE.id: verdict(Level.TOO_BIG)}
    )
    view.filters.findChild(QCheckBox).click()
    assert shown(view) == [SMALL.id, MIDDLE.id]


def test_an_empty_result_teaches_and_leads_on(view, qtbot) -> None:
    field = view.filters.findChild(QLineEdit)
    field.setText("no such model")
    assert view.grid.isHidden()
    words = [label.text() for label in view.findChildren(QLabel) if label.isVisible()]
    assert any("“no such model”. It is" in word for word in words)  # no filters, no word of them
    buttons = {b.text(): b for b in view.findChildren(QPushButton) if b.isVisible()}
    with qtbot.waitSignal(view.search_wanted) as wanted:
        buttons["Search the hub for “no such model”"].click()
    assert wanted.args == ["no such model"]
    buttons["Show all models"].click()
    assert len(shown(view)) == 4
    assert field.hasFocus()


def test_filters_are_named_where_they_are_set(view) -> None:
    view.filters.findChild(QLineEdit).setText("no such model")
    view.filters.findChild(QCheckBox).click()
    assert any(
        "“no such model” with these filters. It" in label.text() for label in view.findChildren(QLabel)
    )


def test_escape_takes_the_filters_away(view, qtbot) -> None:
    field = view.filters.findChild(QLineEdit)
    field.setFocus()
    field.setText("qwen")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert view.filters.filter == Filter()


def test_walking_scrolls_along(view, qtbot) -> None:
    view.set_models(catalog())
    view.resize(664, 432)
    view.focus_card()
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_End)
    last = view.grid.cards[-1]
    assert last.hasFocus()
    qtbot.waitUntil(
        lambda: view.viewport().rect().contains(last.mapTo(view.viewport(), last.rect().center()))
    )


@pytest.mark.parametrize("width", [664, 1144])
@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_nothing_is_wider_than_the_view(view, qtbot, width, direction) -> None:
    view.setLayoutDirection(direction)
    view.set_models(catalog())
    view.resize(width, 432)
    qtbot.waitUntil(lambda: view.widget().width() == view.viewport().width())
    for part in (view.machine, view.filters, view.grid):
        assert part.geometry().left() >= 0
        assert part.geometry().right() < view.viewport().width()
