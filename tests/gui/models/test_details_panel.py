"""The details of one model: what is known, what is left out, and what can be done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QFormLayout, QLabel, QPlainTextEdit, QWidget

from app.domain.hub import Format
from app.domain.model import LibraryEntry, LocalModel, ModelDetails, Place, Soundness, Verification
from app.ui.models.details_panel import DetailsPanel

MODEL = LocalModel("Qwen3-4B-Q4_K_M", Path("/data/Zoë/models/Qwen3-4B-Q4_K_M.gguf"), 2_497_280_256)
DETAILS = ModelDetails(
    "Qwen3 4B", "qwen3", 4_022_468_096, "Q4_K_M", 40_960, "apache-2.0", True, 36, ("en", "zh")
)
QWEN = LibraryEntry(MODEL, DETAILS, 1.0)


@pytest.fixture
def panel(qtbot) -> DetailsPanel:
    widget = DetailsPanel()
    qtbot.addWidget(widget)
    widget.resize(340, 700)
    widget.set_entry(QWEN)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    return widget


def facts(panel: DetailsPanel) -> dict[str, str]:
    """What is written beside each name."""
    found: dict[str, str] = {}
    for form in panel.findChildren(QFormLayout):
        for row in range(form.rowCount()):
            name: Any = form.itemAt(row, QFormLayout.ItemRole.LabelRole)
            value: Any = form.itemAt(row, QFormLayout.ItemRole.FieldRole)
            found[name.widget().text()] = value.widget().text()
    return found


def texts(panel: DetailsPanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel) if label.isVisible() and label.text()]


def buttons(panel: QWidget) -> dict[str, QAbstractButton]:
    return {b.text() or b.accessibleName(): b for b in panel.findChildren(QAbstractButton) if b.isVisible()}


def path(panel: DetailsPanel) -> Any:
    return panel.findChild(QPlainTextEdit)


def test_everything_the_header_says(panel) -> None:
    found = facts(panel)
    assert found["Quantization"] == "Q4_K_M · very close to the original"
    assert found["Parameters"] == "4.0B"
    assert found["Trained for"] == "40k tokens"
    assert found["Languages"] == "en, zh"
    assert found["Size"] == "2.5 GB"
    assert found["Title"] == "Qwen3 4B"
    assert panel.accessibleName() == "Details of Qwen3 4B · Q4_K_M"
    assert path(panel).toPlainText() == "/data/Zoë/models/Qwen3-4B-Q4_K_M.gguf"


def test_what_is_not_said_is_left_out(panel) -> None:
    panel.set_entry(replace(QWEN, details=ModelDetails("", "", None, "", None, "", False, None)))
    found = facts(panel)
    assert not {
        "Title",
        "Architecture",
        "Parameters",
        "Layers",
        "Quantization",
        "Licence",
        "Languages",
    } & set(found)
    assert found["Chat template"] == "none: replies may be poor"
    panel.set_entry(replace(QWEN, details=None, problem="The file ends early."))
    assert set(facts(panel)) == {"Name", "Size", "Where", "Last used"}
    assert "The file ends early." in texts(panel)
    assert not buttons(panel)["Chat with it"].isEnabled()


def test_many_languages_are_counted(panel) -> None:
    many = tuple(f"l{n}" for n in range(30))
    panel.set_entry(replace(QWEN, details=replace(DETAILS, languages=many)))
    assert facts(panel)["Languages"].endswith("l7 and 22 more")


def test_safetensors_and_projectors(panel) -> None:
    model = replace(MODEL, format=Format.SAFETENSORS, place=Place.HUGGING_FACE)
    panel.set_entry(replace(QWEN, model=model, projector=Path("/x/mmproj.gguf")))
    found = facts(panel)
    assert found["Format"] == "safetensors, for the other engines"
    assert found["Sees images"] == "with mmproj.gguf"
    assert found["Where"] == "Hugging Face cache"
    assert not buttons(panel)["Chat with it"].isEnabled()


@pytest.mark.parametrize(
    ("words", "signal"),
    [
        ("Chat with it", "chat_requested"),
        ("Verify", "verify_requested"),
        ("Show in folder", "reveal_requested"),
    ],
)
def test_what_can_be_done(panel, qtbot, words, signal) -> None:
    with qtbot.waitSignal(getattr(panel, signal)) as told:
        qtbot.mouseClick(buttons(panel)[words], Qt.MouseButton.LeftButton)
    assert told.args == [QWEN]


def test_the_cross_and_escape_close(panel, qtbot) -> None:
    assert buttons(panel)["Close the details"].hasFocus()
    with qtbot.waitSignal(panel.closed):
        qtbot.mouseClick(buttons(panel)["Close the details"], Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(panel.closed):
        qtbot.keyClick(buttons(panel)["Verify"], Qt.Key.Key_Escape)


def test_check_and_forecast_belong_to_their_model(panel) -> None:
    assert any("Not verified" in text for text in texts(panel))
    panel.set_check(Verification(MODEL, Soundness.WHOLE, "It is whole: its SHA-256 is right."))
    panel.set_forecast([("Memory", "3.6 GB at 8k context"), ("Speed", "about 19 tok/s")])
    assert facts(panel)["Memory"] == "3.6 GB at 8k context"
    assert "On this machine it takes" in texts(panel)
    panel.set_entry(replace(QWEN, last_used=2.0))  # the same model
    assert "It is whole: its SHA-256 is right." in texts(panel)
    assert "Memory" in facts(panel)
    panel.set_entry(replace(QWEN, model=replace(MODEL, name="other")))
    assert any("Not verified" in text for text in texts(panel))
    assert "Memory" not in facts(panel)
    assert "On this machine it takes" not in texts(panel)


def test_a_long_path_can_be_read_whole_and_copied(panel, qtbot) -> None:
    long = Path("/data") / ("a-folder-without-blanks-" * 12) / "模型.gguf"
    panel.set_entry(replace(QWEN, model=replace(MODEL, path=long)))
    field = path(panel)
    assert field.toPlainText() == str(long)
    line = field.fontMetrics().lineSpacing()
    assert field.height() >= line * field.document().size().height()
    assert field.document().size().height() > 3
    assert field.viewport().width() < panel.width()
    assert field.isReadOnly()


@pytest.mark.parametrize("name", ["long-" * 60, "模型" * 60])
def test_nothing_is_wider_than_the_panel(panel, qtbot, name) -> None:
    panel.set_entry(LibraryEntry(replace(MODEL, name=name), replace(DETAILS, title=name, licence=name)))
    page = panel.widget()
    assert page.width() <= panel.viewport().width()


def test_tab_goes_as_one_reads(panel, qtbot) -> None:
    found = buttons(panel)
    order = [found["Close the details"], found["Chat with it"], path(panel), found["Verify"]]
    order[0].setFocus()
    for widget in [*order[1:], found["Show in folder"]]:
        qtbot.keyClick(panel.focusWidget(), Qt.Key.Key_Tab)
        assert widget.hasFocus()
