"""A running test: columns side by side, one scale, what a reader hears, and a way to stop it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QAccessible

from app.benchmark.progress import Stage
from app.benchmark.workload import CHAT
from app.domain.speed_test import Case
from app.services.speed_test_live import LiveColumn, LiveTest
from app.ui.speed_test.running_view import RunningView
from tests.gui.engines.looking import button, texts
from tests.gui.speed_test import values


@pytest.fixture
def view(qtbot) -> RunningView:
    made = RunningView()
    qtbot.addWidget(made)
    made.resize(1144, 800)
    made.show()
    qtbot.waitExposed(made)
    return made


def with_columns(*columns: LiveColumn) -> LiveTest:
    return replace(values.LIVE, columns=columns)


def test_columns_stand_in_the_order_of_picking(view) -> None:
    view.set_live(values.LIVE)
    names = [card.texts()[0] for card in view.cards]
    assert names == ["llama.cpp", "Transformers", "vLLM"]
    places = [card.mapTo(view, card.rect().topLeft()).x() for card in view.cards]
    assert places == sorted(places)
    assert len(set(places)) == 3


def test_what_an_engine_is_at_is_said(view) -> None:
    view.set_live(values.LIVE)
    done, running, waiting = view.cards
    assert "done" in done.texts()
    assert {"measuring", "chat, 8 at once · 2 of 5", "88.0 tok/s"} <= set(running.texts())
    assert "waiting" in waiting.texts()
    assert view.left == "3 min left"


def test_finished_figures_appear_as_they_come(view) -> None:
    view.set_live(values.LIVE)
    running = view.cards[1]
    assert {"chat, alone", "21.0 tok/s", "0.34 s"} <= set(running.texts())
    assert "chat, 8 at once" not in running.texts()
    column = LiveColumn(values.SECOND, Stage.ENDING)
    view.set_live(with_columns(values.LIVE.columns[0], column, values.LIVE.columns[2]))
    assert view.cards[1] is running
    assert {"chat, 8 at once", "92.0 tok/s", "write, alone"} <= set(running.texts())


def test_all_bars_have_one_scale_that_never_shrinks(view) -> None:
    one, two, three = values.LIVE.columns
    view.set_live(with_columns(replace(one, stage=Stage.WAITING, result=three.result), two, three))
    assert view.cards[1].share == pytest.approx(1.0)
    view.set_live(values.LIVE)  # llama.cpp has measured 151
    assert view.cards[1].share == pytest.approx(88 / 151)
    view.set_live(with_columns(one, replace(two, rate=30.2), three))
    assert view.cards[1].share == pytest.approx(0.2)


def test_an_engine_that_failed_says_why_and_has_its_log(view, qtbot) -> None:
    failed = LiveColumn(values.FAILED, Stage.FAILED)
    view.set_live(with_columns(*values.LIVE.columns[:2], failed))
    assert values.FAILED.failure in view.cards[2].texts()
    with qtbot.waitSignal(view.log_requested) as told:
        button(view, "Show log of vLLM · bf16").click()
    assert told.args == [values.FAILED.failure, values.FAILED.detail]


def test_stages_are_announced_and_figures_are_not(view, monkeypatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(
        QAccessible,
        "updateAccessibility",
        lambda event: heard.append(event.message()) if hasattr(event, "message") else None,
    )
    one, two, three = values.LIVE.columns
    view.set_live(values.LIVE)
    assert not heard  # the whole page is new
    for rate in (80.0, 81.0, 82.0):
        view.set_live(with_columns(one, replace(two, rate=rate, repetition=3), three))
    assert not heard
    view.set_live(with_columns(one, replace(two, case=Case(CHAT, 32), repetition=0), three))
    assert heard == ["Transformers · bf16: measuring, chat, 32 at once"]
    assert view.cards[1].accessibleName() == heard[0]


def test_stop_is_told_once(view, qtbot) -> None:
    view.set_live(values.LIVE)
    with qtbot.waitSignal(view.stop_requested):
        view.stop.click()
    assert not view.stop.isEnabled()
    assert view.stop.text() == "Stopping…"
    view.begin("Another")
    assert view.stop.isEnabled()
    assert "Testing Another" in texts(view)
    assert view.cards == ()


def test_narrow_columns_wrap(view, qtbot) -> None:
    view.set_live(values.LIVE)
    view.resize(664, 480)
    qtbot.waitUntil(lambda: view.cards[2].y() > view.cards[0].y())
    assert view.cards[1].y() == view.cards[0].y()
    for card in view.cards:
        assert card.mapTo(view, card.rect().topRight()).x() < 664
