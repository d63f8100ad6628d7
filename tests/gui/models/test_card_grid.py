from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.models.catalog import catalog
from app.ui.models.card import CardContent
from app.ui.models.card_grid import CardGrid

MODELS = catalog()[:7]


@pytest.fixture
def grid(qtbot) -> CardGrid:
    widget = CardGrid()
    qtbot.addWidget(widget)
    widget.set_contents([CardContent(model) for model in MODELS])
    widget.resize(1000, 600)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    return widget


@pytest.mark.parametrize(("width", "columns"), [(320, 1), (616, 2), (1000, 3), (1400, 4), (3000, 4)])
def test_columns_follow_the_width_and_nothing_sticks_out(grid, qtbot, width, columns) -> None:
    grid.resize(width, 600)
    qtbot.waitUntil(lambda: grid.width() == width)
    assert len({card.x() for card in grid.cards}) == min(columns, len(MODELS))
    assert all(grid.rect().contains(card.geometry()) for card in grid.cards)
    assert not any(
        one.geometry().intersects(other.geometry())
        for one in grid.cards
        for other in grid.cards
        if one is not other
    )


def test_arrows_walk_and_stop_at_the_edges(grid, qtbot) -> None:
    grid.focus_current()
    for key, place in (
        (Qt.Key.Key_Left, 0),
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Down, 4),
        (Qt.Key.Key_Up, 1),
        (Qt.Key.Key_Up, 1),
        (Qt.Key.Key_End, 6),
        (Qt.Key.Key_Right, 6),
        (Qt.Key.Key_Down, 6),
        (Qt.Key.Key_Home, 0),
    ):
        qtbot.keyClick(QApplication.focusWidget(), key)
        assert grid.cards[place].hasFocus(), key


def test_from_right_to_left_the_arrows_are_mirrored_and_so_are_the_cards(grid, qtbot) -> None:
    grid.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    grid.resize(1001, 600)
    grid.focus_current()
    assert grid.cards[0].x() > grid.cards[1].x()
    qtbot.keyClick(grid.cards[0], Qt.Key.Key_Left)
    assert grid.cards[1].hasFocus()


def test_it_is_one_tab_stop_where_it_was_left(grid, qtbot) -> None:
    grid.focus_current()
    qtbot.keyClick(grid.cards[0], Qt.Key.Key_Right)
    stops = [card for card in grid.cards if card.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert stops == [grid.cards[1]]


def test_a_new_order_takes_the_focus_along(grid, qtbot) -> None:
    grid.cards[2].setFocus()
    card = grid.cards[2]
    grid.set_contents([CardContent(model) for model in reversed(MODELS)])
    assert card.hasFocus()
    assert grid.cards.index(card) == 4
    qtbot.keyClick(card, Qt.Key.Key_Right)
    assert grid.cards[5].hasFocus()


def test_cards_that_are_not_wanted_are_hidden_and_come_back_as_they_were(grid) -> None:
    first = grid.cards[0]
    grid.set_contents([CardContent(MODELS[3])])
    assert [card.content.model.id for card in grid.cards] == [MODELS[3].id]
    assert first.isHidden()
    grid.set_contents([CardContent(model) for model in MODELS])
    assert grid.cards[0] is first
    assert first.isVisible()


def test_opening_names_the_model(grid, qtbot) -> None:
    with qtbot.waitSignal(grid.opened) as opened:
        qtbot.mouseClick(grid.cards[3], Qt.MouseButton.LeftButton)
    assert opened.args == [MODELS[3]]
