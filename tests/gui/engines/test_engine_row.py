"""One engine's row: updated in place, opened by mouse and keyboard, never without its words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QMenu, QProgressBar

from app.ui.engines.engine_row import EngineRow
from app.ui.engines.row_words import Deed
from tests.gui.engines import cards
from tests.gui.engines.looking import button, buttons, texts
from tests.unit.ui.engines.test_row_words import EVERY


@pytest.fixture
def make(qtbot):
    def maker(card, width: int = 900) -> EngineRow:
        row = EngineRow(card)
        qtbot.addWidget(row)
        row.resize(width, row.sizeHint().height())
        row.show()
        qtbot.waitExposed(row)
        row.activateWindow()
        qtbot.waitUntil(row.isActiveWindow)
        return row

    return maker


@pytest.mark.parametrize(
    ("name", "words", "deed"),
    [
        ("stopped", "Start", Deed.START),
        ("without_model", "See models", Deed.SEE_MODELS),
        ("starting", "Cancel", Deed.CANCEL_START),
        ("ready", "Stop", Deed.STOP),
        ("failed", "Show log", Deed.SHOW_LOG),
        ("too_big", "Load anyway", Deed.FORCE),
        ("absent", "Install 604 MB…", Deed.INSTALL),
        ("installing", "Cancel", Deed.CANCEL_INSTALL),
        ("not_installed", "Show log", Deed.SHOW_INSTALL_LOG),
        ("not_here", "Attach a server…", Deed.ATTACH),
        ("outdated", "Update 604 MB…", Deed.INSTALL),
    ],
)
def test_the_button_tells_what_is_wanted(make, qtbot, name, words, deed) -> None:
    row = make(getattr(cards, name))
    with qtbot.waitSignal(row.wanted) as wanted:
        qtbot.mouseClick(button(row, words), Qt.MouseButton.LeftButton)
    assert wanted.args == [row.id, deed]


def test_the_menu_has_the_rest(make, qtbot) -> None:
    row = make(cards.installed)
    qtbot.mouseClick(button(row, "More for vLLM"), Qt.MouseButton.LeftButton)
    menu = row.findChild(QMenu)
    qtbot.waitUntil(menu.isVisible)
    actions = {action.text(): action for action in menu.actions() if action.text()}
    assert list(actions)[-2:] == ["Remove…", "Open its home page"]
    with qtbot.waitSignal(row.wanted) as wanted:
        actions["Remove…"].trigger()
    assert wanted.args == ["vllm", Deed.REMOVE]
    menu.close()


def test_opened_by_a_click_anywhere_on_it_and_by_its_button(make, qtbot) -> None:
    row = make(cards.stopped)
    assert "Best for" not in texts(row)
    with qtbot.waitSignal(row.opened) as opened:
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=QPoint(400, 10))
    assert opened.args == ["llama_cpp"]
    assert row.is_open
    assert {"Strengths", "Weaknesses", "Best for", "Local inference"} <= set(texts(row))
    toggle = button(row, "Hide details of llama.cpp")
    toggle.setFocus()
    qtbot.keyClick(toggle, Qt.Key.Key_Space)
    assert not row.is_open
    assert toggle.accessibleName() == "Show details of llama.cpp"


def test_a_click_into_the_details_leaves_them_open(make, qtbot) -> None:
    row = make(cards.stopped)
    row.open()
    row.resize(900, row.sizeHint().height())
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=QPoint(500, row.height() - 30))
    assert row.is_open


def test_options_are_there_once_it_is_installed(make) -> None:
    row = make(cards.absent)
    row.open()
    assert "Options" not in buttons(row)
    row.set_card(cards.installed)
    button(row, "Options").click()
    assert row.details.options.isVisible()
    row.set_card(cards.removing)  # it is still there
    row.set_card(cards.absent)
    assert not row.details.options.isVisible()


def test_a_bar_while_it_is_installed(make) -> None:
    row = make(cards.installing)
    bar = row.findChild(QProgressBar)
    assert bar.isVisible()
    assert bar.value() == 50
    row.set_card(cards.installed)
    assert not bar.isVisible()


def test_the_focus_stays_on_a_button_that_becomes_another(make, qtbot) -> None:
    row = make(cards.stopped)
    start = button(row, "Start")
    start.setFocus()
    for card, words in ((cards.starting, "Cancel"), (cards.ready, "Stop"), (cards.stopped, "Start")):
        row.set_card(card)
        assert start.hasFocus()
        assert start.text() == words
    row = make(cards.failed)
    button(row, "Show log").setFocus()
    row.set_card(cards.ready)
    assert QApplication.focusWidget() is button(row, "Stop")


def test_a_reader_hears_of_changes_and_of_no_figures(make) -> None:
    row = make(cards.ready)
    name = row.accessibleName()
    status = replace(cards.ready.status, memory=999_000_000)
    row.set_card(replace(cards.ready, status=status))
    assert "999 MB" in " ".join(texts(row))
    assert row.accessibleName() == name
    row.set_card(cards.failed)
    assert "The file ends early." in row.accessibleName()
    assert button(row, "Try again").accessibleName() == "Try again: llama.cpp"


def test_offline(make) -> None:
    row = make(cards.absent)
    row.set_offline(True)
    assert "Install…" in buttons(row)
    assert any(text.startswith("Offline mode is on") for text in texts(row))
    row.set_offline(False)
    assert "Install 604 MB…" in buttons(row)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("width", [560, 900])
@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_every_state_fits(make, qapp, name, width, direction) -> None:
    qapp.setLayoutDirection(direction)
    try:
        row = make(getattr(cards, name), width)
        row.open()
        assert row.minimumSizeHint().width() <= width
    finally:
        qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
