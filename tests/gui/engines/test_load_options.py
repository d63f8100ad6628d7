"""How an engine loads models: what was chosen is shown, what is changed is told at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QSpinBox, QWidget

from app.domain.engine import LoadWishes
from app.services.engine_card import Offered, Planned
from app.ui.engines.load_options import LoadOptionsForm
from tests.gui.engines import cards
from tests.gui.engines.looking import button, texts

PLANNED = Planned("smol", 8192, 2, 341_000_000, 22_700_000_000, 0.62, 2)
WITH_GPUS = replace(cards.installed, offered=Offered(gpus=4, number_format=True, quantizes=True))


@pytest.fixture
def form(qtbot) -> LoadOptionsForm:
    widget = LoadOptionsForm()
    qtbot.addWidget(widget)
    widget.set_card(WITH_GPUS)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)
    return widget


def field(form: QWidget, name: str):
    for kind in (QSpinBox, QDoubleSpinBox, QComboBox):
        for each in form.findChildren(kind):
            if each.accessibleName() == name:
                return each
    raise LookupError(name)


def shown(form: QWidget) -> list[str]:
    return [label.text() for label in form.findChildren(QLabel) if label.isVisible() and label.buddy()]


def test_what_the_machine_and_the_engine_have_no_use_for_is_left_out(form) -> None:
    assert shown(form) == ["Context length", "Threads", "Numbers", "Weights", "GPU memory", "GPUs"]
    form.set_card(cards.stopped)
    assert shown(form) == ["Model", "Context length", "Threads"]
    form.set_card(replace(cards.installed, offered=Offered(gpus=1, number_format=True)))
    assert shown(form) == ["Context length", "Threads", "Numbers", "GPU memory"]


def test_what_was_chosen_for_this_machine(form) -> None:
    assert field(form, "Context length").text() == "automatic"
    form.set_planned(PLANNED)
    assert field(form, "Context length").text() == "automatic: 8,192"
    assert field(form, "Threads").text() == "automatic: 2"
    assert field(form, "GPU memory").text() == "automatic: 62 %"
    assert field(form, "GPUs").text() == "automatic: 2"
    assert "smol takes about 341 MB so; 22.7 GB are free now." in texts(form)


def test_memory_of_gpus_is_told_apart(form) -> None:
    form.set_planned(
        replace(
            PLANNED,
            memory=6_400_000_000,
            free=30_000_000_000,
            gpu_memory=6_000_000_000,
            gpu_free=8_000_000_000,
        )
    )
    takes = "6.0 GB of the GPU’s memory and 400 MB of main memory"
    assert f"smol takes about {takes} so; 8.0 GB and 22.0 GB are free now." in texts(form)
    form.set_planned(
        replace(
            PLANNED,
            memory=6_000_000_000,
            free=8_000_000_000,
            gpu_memory=6_000_000_000,
            gpu_free=8_000_000_000,
        )
    )
    assert "smol takes about 6.0 GB of the GPU’s memory so; 8.0 GB are free now." in texts(form)
    form.set_planned(None)
    assert field(form, "Context length").text() == "automatic"
    assert not any("free now" in text for text in texts(form))


@pytest.mark.parametrize(
    ("name", "value", "wishes"),
    [
        ("Context length", 4096, LoadWishes(context_length=4096)),
        ("Threads", 3, LoadWishes(threads=3)),
        ("GPU memory", 50, LoadWishes(gpu_memory_share=0.5)),
        ("GPUs", 2, LoadWishes(tensor_parallel=2)),
    ],
)
def test_a_number_is_told_once_it_is_typed(form, qtbot, name, value, wishes) -> None:
    number = field(form, name)
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, str(value))
    with qtbot.waitSignal(form.wishes_changed) as changed:
        qtbot.keyClick(number, Qt.Key.Key_Return)
    assert changed.args == [wishes]


@pytest.mark.parametrize(
    ("name", "words", "wishes"),
    [
        ("Numbers", "bfloat16", LoadWishes(dtype="bfloat16")),
        ("Weights", "4 bit", LoadWishes(quantize_bits=4)),
    ],
)
def test_a_choice_is_told(form, qtbot, name, words, wishes) -> None:
    choice = field(form, name)
    with qtbot.waitSignal(form.wishes_changed) as changed:
        choice.setCurrentText(words)
        choice.activated.emit(choice.currentIndex())
    assert changed.args == [wishes]


def test_what_is_wished_is_shown_and_can_be_given_up(form, qtbot) -> None:
    wishes = LoadWishes(4096, 3, "float16", 8, 0.5, 2)
    form.set_card(replace(WITH_GPUS, wishes=wishes))
    assert field(form, "Context length").value() == 4096
    assert field(form, "Numbers").currentText() == "float16"
    assert field(form, "Weights").currentText() == "8 bit"
    assert field(form, "GPU memory").text() == "50 %"
    with qtbot.waitSignal(form.wishes_changed) as changed:
        button(form, "Choose all for this machine").click()
    assert changed.args == [LoadWishes()]
    assert not button(form, "Choose all for this machine").isEnabled()


def test_what_is_being_typed_stays(form, qtbot) -> None:
    number = field(form, "Context length")
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, "12")
    form.set_card(replace(WITH_GPUS, status=cards.ready.status))
    assert number.text() == "12"


def test_the_model_that_a_start_loads(form, qtbot) -> None:
    form.set_card(cards.stopped)
    model = field(form, "Model")
    assert model.currentText() == "SmolLM2 135M Instruct · Q4_1"
    with qtbot.waitSignal(form.model_chosen) as chosen:
        model.setCurrentIndex(1)
        model.activated.emit(1)
    assert chosen.args == ["Qwen3-4B-Q4_K_M"]
