"""The page as a whole, as a person goes through it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea

from app.domain.download import DownloadState
from app.domain.engine import EngineState
from app.services.advice_follower import Stage
from app.ui.advisor.page import COST, FRAMEWORKS, GUIDE, USE_CASES
from app.ui.theme import Scheme
from app.ui.theme import apply as dress
from tests.gui.advisor.stand_in import StandIn
from tests.gui.test_accessibility import controls, interface

WAIT_MS = 30_000


def press(key: Qt.Key) -> None:
    focus = QApplication.focusWidget()
    assert focus is not None
    QTest.keyClick(focus, key)


def answered(page, qtbot, priority: str = "edge") -> None:
    page.question.options[priority].click()
    page.question.next.click()
    while page.view is page.question:
        if page.question.chosen is None:
            next(iter(page.question.options.values())).click()
        page.question.next.click()
    qtbot.waitUntil(lambda: page.view is page.answer, timeout=WAIT_MS)


def test_from_the_first_question_to_the_answer(page, qtbot) -> None:
    assert not page.question.next.isEnabled()
    assert not page.question.back.isEnabled()
    answered(page, qtbot)
    assert page.answer.headline.startswith("llama.cpp with ")
    said = page.answer.texts
    for heading in ("Because", "Instead of", "How sure", "What would change it", "Cost"):
        assert heading in said
    assert any("Reference · framework comparison" in text for text in said)
    assert page.answer.steps.follow.text() == "Download, start and chat"
    page.answer.change.click()
    assert page.view is page.question


def test_by_keyboard_alone(page, qtbot) -> None:
    page.question.take_focus()
    press(Qt.Key.Key_Down)
    assert page.question.options["throughput"].hasFocus()
    press(Qt.Key.Key_Return)
    assert page.question.text == "Where is the model to run?"
    assert page.question.options["cpu"].isChecked(), "what the machine is stands there already"
    assert page.question.options["cpu"].hasFocus()
    press(Qt.Key.Key_Backspace)
    assert page.question.options["throughput"].hasFocus()
    assert page.question.dots.text == "Question 1 of 6"


def test_a_dot_leads_back(page) -> None:
    page.question.options["edge"].click()
    page.question.next.click()
    dot = page.question.dots._dots()[0].center().toPoint()
    QTest.mouseClick(page.question.dots, Qt.MouseButton.LeftButton, pos=dot)
    assert page.question.text == "What matters most to you?"


def test_the_steps_are_done_and_the_chat_opens(page, hands, follower, qtbot) -> None:
    answered(page, qtbot)
    page.answer.steps.follow.click()
    qtbot.waitUntil(lambda: follower.steps[0].share == 0.1)
    assert page.answer.steps.stop.isVisible()
    assert "10 bytes of 100 bytes" in page.answer.steps.rows[0].text
    page.answer.steps.stop.click()
    assert page.answer.steps.follow.text() == "Go on"
    hands.loads = EngineState.READY
    page.answer.steps.follow.click()
    qtbot.waitUntil(lambda: follower.steps[0].stage is Stage.RUNNING and follower.steps[0].share == 0.1)
    with qtbot.waitSignal(follower.chat_requested):
        hands.tell(DownloadState.DONE, 100)
    assert page.answer.steps.follow.text() == "Open the chat"


def test_copied_as_text_and_as_pdf(page, tmp_path, qtbot) -> None:
    answered(page, qtbot)
    page.answer.copy.click()
    text = QGuiApplication.clipboard().text()
    assert text.startswith("llama.cpp with ")
    assert "Because" in text
    assert "This machine has 4 cores" in text
    page.save_pdf(tmp_path / "advice.pdf")
    assert (tmp_path / "advice.pdf").read_bytes().startswith(b"%PDF")
    page.save_pdf(tmp_path / "nowhere" / "advice.pdf")
    assert "was not written" in page.notice.text


def test_the_whole_matrix_leads_to_each_answer(page, qtbot) -> None:
    page.tabs.choose(USE_CASES)
    qtbot.waitUntil(lambda: len(page.matrix.use_cases) == 8, timeout=WAIT_MS)
    row = page.matrix.use_cases[2]
    assert "vLLM. Highest throughput." in row.text
    assert "would be it on an NVIDIA GPU" in row.text
    row.show_answer.click()
    assert page.tabs.current == GUIDE
    qtbot.waitUntil(lambda: page.view is page.answer, timeout=WAIT_MS)


def test_all_frameworks_have_a_card(page, qtbot) -> None:
    page.tabs.choose(FRAMEWORKS)
    qtbot.waitUntil(lambda: len(page.frameworks.cards) == 7, timeout=WAIT_MS)
    names = [card.texts[0] for card in page.frameworks.cards]
    assert {"Outlines", "LangChain"} < set(names)
    for card in page.frameworks.cards:
        assert {"Strengths", "Weaknesses", "Best for", "Avoid for"} < set(card.texts)


def test_costs_follow_what_is_typed(page, qtbot) -> None:
    page.tabs.choose(COST)
    result, form = page.cost.result, page.cost.form
    qtbot.waitUntil(lambda: len(result.table.cells) == 4, timeout=WAIT_MS)
    assert "say what a kWh costs you" in result._left_out.text()
    form.kwh.setValue(0.30)
    qtbot.waitUntil(lambda: "was not measured yet" in result._left_out.text(), timeout=WAIT_MS)
    with qtbot.waitSignal(page.speed_test_requested):
        result.test.click()
    form.pace.setValue(20)
    form.watts.setValue(65)
    qtbot.waitUntil(lambda: len(result.table.cells) == 5, timeout=WAIT_MS)
    assert result.table.texts[0][0] == "This machine"
    assert not result._left_out.isVisible()
    assert len(result.advice.texts) == 3
    assert [row[3] for row in result.reference.texts] == ["✗ wrong", "✓ right", "✓ right"]
    assert "3.6 times too much" in result._explained.text()
    form.currency.setText("3")
    page.cost.ask()
    qtbot.waitUntil(lambda: "without digits" in result._problem.text(), timeout=WAIT_MS)
    form.use_examples()
    qtbot.waitUntil(lambda: not result._problem.isVisible() and len(result.table.cells) == 4, timeout=WAIT_MS)


def test_what_it_costs_comes_into_the_answer(page, qtbot) -> None:
    answered(page, qtbot)
    assert any("once you say what a kWh costs you" in text for text in page.answer.texts)
    for field, value in ((page.cost.form.kwh, 0.3), (page.cost.form.pace, 20), (page.cost.form.watts, 65)):
        field.setValue(value)
    qtbot.waitUntil(lambda: any("for 1,000 tokens, $" in t for t in page.answer.texts), timeout=WAIT_MS)


@pytest.mark.parametrize(
    "stand_in", [StandIn(offline=True), StandIn("full")], ids=["offline", "nothing fits"]
)
def test_what_cannot_be_done_now_says_why(page, qtbot) -> None:
    answered(page, qtbot)
    assert not page.answer.steps.follow.isEnabled()
    assert page.answer.steps.follow.accessibleDescription()
    assert page.answer.change.isEnabled()


def test_everything_that_takes_the_keyboard_has_a_name(page, qtbot) -> None:
    def nameless() -> list[object]:
        found = [it for it in controls(page) if not isinstance(it, QScrollArea)]
        assert found
        return [it for it in found if not interface(it).text(QAccessible.Text.Name)]

    assert not nameless()
    answered(page, qtbot)
    assert not nameless()
    for tab in (USE_CASES, FRAMEWORKS, COST):
        page.tabs.choose(tab)
        for fold in page.cost.form._folds:
            fold.toggle.setChecked(True)
        assert not nameless()


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
@pytest.mark.parametrize("scheme", [Scheme.LIGHT, Scheme.DARK])
def test_nothing_is_cut_off_in_the_smallest_window(page, qapp, qtbot, direction, scheme) -> None:
    dress(qapp, scheme)
    page.setLayoutDirection(direction)
    page.resize(664, 480)
    answered(page, qtbot)
    qtbot.waitUntil(lambda: len(page.matrix.use_cases) == 8, timeout=WAIT_MS)
    for tab in (GUIDE, USE_CASES, FRAMEWORKS, COST):
        page.tabs.choose(tab)
        qapp.processEvents()
        page.grab()
        view = page.view
        assert view.widget().width() <= view.viewport().width()
