"""The history: chosen by keyboard and mouse, compared in twos, deleted, drawn over time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest

from app.domain.speed_test import SpeedTest, TestState
from app.domain.speed_test_history import ColumnHeadline, MeasuredRate, SpeedTestSummary
from app.ui.speed_test.compare_view import CompareView
from app.ui.speed_test.history_table import Column, headline_words, spoken
from app.ui.speed_test.history_view import HistoryView, lines_of
from tests.gui.engines.looking import button, texts
from tests.gui.speed_test import values


def summary(test: SpeedTest) -> SpeedTestSummary:
    columns = []
    for column in test.columns:
        who = column.contender
        rates = [it.output_rate.median for it in column.cases if it.output_rate is not None]
        columns.append(
            ColumnHeadline(
                who.engine_id,
                who.engine,
                who.model,
                who.family,
                who.precision,
                column.cases[0].decode_rate if column.cases else None,
                max(rates, default=None),
                8 if rates else None,
                column.cold_ttft_s,
                bool(column.failure),
            )
        )
    return SpeedTestSummary(test.id, test.at, test.state, tuple(columns))


SUMMARIES = tuple(map(summary, (values.WITH_FAILURE, values.CUT_SHORT, values.TEST, values.OLDER)))


def rate(test_id: int, at: float, speed: float, engine: str = "llama.cpp") -> MeasuredRate:
    id_ = "llama_cpp" if engine == "llama.cpp" else engine.lower()
    return MeasuredRate(
        test_id, at, id_, engine, "m", "SmolLM2 135M Instruct", "Q4_1", "f", "h", False, "chat", 128, 128,
        0, 1, speed, speed, speed, speed, 0.1, test_id == 2,
    )  # fmt: skip


@pytest.fixture
def view(qtbot) -> HistoryView:
    made = HistoryView()
    qtbot.addWidget(made)
    made.resize(1144, 740)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def choose(view: HistoryView, *rows: int) -> None:
    flag = QItemSelectionModel.SelectionFlag
    selection = view.rows.selectionModel()
    selection.clearSelection()
    for row in rows:
        selection.select(view.rows.model().index(row, 0), flag.Select | flag.Rows)


def test_while_it_is_read_and_when_it_cannot_be(view, qtbot) -> None:
    assert "Reading the history…" in texts(view)
    view.set_failed("The disk is gone.")
    assert {"The history cannot be read", "The disk is gone."} <= set(texts(view))
    with qtbot.waitSignal(view.read_again_requested):
        button(view, "Read again").click()
    view.set_summaries(SUMMARIES)
    assert "The history cannot be read" not in texts(view)


def test_an_empty_history_teaches_the_next_step(view, qtbot) -> None:
    view.set_summaries(())
    assert any("No speed test yet" in text for text in texts(view))
    with qtbot.waitSignal(view.new_requested):
        button(view, "Start a test").click()


def test_a_row_says_what_came_of_it(view) -> None:
    view.set_summaries(SUMMARIES)
    model = view.rows.model()
    row = [model.index(1, column).data() for column in Column]
    assert row[:3] == ["SmolLM2 135M Instruct", "llama.cpp, Transformers", "118 tok/s, llama.cpp"]
    assert row[4] == "stopped early"
    assert model.index(0, Column.STATE).data() == "an engine failed"
    assert headline_words(SUMMARIES[1].columns[0]) == (
        "llama.cpp Q4_1: 118 tok/s alone, 151 tok/s with 8 at once"
    )
    assert spoken(SUMMARIES[0]).endswith("vLLM bf16: failed")


def test_one_is_opened_two_are_compared(view, qtbot) -> None:
    view.set_summaries(SUMMARIES)
    choose(view, 0)
    assert (view.open.isEnabled(), view.compare.isEnabled()) == (True, False)
    with qtbot.waitSignal(view.open_requested) as opened:
        view.open.click()
    assert opened.args == [values.WITH_FAILURE.id]
    choose(view, 2, 3)
    assert (view.open.isEnabled(), view.compare.isEnabled()) == (False, True)
    with qtbot.waitSignal(view.compare_requested) as compared:
        view.compare.click()
    assert compared.args == [values.TEST.id, values.OLDER.id]
    choose(view, 0, 1, 2)
    assert not view.compare.isEnabled()


def test_with_the_keyboard_alone(view, qtbot) -> None:
    view.set_summaries(SUMMARIES)
    view.rows.setFocus()
    QTest.keyClick(view.rows, Qt.Key.Key_Down)
    with qtbot.waitSignal(view.open_requested) as opened:
        QTest.keyClick(view.rows, Qt.Key.Key_Return)
    assert opened.args == [values.CUT_SHORT.id]
    with qtbot.waitSignal(view.remove_requested) as removed:
        QTest.keyClick(view.rows, Qt.Key.Key_Delete)
    assert removed.args == [values.CUT_SHORT.id]
    QTest.keyClick(view.rows, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert [it.id for it in view.chosen] == [values.CUT_SHORT.id, values.TEST.id]


def test_choices_stay_when_the_list_changes(view) -> None:
    view.set_summaries(SUMMARIES)
    choose(view, 2)
    view.set_summaries(SUMMARIES[1:])
    assert [it.id for it in view.chosen] == [values.TEST.id]
    view.set_summaries((SUMMARIES[0],))
    assert [it.id for it in view.chosen] == [values.WITH_FAILURE.id]


def test_over_time_is_drawn_for_the_chosen_model(view, qtbot) -> None:
    asked: list[str] = []
    view.trend_wanted.connect(asked.append)
    view.set_summaries(SUMMARIES)
    assert asked[-1] == "SmolLM2 135M Instruct"
    assert view.trend.isHidden()
    view.set_trend("Another", [rate(1, 1e9, 99.0), rate(2, 1.1e9, 118.0)])
    assert view.trend.isHidden()
    view.set_trend(asked[-1], [rate(1, 1e9, 99.0)])
    assert view.trend.isHidden()  # one point is no line
    view.set_trend(asked[-1], [rate(1, 1e9, 99.0), rate(2, 1.1e9, 118.0)])
    assert view.trend.isVisible()
    view.resize(664, 440)
    qtbot.waitUntil(view.trend.isHidden)


def test_a_line_for_each_engine() -> None:
    lines = lines_of([rate(1, 1e9, 99.0), rate(1, 1e9, 21.0, "vLLM"), rate(2, 1.1e9, 118.0)])
    assert [(line.name, [point.y for point in line.points]) for line in lines] == [
        ("llama.cpp Q4_1", [99.0, 118.0]),
        ("vLLM Q4_1", [21.0]),
    ]
    assert [bool(point.marks) for point in lines[0].points] == [False, True]


# Two beside each other


@pytest.fixture
def compared(qtbot) -> CompareView:
    made = CompareView()
    qtbot.addWidget(made)
    made.resize(664, 480)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_what_changed_is_said_with_its_spread(compared) -> None:
    compared.set_tests(values.OLDER, values.TEST)
    said = compared.texts()
    assert "llama.cpp (Q4_1)" in said
    assert "99.0 tok/s (95.0–103 tok/s)" in said
    assert "19 % faster, more than the spread" in said
    assert "no difference beyond the spread" in said  # Transformers


def test_what_else_differs_and_what_is_in_one_alone(compared, qtbot) -> None:
    other = replace(values.WITH_FAILURE, app_version="0.2.0", state=TestState.DONE)
    compared.set_tests(values.OLDER, other)
    said = compared.texts()
    assert "Edgewise" in said
    assert "0.2.0" in said
    assert any(text.startswith("Only in the test of") and "vLLM" in text for text in said)
    with qtbot.waitSignal(compared.back_requested):
        compared.back.click()


def test_nothing_in_common(compared) -> None:
    only = replace(values.TEST, columns=(values.FAILED,))
    compared.set_tests(values.ALONE, only)
    assert any("no engine with the same model and precision in common" in text for text in compared.texts())


def test_it_fits_a_narrow_window(compared, qtbot) -> None:
    compared.set_tests(values.OLDER, values.TEST)
    qtbot.waitUntil(lambda: compared.widget().width() <= 664)
