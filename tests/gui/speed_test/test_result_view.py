"""What came of a test: figures beside their doubts, the grey reference, details, and sizes of windows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.benchmark.reference import reference
from app.benchmark.result_tables import tables
from app.domain.speed_test import TestState
from app.ui import theme
from app.ui.speed_test.chart_data import bars_of
from app.ui.speed_test.picture import picture, png
from app.ui.speed_test.result_view import ResultView
from tests.gui.engines.looking import button, texts
from tests.gui.speed_test import values


@pytest.fixture
def view(qtbot) -> ResultView:
    made = ResultView()
    qtbot.addWidget(made)
    made.resize(1144, 800)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_the_verdict_comes_with_its_figures(view) -> None:
    view.set_result(values.TEST, values.DIFFERENCES)
    assert "llama.cpp (Q4_1) answers first" in view.verdict.text
    assert "118 tok/s" in view.verdict.text
    assert values.DIFFERENCES[0] in texts(view)


def test_tables_say_the_spread_and_what_is_not_like_for_like_in_the_cell(view) -> None:
    view.set_result(values.TEST, values.DIFFERENCES)
    throughput = view.figure_tables[0]
    assert throughput.rows[0] == ["llama.cpp (Q4_1)", "118 tok/s", "151 tok/s", "left out"]
    model = throughput.model()
    below = model.data(model.index(0, 1), Qt.ItemDataRole.UserRole)
    assert below == "not like for like · 113–123 tok/s"
    spoken = model.data(model.index(0, 0), Qt.ItemDataRole.AccessibleTextRole)
    assert "1 at once: 118 tok/s, from 113 tok/s to 123 tok/s" in spoken
    assert "32 at once were left out" in spoken


def test_the_reference_is_grey_and_says_whose_it_is(view) -> None:
    view.set_result(values.TEST, ())
    assert f"Reference: {reference().source}." in texts(view)
    assert len(view.figure_tables) == 6
    grey = view.figure_tables[1].model()
    spoken = grey.data(grey.index(1, 0), Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith(f"vLLM, reference, {reference().source}.")
    assert reference().source in view.charts[0].as_text()
    view.reference.click()
    assert reference().source not in view.charts[0].as_text()


def test_only_the_same_engines_stand_in_grey_beside_the_bars() -> None:
    throughput = tables(values.TEST)[0]
    grey = [
        one for one in bars_of(throughput, reference().throughput) if one.bars[0] and one.bars[0].is_reference
    ]
    assert [one.name for one in grey] == ["Transformers"]
    assert grey[0].bars[1] is None  # the reference has no 8 at once


def test_doubts_stand_beside_the_bars() -> None:
    series = bars_of(tables(values.TEST)[0])
    bar = series[0].bars[0]
    assert bar is not None
    assert [mark.letter for mark in bar.marks] == ["≠"]
    assert (bar.low, bar.value, bar.high) == pytest.approx((113.28, 118.0, 122.72))


def test_one_engine_alone(view) -> None:
    view.set_result(values.ALONE, ())
    assert "118 tok/s" in view.verdict.text
    assert len(view.columns) == 1
    assert not view._unlike.isVisible()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (TestState.CANCELLED, "It was stopped early. What was measured until then is shown."),
        (TestState.INTERRUPTED, "Edgewise ended meanwhile. What was measured until then is shown."),
    ],
)
def test_what_ended_early_says_so(view, state, words) -> None:
    view.set_result(replace(values.CUT_SHORT, state=state), ())
    assert words in texts(view)
    view.set_result(values.TEST, ())
    assert words not in texts(view)


def test_nothing_was_measured_at_all(view) -> None:
    nothing = replace(
        values.TEST,
        columns=(values.FAILED, replace(values.FAILED, contender=values.LLAMA)),
        state=TestState.DONE,
    )
    view.set_result(nothing, ())
    assert "vLLM did not start" in view.verdict.text
    assert view.charts[0].empty


def test_an_engine_that_failed_has_its_log(view, qtbot) -> None:
    view.set_result(values.WITH_FAILURE, ())
    assert values.FAILED.failure in texts(view)
    with qtbot.waitSignal(view.log_requested) as told:
        button(view, "Show log of vLLM · bf16").click()
    assert told.args == [values.FAILED.failure, values.FAILED.detail]


def test_all_that_is_needed_to_do_it_again(view) -> None:
    view.set_result(values.TEST, ())
    row = view.columns[0]
    assert values.FIRST.facts.model_hash not in texts(row)
    button(row, "Show details of llama.cpp · Q4_1").click()
    said = texts(row)
    assert values.FIRST.facts.model_hash in said
    assert "--ctx-size 8192 --parallel 8" in said
    assert "llama.cpp 1.2.3\ntorch 2.13.0" in said
    assert any("other programs used 0.8 of 4 cores" in text for text in said)


def test_buttons_tell(view, qtbot) -> None:
    view.set_result(values.TEST, (), from_history=True)
    for signal, part in (
        (view.back_requested, view.back),
        (view.copy_requested, view.copy),
        (view.new_requested, view.new),
    ):
        with qtbot.waitSignal(signal):
            part.click()
    view.set_result(values.TEST, ())
    assert view.back.isHidden()


@pytest.mark.parametrize("width", [664, 1144])
def test_nothing_is_wider_than_the_window(view, width, qtbot) -> None:
    view.set_result(values.WITH_FAILURE, values.DIFFERENCES)
    view.resize(width, 480)
    qtbot.waitUntil(lambda: view.widget().width() <= width)
    for part in [*view.charts, *view.figure_tables, view.new]:
        assert part.mapTo(view, part.rect().topRight()).x() < width
    qtbot.waitUntil(lambda: (view.charts[1].y() == view.charts[0].y()) is (width > 1000))


def test_many_batches_scroll_sideways_in_their_table(view) -> None:
    work = replace(values.WORKLOAD, batches=(1, 2, 4, 8, 16, 32, 64, 128))
    view.resize(664, 480)
    view.set_result(replace(values.TEST, workload=work), ())
    table = view.figure_tables[0]
    assert table.header().length() > table.viewport().width()
    assert table.columnWidth(3) >= 100


def test_it_follows_the_theme(view, qtbot) -> None:
    view.set_result(values.TEST, values.DIFFERENCES)

    def corner() -> int:
        return view.grab().toImage().pixelColor(3, 300).lightness()

    assert corner() > 200
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, theme.Scheme.DARK)
    qtbot.waitUntil(lambda: corner() < 80)


def test_a_picture_of_it_has_twice_the_pixels(view) -> None:
    view.set_result(values.TEST, ())
    image = picture("Speed test: SmolLM2", "A machine", view.charts)
    assert image.width() == 1920
    read = QImage.fromData(png(image))
    assert read.size() == image.size()
    colours = {
        read.pixelColor(x, y).name() for x in range(0, read.width(), 7) for y in range(0, read.height(), 7)
    }
    assert theme.engine_colour("llama_cpp").name() in colours


def test_parts_do_not_pile_up(view, qtbot) -> None:
    view.set_result(values.TEST, ())
    before = len(view.findChildren(QWidget))
    for _ in range(5):
        view.set_result(values.TEST, ())
    qtbot.waitUntil(lambda: len(view.findChildren(QWidget)) <= before)
