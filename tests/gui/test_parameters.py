"""System prompt and sampling: every parameter with its range, reported after a pause, never by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from app.domain.generation import PARAMETERS, SamplingParams
from app.ui.chat.parameters import ParametersForm, ParametersPanel

LARGEST_SEED = 2**32 - 2


@pytest.fixture
def form(qtbot) -> ParametersForm:
    widget = ParametersForm()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    return widget


def field(form: ParametersForm, label: str) -> Any:
    """A QSpinBox or a QDoubleSpinBox."""
    boxes: list[QWidget] = [*form.findChildren(QSpinBox), *form.findChildren(QDoubleSpinBox)]
    return next(box for box in boxes if box.accessibleName() == label)


def prompt(form: ParametersForm) -> QPlainTextEdit:
    found = form.findChild(QPlainTextEdit)
    assert isinstance(found, QPlainTextEdit)
    return found


def reported(form: ParametersForm) -> list[SamplingParams]:
    """Collects what the form reports from now on."""
    seen: list[SamplingParams] = []
    form.params_changed.connect(seen.append)
    return seen


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
def test_each_parameter_has_a_field_with_its_range_and_words(form, parameter) -> None:
    box = field(form, parameter.label)
    least = parameter.minimum - 1 if parameter.optional else parameter.minimum
    assert (box.minimum(), box.maximum()) == (least, parameter.maximum)
    assert box.singleStep() == parameter.step
    assert box.toolTip() == box.accessibleDescription() == parameter.explanation


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_each_field_takes_both_ends_of_its_range(form, parameter, end) -> None:
    seen = reported(form)
    value = getattr(parameter, end)
    form.show_values("", SamplingParams())
    field(form, parameter.label).setValue(int(value) if parameter.whole else value)
    form.flush()
    expected = replace(SamplingParams(), **{parameter.name: value})
    # The default itself is no change.
    assert seen == ([expected] if expected != SamplingParams() else [])


def test_it_begins_with_the_defaults(form) -> None:
    for parameter in PARAMETERS:
        default = getattr(SamplingParams(), parameter.name)
        box = field(form, parameter.label)
        assert box.text() == "automatic" if default is None else box.value() == default


@pytest.mark.parametrize("width", [300, 700])
def test_every_value_can_be_read(qtbot, width) -> None:
    panel = ParametersPanel()
    qtbot.addWidget(panel)
    panel.setFixedWidth(width)
    panel.form.show_values("", SamplingParams(top_k=1000, max_tokens=1_000_000, seed=LARGEST_SEED))
    panel.show()
    qtbot.waitExposed(panel)
    for parameter in PARAMETERS:
        box = field(panel.form, parameter.label)
        line = box.findChild(QLineEdit)
        assert line.width() >= line.fontMetrics().horizontalAdvance(line.text()) + 4
        assert box.rect().contains(line.geometry())


def test_values_are_shown_without_being_reported(form, qtbot) -> None:
    seen = reported(form)
    prompts: list[str] = []
    form.system_prompt_changed.connect(prompts.append)
    form.show_values(
        "Be brief.", SamplingParams(temperature=0.3, top_k=7, max_tokens=None, seed=LARGEST_SEED)
    )
    form.flush()
    assert (seen, prompts) == ([], [])
    assert prompt(form).toPlainText() == "Be brief."
    assert field(form, "Temperature").value() == 0.3
    assert field(form, "Top K").value() == 7
    assert field(form, "Longest reply").text() == "automatic"
    assert field(form, "Seed").value() == LARGEST_SEED


def test_a_change_is_reported_after_a_pause(form, qtbot) -> None:
    with qtbot.waitSignal(form.params_changed, timeout=5000) as changed:
        field(form, "Temperature").setValue(1.5)
    assert changed.args == [SamplingParams(temperature=1.5)]


def test_a_change_leaves_finer_values_alone(form) -> None:
    seen = reported(form)
    fine = SamplingParams(top_p=0.123456, seed=LARGEST_SEED)
    form.show_values("", fine)
    field(form, "Top K").setValue(12)
    form.flush()
    assert seen == [replace(fine, top_k=12)]


def test_typing_a_seed_and_taking_it_back(form, qtbot) -> None:
    seen = reported(form)
    seed = field(form, "Seed")
    seed.setFocus()
    seed.selectAll()
    qtbot.keyClicks(seed, "42")
    form.flush()
    assert seen == [SamplingParams(seed=42)]
    assert isinstance(seen[0].seed, int)
    seed.setValue(seed.minimum())
    form.flush()
    assert seen[1:] == [SamplingParams(seed=None)]


def test_the_system_prompt_is_reported_after_a_pause(form, qtbot) -> None:
    with qtbot.waitSignal(form.system_prompt_changed, timeout=5000) as changed:
        qtbot.keyClicks(prompt(form), "Answer in verse.")
    assert changed.args == ["Answer in verse."]


def test_showing_another_conversation_first_reports_what_waits(form) -> None:
    seen = reported(form)
    field(form, "Min P").setValue(0.5)
    form.show_values("", SamplingParams())
    assert seen == [SamplingParams(min_p=0.5)]


def test_the_defaults_come_back_and_the_prompt_stays(form, qtbot) -> None:
    form.show_values("Stay.", SamplingParams(temperature=2.0, seed=3))
    with qtbot.waitSignal(form.params_changed) as changed:
        qtbot.mouseClick(form.findChild(QPushButton), Qt.MouseButton.LeftButton)
    assert changed.args == [SamplingParams()]
    assert prompt(form).toPlainText() == "Stay."
    assert field(form, "Temperature").value() == SamplingParams().temperature


def test_the_wheel_only_turns_what_has_the_focus(qtbot) -> None:
    panel = ParametersPanel()
    qtbot.addWidget(panel)
    panel.resize(300, 300)
    panel.show()
    qtbot.waitExposed(panel)
    panel.activateWindow()
    box = field(panel.form, "Temperature")
    prompt(panel.form).setFocus()
    before = box.value()
    turn = QWheelEvent(
        QPointF(5, 5),
        QPointF(box.mapToGlobal(QPoint(5, 5))),
        QPoint(0, 0),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(box, turn)
    assert box.value() == before
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    QApplication.sendEvent(box, turn)
    assert box.value() < before
