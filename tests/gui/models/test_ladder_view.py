from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QSlider, QStyle

from app.advisor.ladder import Goal
from app.domain.hub import Format, HubFile, Variant
from app.models.catalog import catalog
from app.ui.models.ladder_view import LadderView
from tests.gui.models.advice import RUNGS, ladder
from tests.unit.advisor.measured import lost

MODEL = next(model for model in catalog() if model.active_parameters < model.parameters)


@pytest.fixture
def view(qtbot) -> LadderView:
    widget = LadderView()
    qtbot.addWidget(widget)
    widget.show_catalog_model(MODEL, Goal())
    widget.resize(1144, 752)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    return widget


def said(view: LadderView) -> str:
    return "\n".join(label.text() for label in view.findChildren(QLabel) if label.isVisible())


def buttons(view: LadderView) -> list[str]:
    return [button.text() for button in view.findChildren(QPushButton) if button.isVisible()]


def test_it_begins_with_what_the_catalog_knows(view) -> None:
    for part in (MODEL.name, MODEL.good_for, MODEL.maker, MODEL.licence, MODEL.repository, "for each token"):
        assert part in said(view)
    assert view.table.isHidden()
    assert not any(slider.isEnabled() for slider in view.findChildren(QSlider))


def test_the_ladder_says_why_and_what_would_change_it_and_names_its_source(view) -> None:
    view.set_ladder(ladder())
    made = ladder()
    words = said(view)
    for part in (made.because, *made.runners_up, *made.would_change, made.quality_source):
        assert part in words
    assert "Speeds are those with half of the context filled" in words
    assert "16.0 GB of memory free, memory moves 41 GB/s" in words
    assert buttons(view) == ["Download 2.5 GB"]


def test_what_was_measured_here_is_told_apart_from_what_was_published(view) -> None:
    made = ladder()
    measured = replace(made.rungs[1], measured=lost(made.rungs[1].quantization, 0.2))
    view.set_ladder(replace(made, rungs=(made.rungs[0], measured, *made.rungs[2:])))
    assert f"Measured here, with this very model: {measured.quantization}." in said(view)
    assert "Quality figures of the others: a table." in said(view)


def test_sliders_tell_the_goal(view, qtbot) -> None:
    view.set_ladder(ladder())
    slider = view.findChildren(QSlider)[0]
    with qtbot.waitSignal(view.goal_changed) as changed:
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert changed.args[0].context_length == 12_288


def test_a_problem_in_place_of_the_ladder_can_be_tried_again(view, qtbot) -> None:
    view.set_problem("The hub did not answer.", retry=True)
    assert "The hub did not answer." in said(view)
    with qtbot.waitSignal(view.retry_requested):
        next(b for b in view.findChildren(QPushButton) if b.text() == "Try again").click()
    view.set_ladder(ladder())
    assert "did not answer" not in said(view)
    assert "Try again" not in buttons(view)


def test_a_gated_repository_asks_for_a_token(view, qtbot) -> None:
    view.set_ladder(ladder())
    view.set_problem("It needs a token.", retry=False, needs_token="meta/llama")
    with qtbot.waitSignal(view.token_requested) as asked:
        next(b for b in view.findChildren(QPushButton) if b.text() == "Enter token…").click()
    assert asked.args == ["meta/llama"]
    assert view.table.isVisible()
    assert "Open its page" in buttons(view)
    view.set_ladder(ladder())
    assert "Open its page" not in buttons(view)


def test_the_reason_is_read_before_the_table(view, qtbot) -> None:
    view.set_ladder(ladder())
    because = next(label for label in view.findChildren(QLabel) if label.text() == ladder().because)
    qtbot.waitUntil(lambda: 0 < because.geometry().bottom() < view.table.y())


@pytest.mark.parametrize("where", ["a row", "the page"])
def test_escape_closes(view, qtbot, where) -> None:
    view.set_ladder(ladder())
    view.slide_in()
    if where == "a row":
        view.table.focus_row()
    with qtbot.waitSignal(view.closed):
        qtbot.keyClick(view.focusWidget(), Qt.Key.Key_Escape)


def test_it_comes_to_rest_within_the_measure_of_motion(view, qtbot) -> None:
    view.set_ladder(ladder())
    qtbot.waitUntil(lambda: view.table.isVisible())
    rest = view._column.pos()
    view.slide_in()
    assert view._slide.duration() <= 150
    qtbot.waitUntil(lambda: view._slide.state() is view._slide.State.Stopped)
    assert view._column.pos() == rest


def test_where_less_motion_is_asked_for_there_is_none(view, monkeypatch) -> None:
    real = QStyle.styleHint

    def still(style, hint, *args):
        return 0 if hint is QStyle.StyleHint.SH_Widget_Animation_Duration else real(style, hint, *args)

    monkeypatch.setattr(type(view.style()), "styleHint", still)
    rest = view._column.pos()
    view.slide_in()
    assert view._slide.state() is view._slide.State.Stopped
    assert view._column.pos() == rest


def test_the_recommended_row_is_in_view_however_low_the_window(view, qtbot) -> None:
    view.resize(664, 380)
    view.set_ladder(ladder(recommended=3))
    row = view.table.rows[3]
    qtbot.waitUntil(lambda: view.viewport().rect().contains(row.mapTo(view.viewport(), row.rect().center())))


@pytest.mark.parametrize("width", [664, 1144])
@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_nothing_is_wider_than_the_view(view, qtbot, width, direction) -> None:
    view.setLayoutDirection(direction)
    view.set_ladder(ladder())
    view.resize(width, 480)
    qtbot.waitUntil(lambda: view.widget().width() == view.viewport().width())
    assert view.table.width() > 0.75 * min(width, 940)
    left = view.table.mapTo(view.viewport(), view.table.rect().topLeft()).x()
    assert left >= 0
    assert left + view.table.width() <= view.viewport().width()


def test_only_what_the_hub_told_nothing_of_is_called_reckoned(view) -> None:
    variant = Variant("a/b", "main", Format.GGUF, "Q4_K_M", (HubFile("b.gguf", 1),))
    one, *others = RUNGS
    for it, reckoned in (
        (replace(one, exact=False), True),
        (replace(one, exact=False, variant=variant), False),  # by another quantization's header
        (one, False),
    ):
        view.set_ladder(ladder((it, *others)))
        assert ("published sizes" in said(view)) is reckoned
