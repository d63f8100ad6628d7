"""What is chosen for a test, with the keyboard and the mouse, in every size of window."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.benchmark.workload import CHAT, QUICK, STANDARD, WRITE
from app.services.speed_test_offer import Offer
from app.ui.speed_test.choose_view import ChooseView
from app.ui.speed_test.workload_form import described
from tests.gui.engines.looking import button, texts
from tests.gui.speed_test import values


@pytest.fixture
def view(qtbot) -> ChooseView:
    made = ChooseView()
    qtbot.addWidget(made)
    made.resize(1144, 800)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def engines(view: ChooseView) -> list[str]:
    return [pick.engine.id for pick in view.picks]


def test_without_a_model_the_next_step_is_said(view, qtbot) -> None:
    assert any("Looking for models" in text for text in texts(view))
    view.set_offer(Offer())
    assert any("No model to test yet" in text for text in texts(view))
    with qtbot.waitSignal(view.models_requested):
        button(view, "See the models").click()


def test_what_cannot_be_listed_can_be_looked_for_again(view, qtbot) -> None:
    view.set_failed("The disk is gone.")
    assert "The disk is gone." in texts(view)
    with qtbot.waitSignal(view.look_again_requested):
        button(view, "Look again").click()
    view.set_offer(values.OFFER)
    view.set_failed("The disk is gone.")
    assert engines(view) == ["llama_cpp", "transformers"]


def test_what_is_installed_is_chosen_and_servers_are_not(view) -> None:
    view.set_offer(values.OFFER)
    assert engines(view) == ["llama_cpp", "transformers"]
    assert not view.rows["vllm"].check.isEnabled()
    assert view.rows["attached:1"].check.isEnabled()


def test_what_is_not_installed_leads_to_where_it_is(view, qtbot) -> None:
    view.set_offer(values.OFFER)
    with qtbot.waitSignal(view.install_requested) as told:
        button(view, "Install vLLM").click()
    assert told.args == ["vllm"]


def test_columns_stand_in_the_order_of_choosing(view) -> None:
    view.set_offer(values.OFFER)
    llama = view.rows["llama_cpp"].check
    llama.click()
    assert engines(view) == ["transformers"]
    view.rows["attached:1"].check.click()
    llama.click()
    assert engines(view) == ["transformers", "attached:1", "llama_cpp"]


def test_a_form_is_chosen_where_there_are_several(view, qtbot) -> None:
    view.set_offer(values.OFFER)
    row = view.rows["llama_cpp"]
    row.form.setCurrentIndex(1)
    with qtbot.waitSignal(view.changed):
        row.form.activated.emit(1)
    assert view.picks[0].form.name == "Q8_0"
    view.set_offer(values.OFFER)  # looked at anew
    assert view.picks[0].form.name == "Q8_0"


def test_another_model_has_other_engines(view) -> None:
    view.set_offer(values.OFFER)
    view.family.setCurrentIndex(1)
    view.family.activated.emit(1)
    assert engines(view) == ["llama_cpp"]
    assert list(view.rows) == ["llama_cpp", "transformers"]
    assert any("One engine alone can be tested" in text for text in texts(view))


def test_what_is_not_like_for_like_is_said_before_the_start(view) -> None:
    view.set_offer(values.OFFER)
    view.set_differences(values.DIFFERENCES)
    assert values.DIFFERENCES[0] in texts(view)
    view.rows["transformers"].check.click()  # one is left: nothing to differ
    assert values.DIFFERENCES[0] not in texts(view)


def test_what_is_unloaded_is_said_beside_the_button(view) -> None:
    view.set_offer(values.OFFER)
    assert any(
        text.startswith("SmolLM2 135M Instruct in llama.cpp is unloaded first") for text in texts(view)
    )
    view.set_offer(replace(values.OFFER, loaded=()))
    assert not any("unloaded first" in text for text in texts(view))


def test_start_tells_who_and_how_much(view, qtbot) -> None:
    view.set_offer(values.OFFER)
    button(view, "Quick").click()
    with qtbot.waitSignal(view.started) as told:
        view.start.click()
    picks, workload = told.args
    assert [pick.engine.id for pick in picks] == ["llama_cpp", "transformers"]
    assert workload == QUICK


def test_nobody_chosen_nothing_started(view) -> None:
    view.set_offer(values.OFFER)
    for engine in ("llama_cpp", "transformers"):
        view.rows[engine].check.click()
    assert not view.start.isEnabled()
    assert "Choose one engine at least." in texts(view)
    view.rows["llama_cpp"].check.click()
    assert view.start.isEnabled()
    view.set_busy(True)
    assert not view.start.isEnabled()


def test_ones_own_workload(view) -> None:
    view.set_offer(values.OFFER)
    work = view.work
    assert work.workload == STANDARD
    work.toggle.click()
    work.batches.selectAll()
    QTest.keyClicks(work.batches, "4, 2")
    work.repetitions.setValue(2)
    work.minutes.setValue(0)
    found = work.workload
    assert found is not None
    assert found.batches == (2, 4)
    assert (found.repetitions, found.budget_s) == (2, None)
    assert not button(view, "Standard").isChecked()


def test_long_prompts_are_done_alone(view) -> None:
    work = view.work
    work.shapes.boxes["summarise"].setChecked(False)
    work.shapes.boxes["chat at 4k"].setChecked(True)
    found = work.workload
    assert found is not None
    assert found.shapes == (CHAT,)
    assert {shape.name for shape in found.alone} == {"write", "chat at 4k"}
    for name in ("chat", "write"):
        work.shapes.boxes[name].setChecked(False)
    found = work.workload
    assert found is not None
    assert [(case.shape.name, case.batch) for case in found.cases] == [("chat at 4k", 1)]


@pytest.mark.parametrize("typed", ["", "eight", "0", "1,9999"])
def test_what_makes_no_sense_is_said_and_not_started(view, typed) -> None:
    view.set_offer(values.OFFER)
    view.work.toggle.click()
    view.work.batches.selectAll()
    QTest.keyClick(view.work.batches, Qt.Key.Key_Backspace)
    QTest.keyClicks(view.work.batches, typed or " ")
    assert view.work.problem
    assert not view.start.isEnabled()
    button(view, "Quick").click()
    assert not view.work.problem
    assert view.start.isEnabled()


def test_no_shape_is_no_test(view) -> None:
    view.set_offer(values.OFFER)
    for box in view.work.shapes.boxes.values():
        box.setChecked(False)
    assert view.work.problem == "Choose one shape at least."
    assert not view.start.isEnabled()


def test_a_workload_in_words() -> None:
    assert described(QUICK) == "Chat with 1 and 4 at once; 3 repetitions; 3 min at most."
    alone = replace(QUICK, shapes=(WRITE,), batches=(1,), repetitions=1, budget_s=None)
    assert described(alone) == "Write alone; measured once."


@pytest.mark.parametrize("width", [664, 1144])
@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_nothing_is_cut_off(view, width, direction, qtbot) -> None:
    view.setLayoutDirection(direction)
    view.set_offer(values.OFFER)
    view.set_differences(values.DIFFERENCES)
    view.work.toggle.click()
    view.resize(width, 480)
    qtbot.waitUntil(lambda: view.area.widget().width() <= width)
    for part in [view.start, view.family, *view.work.tab_order(), *view.rows["vllm"].tab_order()]:
        if part.isVisible():
            where = part.mapTo(view, part.rect().topLeft())
            assert where.x() >= 0
            assert where.x() + part.width() <= width


def test_tab_reads_downwards(view) -> None:
    view.set_offer(values.OFFER)
    view.family.setFocus()
    seen: list[QWidget] = []
    while (focus := QApplication.focusWidget()) is not None and focus not in seen:
        seen.append(focus)
        QTest.keyClick(focus, Qt.Key.Key_Tab)
    heights = [part.mapTo(view, part.rect().center()).y() for part in seen]
    assert view.start in seen
    assert view.rows["transformers"].check in seen
    assert heights[: seen.index(view.start) + 1] == sorted(heights[: seen.index(view.start) + 1])
