"""The page's rows: kept in place, read downwards, in every size of window and both themes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from app.services.engine_card import Planned
from app.ui import theme
from app.ui.engines.install_dialog import InstallDialog
from app.ui.engines.view import EnginesView
from tests.gui.engines import cards
from tests.gui.engines.looking import button, texts

CARDS = (cards.ready, cards.installing, cards.not_here)


@pytest.fixture
def view(qtbot) -> EnginesView:
    made = EnginesView()
    qtbot.addWidget(made)
    made.resize(1144, 800)
    made.set_idle_minutes(15)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def test_before_anything_is_known(view) -> None:
    assert "Looking at the engines…" in texts(view)
    view.set_cards(CARDS)
    assert "Looking at the engines…" not in texts(view)


def test_rows_are_kept(view) -> None:
    view.set_cards(CARDS)
    rows = dict(view.rows)
    view.set_cards((cards.failed, cards.absent, cards.not_here))
    assert view.rows == rows
    assert rows["llama_cpp"].card == cards.failed


def test_what_is_wanted_is_told(view, qtbot) -> None:
    view.set_cards(CARDS)
    with qtbot.waitSignal(view.wanted) as told:
        button(view, "Stop: llama.cpp").click()
    assert told.args == ["llama_cpp", "stop"]
    with qtbot.waitSignal(view.opened):
        view.rows["vllm"].open()
    with qtbot.waitSignal(view.attach_requested):
        view.attach.click()


def test_servers_come_and_go(view) -> None:
    view.set_cards(CARDS)
    view.set_servers([])
    assert any("outgrow one machine" in text for text in texts(view))
    view.set_servers([cards.remote, cards.local])
    assert not any("outgrow one machine" in text for text in texts(view))
    button(view, "Detach: GPU box").setFocus()
    view.set_servers([cards.local])
    assert list(view.servers) == ["attached:2"]
    assert view.attach.hasFocus()


def test_the_plan_of_a_start_reaches_its_row(view) -> None:
    view.set_cards(CARDS)
    view.rows["llama_cpp"].open()
    view.rows["llama_cpp"].details.show_options()
    view.set_planned("llama_cpp", Planned("smol", 4096, 2, 10**9, 2 * 10**9))
    assert "smol takes about 1.0 GB so; 2.0 GB are free now." in texts(view)
    view.set_planned("gone", None)


def test_offline_reaches_rows_that_come_later(view) -> None:
    view.set_offline(True)
    view.set_cards((cards.absent,))
    view.set_servers([cards.remote])
    assert sum(text.startswith("Offline mode is on") for text in texts(view)) == 2


@pytest.mark.parametrize(
    ("minutes", "words"), [(15, "after 15 min"), (None, "never"), (7, "after 7 min"), (60, "after 1 h")]
)
def test_when_idle_models_go(view, minutes, words) -> None:
    view.set_idle_minutes(minutes)
    assert view._idle.currentText() == words
    assert view._idle.currentData() == minutes


def test_a_change_of_when_idle_models_go(view, qtbot) -> None:
    with qtbot.waitSignal(view.idle_changed) as told:
        view._idle.setCurrentText("never")
        view._idle.activated.emit(view._idle.currentIndex())
    assert told.args == [None]


def test_tab_reads_the_page_downwards(view, qtbot) -> None:
    view.set_servers([cards.remote])
    view.set_cards(CARDS)
    view.rows["llama_cpp"].open()
    view.rows["llama_cpp"].details.show_options()
    row = view.rows["llama_cpp"]
    qtbot.waitUntil(lambda: row.height() >= row.heightForWidth(row.width()) and row.details.options.y() > 0)
    view.attach.setFocus()
    seen = [view.attach]
    while len(seen) < 60:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        if QApplication.focusWidget() in seen:
            break
        seen.append(QApplication.focusWidget())
    assert QApplication.focusWidget() is view.attach
    heights = [widget.mapTo(view.widget(), widget.rect().center()).y() for widget in seen]
    beside = 24  # buttons of one line stand beside each other, not below
    assert all(after > before - beside for before, after in pairwise(heights))
    assert len(seen) > 12


@pytest.mark.parametrize("size", [(664, 480), (1144, 800)])
@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_nothing_is_wider_than_the_window(view, qtbot, qapp, size, direction) -> None:
    qapp.setLayoutDirection(direction)
    try:
        view.resize(*size)
        view.set_cards((cards.too_big, cards.not_installed, cards.not_here))
        view.set_servers([cards.remote, cards.unreached])
        for row in view.rows.values():
            row.open()
            row.details.show_options()
        assert view.widget().width() <= view.viewport().width()
        labels = [label for label in view.findChildren(QLabel) if label.isVisible() and label.wordWrap()]
        assert len(labels) > 10
        qtbot.waitUntil(  # the layout settles
            lambda: all(label.height() >= label.heightForWidth(label.width()) for label in labels)
        )
    finally:
        qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


def full_view() -> QWidget:
    made = EnginesView()
    made.set_cards((cards.failed, cards.installing, cards.not_here))
    made.set_servers([cards.remote, cards.unreached])
    made.set_idle_minutes(None)
    made.rows["llama_cpp"].open()
    made.rows["llama_cpp"].details.show_options()
    return made


def install() -> QWidget:
    return InstallDialog(cards.absent, offline=True)


def picture(widget: QWidget) -> QImage:
    focused = QApplication.focusWidget()
    if focused is not None:  # one of the two windows has it, and a cursor that blinks
        focused.clearFocus()
    return widget.grab().toImage()


@pytest.mark.parametrize("make", [full_view, install])
def test_after_a_change_of_theme_as_if_made_in_it(make, qtbot, qapp) -> None:
    def shown() -> QWidget:
        widget = make()
        qtbot.addWidget(widget)
        widget.resize(900, 900)
        widget.show()
        qtbot.waitExposed(widget)
        return widget

    switched = shown()
    before = picture(switched)
    theme.apply(qapp, theme.Scheme.DARK)
    made_in_it = shown()
    made_in_it.resize(switched.size())
    qtbot.waitUntil(lambda: picture(switched) == picture(made_in_it))
    assert picture(switched) != before
