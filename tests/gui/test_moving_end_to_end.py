"""A chat that moves: between quantizations and, where it is installed, to Transformers and back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from app.domain.conversation import Message, MessageState
from app.domain.generation import Cancellation
from app.engines.llama_cpp import LlamaCpp
from app.engines.transformers import Transformers
from app.services.conversions import Conversions
from app.services.engine_parts import EngineParts
from app.services.model_library import ModelLibrary
from app.storage.paths import Paths
from app.ui.chat.move_dialog import MoveDialog
from app.ui.chat.move_row import title_of
from app.ui.code_dialog import CodeDialog
from app.ui.models.convert_dialog import ConvertDialog
from tests.gui.app_driver import App, change_settings, short

D = TypeVar("D", bound=QWidget)

pytestmark = pytest.mark.timeout(300)


def opened(app: App, kind: type[D], text: str) -> D:
    """The dialog that an entry of the chat's menu opens."""
    menu = app.chat.more.menu()
    assert menu is not None
    next(action for action in menu.actions() if action.text() == text).trigger()
    (found,) = [it for it in QApplication.topLevelWidgets() if isinstance(it, kind) and it.isVisible()]
    return found


def move(app: App, title: str) -> str:
    """Go on with the way of this title; returns what was said of it before."""
    dialog = opened(app, MoveDialog, "Continue with another engine…")
    app.wait(lambda: bool(dialog.rows))
    row = next(row for row in dialog.rows if title_of(row.way) == title)
    row.click()
    told = dialog.told
    dialog.go.click()
    app.window.activateWindow()  # offscreen nobody else does
    app.wait(app.field.hasFocus)
    app.wait_ready()
    return told


def ask(app: App, text: str) -> Message:
    app.send(text)
    reply = app.wait_reply_ends()
    assert reply.state in (MessageState.COMPLETE, MessageState.CUT)
    assert reply.text
    return reply


@pytest.fixture
def open_app(qtbot, edgewise_home) -> Iterator[App]:
    change_settings(params=short())
    app = App(qtbot)
    qtbot.addWidget(app.window)
    yield app
    app.close()


def test_a_chat_moves_to_another_quantization_and_back(qtbot, edgewise_home) -> None:
    paths = Paths.find()
    paths.create()
    (model,) = ModelLibrary(paths).models()
    made = Conversions(paths).quantize(model, "Q8_0", lambda _: None, Cancellation(), again=True)
    change_settings(params=short(), model=model.name)
    app = App(qtbot)
    qtbot.addWidget(app.window)
    app.wait_ready()
    first = ask(app, "Hello")
    told = move(app, "llama.cpp · Q8_0")
    assert "The chat template is the same" in told
    assert "The weights are Q8_0" in told
    second = ask(app, "And again")
    assert (second.model, second.engine) == (made.model.name, "llama_cpp")
    app.wait(lambda: "goes on with" in app.chat.notice.text)
    app.click(app.notice_button("Go back"))
    app.wait_ready()
    third = ask(app, "Once more")
    assert third.model == model.name
    path = app.stored()
    assert len(path) == 6
    assert path[1] == first, "what was said keeps by whom it was made"
    assert path[3].model == made.model.name
    app.close()


def test_the_open_chat_as_code(open_app) -> None:
    app = open_app
    app.wait_ready()
    ask(app, "What is a lighthouse?")
    dialog = opened(app, CodeDialog, "Use this elsewhere…")
    app.wait(lambda: dialog.targets.count() > 0)
    code = dialog.text.toPlainText()
    assert "What is a lighthouse?" in code
    compile(code, "exported", "exec")
    dialog.close()


def test_what_is_missing_leads_to_where_it_is(open_app, qtbot, monkeypatch) -> None:
    """There is no form of the model that vLLM reads; what is no model is not converted."""
    app = open_app
    app.wait_ready()
    monkeypatch.setattr(EngineParts, "is_installed", lambda *_: True)
    dialog = opened(app, MoveDialog, "Continue with another engine…")
    app.wait(lambda: bool(dialog.rows))
    row = next((row for row in dialog.rows if row.way.engine_id == "vllm"), None)
    assert row is not None
    row.click()
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in dialog.told
    dialog.go.click()
    page = app.window.models_page
    assert page is not None
    app.wait(page.search.isVisible)
    app.wait(lambda: bool(app.edgewise.models.library.entries))
    app.edgewise.moving.conversion_requested.emit(app.edgewise.models.library.entries[0].model)
    app.wait(page.library.isVisible)
    (asked,) = [
        it for it in QApplication.topLevelWidgets() if isinstance(it, ConvertDialog) and it.isVisible()
    ]
    app.wait(lambda: "no model that can be converted" in asked.state or "There is no folder" in asked.state)
    asked.close()


@pytest.mark.installed_engines
@pytest.mark.timeout(900)
def test_a_chat_moves_to_transformers_and_back(qtbot, edgewise_home, starter_model, monkeypatch) -> None:
    from tests.engines.environments import installed
    from tests.engines.safetensors_model import safetensors_of, transformers_python

    environment = installed("transformers")
    folder = safetensors_of(starter_model, transformers_python())
    target = edgewise_home / "models" / "SmolLM2-135M-Instruct"
    target.mkdir()
    for file in folder.iterdir():
        os.link(file, target / file.name)
    monkeypatch.setattr(EngineParts, "adapters", lambda _: (LlamaCpp(), Transformers(environment)))
    monkeypatch.setattr(EngineParts, "is_installed", lambda *_: True)
    monkeypatch.setattr(EngineParts, "gpus", lambda *_: ())
    change_settings(params=short(), model=f"{Path(starter_model).stem}")
    app = App(qtbot)
    qtbot.addWidget(app.window)
    app.wait_ready()
    ask(app, "Hello")
    told = move(app, "Transformers · bf16")
    assert "The chat template is the same" in told
    assert "closer to those of the original" in told
    second = ask(app, "And again")
    assert (second.engine, second.model) == ("transformers", "SmolLM2-135M-Instruct")
    told = move(app, "llama.cpp · Q4_1")
    assert "further from those of the original" in told
    third = ask(app, "Once more")
    assert third.engine == "llama_cpp"
    assert [it.engine for it in app.stored() if it.engine] == ["llama_cpp", "transformers", "llama_cpp"]
    app.close()
