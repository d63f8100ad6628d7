"""A model that a person opens with Edgewise: from the double click to the chat."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox, QStackedWidget

from app.domain.engine import EngineState
from app.ui.main_window import MODELS
from tests.gui.app_driver import App, one


@pytest.fixture
def app(qtbot, edgewise_home) -> Iterator[App]:
    opened = App(qtbot)
    qtbot.addWidget(opened.window)
    yield opened
    opened.close()


@pytest.fixture
def model(tmp_path: Path, starter_model: Path) -> Path:
    """A model somewhere in a person's folders."""
    path = tmp_path / "Téléchargements 家" / "Other-Q4_1.gguf"
    path.parent.mkdir()
    shutil.copyfile(starter_model, path)
    return path


def page(app: App) -> object:
    return one(app.window, QStackedWidget).currentWidget()


def question(app: App) -> QMessageBox:
    app.wait(lambda: bool(boxes(app)))
    return boxes(app)[0]


def boxes(app: App) -> list[QMessageBox]:
    return [box for box in app.window.findChildren(QMessageBox) if box.isVisible()]


def answer(app: App, name: str) -> None:
    box = question(app)
    app.click(next(button for button in box.buttons() if button.text() == name))


def test_a_new_model_used_where_it_lies_is_chatted_with(app, model) -> None:
    app.window.show_page(MODELS)
    app.edgewise.open_files([model])
    answer(app, "Use in place")
    app.wait(lambda: page(app) is app.chat and app.edgewise.settings.model == "Other-Q4_1")
    app.wait(lambda: app.edgewise.supervisor.status.state is EngineState.READY)
    assert app.edgewise.supervisor.status.model == "Other-Q4_1"
    app.window.show_page(MODELS)
    app.edgewise.open_files([model])  # known by now
    app.wait(lambda: page(app) is app.chat)
    assert boxes(app) == []


def test_a_copy_is_offered_when_it_is_made(app, model) -> None:
    app.edgewise.open_files([model])
    answer(app, "Copy")
    assert app.window.models_page is not None
    app.wait(lambda: app.window.models_page.notice.text == "Other-Q4_1 is in the library.")
    assert page(app) is app.window.models_page
    assert (app.paths.models / model.name).exists()


def test_a_broken_file_has_its_sentence_and_no_question(app, model) -> None:
    model.write_bytes(b"GGUF")
    app.edgewise.open_files([model])
    app.wait(lambda: page(app) is app.window.models_page)
    assert app.window.models_page.notice.text.startswith("Other-Q4_1 was not imported:")
    assert boxes(app) == []


def test_of_several_broken_ones_all_are_told(app, tmp_path) -> None:
    app.edgewise.open_files([tmp_path / f"{n}.gguf" for n in range(3)])
    app.wait(lambda: page(app) is app.window.models_page)
    notice = app.window.models_page.notice
    assert notice.text == "There is no file 0.gguf. 2 more could not be opened, either."


def test_files_of_the_command_line_wait_for_the_conversation(qtbot, edgewise_home, starter_model) -> None:
    opened = App.__new__(App)
    first: list[object] = []
    from app.ui.application import Edgewise

    original = Edgewise.open

    def open_with_files(edgewise: Edgewise) -> None:
        original(edgewise)
        assert edgewise.chat.conversation is None
        edgewise.open_files([edgewise_home / "models" / starter_model.name])
        edgewise.opening.chat_requested.connect(first.append)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Edgewise, "open", open_with_files)
        opened.__init__(qtbot)  # type: ignore[misc]
    qtbot.addWidget(opened.window)
    opened.wait(lambda: first == [starter_model.stem])
    opened.close()


DESKTOP = """
import sys
from PySide6.QtCore import QEvent, QUrl
from PySide6.QtGui import QFileOpenEvent
from app.ui.desktop_application import DesktopApplication, ICON

app = DesktopApplication(sys.argv[:1])
assert not app.windowIcon().pixmap(32, 32).isNull(), ICON
assert app.desktopFileName() == "edgewise"
app.files_opened.connect(print)
assert app.sendEvent(app, QFileOpenEvent(QUrl.fromLocalFile(sys.argv[1])))
assert app.sendEvent(app, QFileOpenEvent(QUrl("https://example.org/a.gguf")))
"""


def test_what_macos_hands_over_and_the_icon(tmp_path) -> None:
    path = tmp_path / "Zoë 家.gguf"
    done = subprocess.run(
        [sys.executable, "-c", DESKTOP, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == (str([path]), "")
