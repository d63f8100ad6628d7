"""The model picker: what it says of the model, what it offers, what it looks like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMenu

from app.domain.engine import EngineState, EngineStatus
from app.domain.model import LocalModel
from app.services.engine_choice import ModelChoice
from app.ui import theme
from app.ui.chat.model_picker import ModelPicker

SMALL = LocalModel("SmolLM2-135M-Instruct.Q4_1", Path("/m/SmolLM2-135M-Instruct.Q4_1.gguf"), 98_362_432)
LARGE = LocalModel("Qwen3-4B-Q8_0", Path("/m/Qwen3-4B-Q8_0.gguf"), 4_280_000_000)
ODD = LocalModel("R&D model ü", Path("/m/R&D model ü.gguf"), 1_000_000)


def offered(model: LocalModel) -> ModelChoice:
    return ModelChoice(model.name, "llama_cpp", "llama.cpp", model, is_best=True)


ALL = [offered(SMALL), offered(LARGE), offered(ODD)]


@pytest.fixture
def picker(qtbot) -> ModelPicker:
    widget = ModelPicker()
    qtbot.addWidget(widget)
    widget.set_models(ALL)
    widget.resize(500, 34)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def status(state: EngineState, model: str | None = SMALL.name) -> EngineStatus:
    return EngineStatus(state, model=model, engine="llama.cpp")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (EngineState.READY, "SmolLM2 135M Instruct · Q4_1 · llama.cpp"),
        (EngineState.BUSY, "SmolLM2 135M Instruct · Q4_1 · llama.cpp"),
        (EngineState.STARTING, "SmolLM2 135M Instruct · Q4_1 · llama.cpp · loading…"),
        (EngineState.FAILED, "SmolLM2 135M Instruct · Q4_1 · llama.cpp · not running"),
        (EngineState.STOPPED, "SmolLM2 135M Instruct · Q4_1 · llama.cpp · not loaded"),
    ],
)
def test_the_state_is_said_in_words(picker, state, said) -> None:
    picker.set_model(SMALL.name)
    picker.set_status(status(state))
    assert picker.text() == said
    assert picker.accessibleName().startswith(f"Model: {said}")
    assert ("ready" in picker.accessibleName()) is (state in (EngineState.READY, EngineState.BUSY))


def test_another_models_state_is_not_this_ones(picker) -> None:
    picker.set_model(LARGE.name)
    picker.set_status(status(EngineState.READY))
    assert picker.text() == "Qwen3 4B · Q8_0 · llama.cpp · not loaded"


def test_without_a_model(picker) -> None:
    picker.set_models([])
    picker.set_status(status(EngineState.FAILED, None))
    assert picker.text() == "No model"
    actions = picker.menu().actions()
    assert [(action.text(), action.isEnabled()) for action in actions] == [
        ("No model in the model folder", False),
        ("", True),
        ("More models…", True),
    ]


def test_the_menu_names_size_and_marks_the_chosen(picker) -> None:
    picker.set_model(LARGE.name)
    assert [(action.text(), action.isChecked()) for action in picker.menu().actions()[:-3]] == [
        ("SmolLM2 135M Instruct · Q4_1 · 98 MB", False),
        ("Qwen3 4B · Q8_0 · 4.3 GB", True),
        ("R&&D model ü · 1.0 MB", False),
    ]


def test_the_way_to_another_engine_is_in_the_menu(picker, qtbot) -> None:
    deed = next(it for it in picker.menu().actions() if it.text() == "Continue with another engine…")
    with qtbot.waitSignal(picker.move_requested):
        deed.trigger()
    picker.set_models([])
    assert "Continue with another engine…" not in [it.text() for it in picker.menu().actions()]


SERVER = ModelChoice("qwen3:8b", "attached:1", "Office", remote=True)
OTHER_ENGINE = ModelChoice(SMALL.name, "transformers", "Transformers", SMALL)


def test_other_engines_and_servers_stand_below(picker, qtbot) -> None:
    picker.set_models([*ALL, OTHER_ENGINE, SERVER])
    actions = picker.menu().actions()
    assert [action.text() for action in actions[3:-3]] == [
        "", "SmolLM2 135M Instruct · Q4_1 · Transformers", "", "qwen3:8b · Office · remote",
    ]  # fmt: skip
    assert actions[3].isSeparator()
    assert actions[5].isSeparator()
    dot = actions[4].icon().pixmap(12).toImage()
    assert dot.pixelColor(dot.width() // 2, dot.height() // 2) == theme.engine_colour("transformers")
    assert "leaves this machine" in actions[6].toolTip()
    with qtbot.waitSignal(picker.chosen) as chosen:
        actions[6].trigger()
    assert chosen.args == ["qwen3:8b", "attached:1"]


def test_the_engine_that_was_chosen_is_marked(picker) -> None:
    picker.set_models([*ALL, OTHER_ENGINE, SERVER])
    picker.set_model(SMALL.name, "transformers")
    marked = [action.text() for action in picker.menu().actions() if action.isChecked()]
    assert marked == ["SmolLM2 135M Instruct · Q4_1 · Transformers"]
    picker.set_model(SMALL.name, None)
    marked = [action.text() for action in picker.menu().actions() if action.isChecked()]
    assert marked == ["SmolLM2 135M Instruct · Q4_1 · 98 MB"]


def test_what_a_start_is_at_is_said(picker) -> None:
    picker.set_model(SMALL.name)
    picker.set_status(replace(status(EngineState.STARTING), progress="reading weights, 40 %"))
    assert picker.accessibleName().endswith("· llama.cpp · reading weights, 40 %…")


@pytest.mark.parametrize(
    ("engine", "key"),
    [
        ("llama_cpp", "llama.cpp"),
        ("tensorrt_llm", "tensorrt-llm"),
        ("vllm", "vllm"),
        ("attached:12", "attached"),
    ],
)
def test_every_engine_keeps_its_colour(engine, key) -> None:
    assert theme.engine_colour(engine) == theme.ENGINE_COLOURS[key]


def test_the_end_of_the_menu_leads_to_more_models(picker, qtbot) -> None:
    *_, separator, _, more = picker.menu().actions()
    assert separator.isSeparator()
    assert more.text() == "More models…"
    chosen: list[object] = []
    picker.chosen.connect(lambda *choice: chosen.append(choice))
    with qtbot.waitSignal(picker.more_requested):
        more.trigger()
    assert not chosen


def test_choosing(picker, qtbot) -> None:
    with qtbot.waitSignal(picker.chosen) as chosen:
        picker.menu().actions()[1].trigger()
    assert chosen.args == [LARGE.name, "llama_cpp"]


def test_opening_asks_for_the_models_and_the_answer_moves_nothing(picker, qtbot) -> None:
    menu = picker.menu()
    with qtbot.waitSignal(picker.about_to_open):
        menu.popup(picker.mapToGlobal(picker.rect().bottomLeft()))
    menu.setActiveAction(menu.actions()[1])
    picker.set_models(ALL)
    assert menu.activeAction() is menu.actions()[1]
    menu.close()


def test_a_key_opens_the_menu_and_another_chooses(picker, qtbot) -> None:
    # The menu runs an event loop of its own, so what is to happen in it is arranged before.
    def choose() -> None:
        opened = QApplication.activePopupWidget()
        assert isinstance(opened, QMenu)
        qtbot.keyClick(opened, Qt.Key.Key_Down)
        qtbot.keyClick(opened, Qt.Key.Key_Return)

    picker.about_to_open.connect(choose, Qt.ConnectionType.QueuedConnection)
    picker.setFocus()
    with qtbot.waitSignal(picker.chosen) as chosen:
        qtbot.keyClick(picker, Qt.Key.Key_Space)
    assert chosen.args == [SMALL.name, "llama_cpp"]


def test_old_entries_are_not_kept(picker, qtbot) -> None:
    before = len(picker.menu().children())
    for _ in range(20):
        picker.set_models(ALL[:1])
        picker.set_models(ALL)
    qtbot.waitUntil(lambda: len(picker.menu().children()) <= before)


def test_a_long_name_is_cut_where_there_is_no_room(picker, qtbot) -> None:
    picker.set_model("a-" * 200)
    picker.resize(200, 34)
    qtbot.waitUntil(lambda: picker.text().endswith("…"))
    assert picker.fontMetrics().horizontalAdvance(picker.text()) < 200 - 40
    assert ("a " * 100).strip() in picker.toolTip()


def test_an_ampersand_is_no_shortcut(picker) -> None:
    picker.set_model(ODD.name)
    assert picker.text().startswith("R&&D model ü")
    assert picker.accessibleName().startswith("Model: R&D model ü")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_chevron_at_the_end_and_none_elsewhere(picker, qtbot, scheme) -> None:
    theme.source().set_scheme(scheme)
    picker.set_model(SMALL.name)
    picker.set_status(status(EngineState.READY))
    image = picker.grab().toImage()
    ground = image.pixelColor(3, 17)
    inked = {
        x
        for x in range(6, image.width() - 6)
        for y in range(3, image.height() - 3)
        if image.pixelColor(x, y) != ground
    }
    words_end = max(x for x in inked if x < image.width() - 30)
    assert {x for x in inked if x > words_end} <= set(range(image.width() - 24, image.width() - 6))
    assert any(x > image.width() - 24 for x in inked)
