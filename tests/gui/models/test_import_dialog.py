from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtWidgets import QMessageBox, QWidget

from app.ui.models.import_dialog import ask_how, model_paths


@pytest.fixture
def window(qtbot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_model_files_and_folders_are_taken_and_nothing_else() -> None:
    data = QMimeData()
    data.setUrls(
        [
            QUrl.fromLocalFile("/a/Model ü 漢.GGUF"),
            QUrl.fromLocalFile("/a/folder"),
            QUrl.fromLocalFile("/a/Qwen3-0.6B"),
            QUrl.fromLocalFile("/a/Llama-3.2-1B-Instruct/"),
            QUrl.fromLocalFile("/a/notes.txt"),
            QUrl.fromLocalFile("/a/model.safetensors"),
            QUrl("https://example.org/x.gguf"),
        ]
    )
    assert model_paths(data) == [
        Path("/a/Model ü 漢.GGUF"),
        Path("/a/folder"),
        Path("/a/Qwen3-0.6B"),
        Path("/a/Llama-3.2-1B-Instruct"),
    ]
    assert model_paths(QMimeData()) == []


@pytest.mark.parametrize(("label", "answers"), [("Copy", [True]), ("Use in place", [False]), ("Cancel", [])])
def test_three_answers(window, label, answers) -> None:
    given: list[bool] = []
    box = ask_how(window, [Path("/a/x.gguf")], given.append)
    assert "“x.gguf”" in box.text()
    next(button for button in box.buttons() if button.text().replace("&", "") == label).click()
    assert given == answers


def test_escape_takes_nothing(window, qtbot) -> None:
    given: list[bool] = []
    box = ask_how(window, [Path("/a/x.gguf")], given.append)
    box.reject()
    assert given == []


def test_a_name_full_of_tricks_is_shown_as_plain_text(window) -> None:
    box = ask_how(window, [Path("/a/<b>\u202e\n" + "x" * 300 + ".gguf")], lambda _: None)
    assert isinstance(box, QMessageBox)
    assert "\u202e" not in box.text()
    assert len(box.text()) < 200
    assert "2 models" in ask_how(window, [Path("/a"), Path("/b")], lambda _: None).text()
