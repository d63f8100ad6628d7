"""From the menu of a row to a new model in the library, with the real programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QWidget

from app.domain.environment import EnvironmentState
from app.domain.generation import Cancellation
from app.domain.model import LibraryEntry
from app.engines.environment import Environment
from app.engines.installation import InstallFolders
from app.engines.pins import tools
from app.hardware.probe import probe
from app.services.conversions import CONVERTER, Conversions
from app.ui.main_window import MODELS
from app.ui.models.convert_dialog import ConvertDialog
from app.ui.models.convert_quantize import QuantizeDialog
from app.ui.models.library_page import LibraryPage
from app.ui.models.page import LIBRARY
from app.ui.models.quality_dialog import QualityDialog
from app.ui.models.quality_view import QualityView
from tests.gui.app_driver import App, change_settings, short

D = TypeVar("D", bound=QWidget)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def app(qtbot, edgewise_home) -> Iterator[App]:
    change_settings(params=short())
    opened = App(qtbot)
    qtbot.addWidget(opened.window)
    yield opened
    opened.close()


def library(app: App) -> LibraryPage:
    """What is on this machine, in front and read."""
    app.window.show_page(MODELS)
    page = app.window.models_page
    assert page is not None
    page.tabs.choose(LIBRARY)
    app.wait(lambda: all(it.details is not None for it in entries(app)) and bool(entries(app)))
    return page.library


def entries(app: App) -> list[LibraryEntry]:
    return app.edgewise.models.library.entries


def entry(app: App, quantization: str) -> LibraryEntry:
    """Once it is listed."""

    def found() -> list[LibraryEntry]:
        return [
            it for it in entries(app) if it.details is not None and it.details.quantization == quantization
        ]

    app.wait(lambda: bool(found()))
    return found()[0]


def dialog(kind: type[D]) -> D:
    (found,) = [it for it in QApplication.topLevelWidgets() if isinstance(it, kind) and it.isVisible()]
    return found


def test_a_model_is_quantized_and_measured_where_it_stands(app, tmp_path: Path, monkeypatch) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The keeper climbed the stairs and lit the lamp above the sea. " * 60)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(text), ""))
    page = library(app)
    page.quantize_requested.emit(entry(app, "Q4_1"))
    quantize = dialog(QuantizeDialog)
    app.wait(lambda: quantize.state == "")
    quantize.type.setCurrentIndex(quantize.type.findData("Q8_0"))
    quantize.again.setChecked(True)
    quantize.go.click()
    made = entry(app, "Q8_0")
    notice = app.window.models_page.notice
    app.wait(lambda: f"{made.model.name} is in the library." in notice.text)
    app.wait(lambda: any(it.name == made.model.name for it in app.chat.picker._choices))
    page.measure_requested.emit(entry(app, "Q4_1"))
    measure = dialog(QualityDialog)
    app.wait(lambda: measure.state == "")
    assert measure.original.currentData() == made.model
    measure.choose_text.click()
    measure.go.click()
    app.wait(lambda: "was measured" in notice.text)
    shown = next(b for b in notice.findChildren(QPushButton) if b.text() == "Show")
    shown.click()
    view = dialog(QualityView)
    assert [row[0] for row in view.table.rows] == ["Q8_0", "Q4_1"]
    view.close()


def test_a_cancelled_one_leaves_no_trace(app) -> None:
    page = library(app)
    name = entry(app, "Q4_1").model.name
    session = app.edgewise.models.conversions
    page.quantize_requested.emit(entry(app, "Q4_1"))
    quantize = dialog(QuantizeDialog)
    app.wait(lambda: quantize.state == "")
    quantize.again.setChecked(True)
    quantize.go.click()
    assert session.is_working(name)
    page.view.cancel_requested.emit(name)
    app.wait(lambda: not session.is_working(name))
    assert len(entries(app)) == 1


@pytest.mark.installed_engines
@pytest.mark.timeout(900)
def test_safetensors_become_a_model_to_chat_with(app, starter_model, monkeypatch) -> None:
    from tests.engines.environments import ROOT, nobody_looks
    from tests.engines.safetensors_model import safetensors_of, transformers_python

    folder = safetensors_of(starter_model, transformers_python())
    target = app.paths.models / "SmolLM2-135M-Instruct"
    target.mkdir()
    for file in folder.iterdir():
        os.link(file, target / file.name)
    made, tool = Conversions(app.paths), tools()[CONVERTER]
    shared = Environment(tool.pin, tool.name, InstallFolders(ROOT), cache(lambda: probe(ROOT)))
    if shared.state is not EnvironmentState.READY:
        shared.install(nobody_looks, Cancellation())
    monkeypatch.setattr(made, "converter", shared)
    monkeypatch.setattr(app.edgewise.models.conversions, "_conversions", made)
    page = library(app)
    app.edgewise.models.library.look()
    page.convert_requested.emit(entry(app, "BF16"))
    convert = dialog(ConvertDialog)
    app.wait(lambda: convert.state == "")
    convert.go.click()
    smallest = entry(app, "Q4_K_M")
    app.wait(lambda: any(it.name == smallest.model.name for it in app.chat.picker._choices))
    app.edgewise.models.chat_requested.emit(smallest.model.name)
    app.wait(lambda: app.edgewise.supervisor.status.model == smallest.model.name)
    app.wait_ready()
    app.window.activateWindow()  # offscreen nobody else does
    app.chat.focus_composer()
    app.wait(app.field.hasFocus)
    app.send("Hello")
    assert app.wait_reply_ends().model == smallest.model.name
