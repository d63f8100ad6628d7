"""A chat as code: the targets, the code with its notes, and how it is taken along."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.advisor.export import Chat, Model, Target
from app.advisor.export import Move as Migrating
from app.domain.generation import ChatMessage, Role
from app.ui.code_dialog import CodeDialog, show_migration

ASKED = Chat(
    Model("SmolLM2 135M Instruct", repository="HuggingFaceTB/SmolLM2-135M-Instruct"),
    [ChatMessage(Role.USER, 'Say """hello"""')],
    "Be short.",
)


@pytest.fixture
def dialog(qtbot) -> CodeDialog:
    made = CodeDialog("Lighthouse story")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def labels(dialog: CodeDialog) -> list[str]:
    return [dialog.targets.item(row).text() for row in range(dialog.targets.count())]


def test_every_target_is_offered_with_code_that_compiles(dialog) -> None:
    assert not dialog.copy.isEnabled()
    dialog.set_thing(ASKED)
    assert labels(dialog) == [target.label for target in Target]
    for row, target in enumerate(Target):
        dialog.targets.setCurrentRow(row)
        text = dialog.text.toPlainText()
        assert "hello" in text
        if target is not Target.CURL:
            compile(text, "exported", "exec")
            assert dialog.needs.startswith("Needs ")
        assert dialog.text.accessibleName() == f"Code for {target.label}"


def test_the_code_is_coloured(dialog, qtbot) -> None:
    dialog.set_thing(ASKED, Target.TRANSFORMERS)
    document = dialog.text.document()

    def coloured() -> bool:
        block = document.begin()
        while block.isValid():
            if block.layout().formats():
                return True
            block = block.next()
        return False

    qtbot.waitUntil(coloured, timeout=30_000)


def test_copy_and_save(dialog, qtbot, tmp_path, monkeypatch) -> None:
    dialog.set_thing(ASKED, Target.VLLM)
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == dialog.text.toPlainText()
    target = tmp_path / "Häuschen 家.py"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    dialog.save.click()
    assert target.read_text("utf-8") == dialog.text.toPlainText()
    assert dialog.state.startswith("Saved as")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "a.py"), ""))
    dialog.save.click()
    assert "cannot be written" in dialog.state


def test_a_chat_without_a_question_says_so(dialog) -> None:
    dialog.set_thing(Chat(ASKED.model, []))
    assert "no question" in dialog.state
    assert not dialog.copy.isEnabled()


def test_in_a_narrow_dialog_the_targets_are_a_field(dialog, qtbot) -> None:
    dialog.set_thing(ASKED)
    assert dialog.targets.isVisible()
    assert dialog.field.isHidden()
    dialog.resize(430, 400)
    qtbot.waitUntil(dialog.field.isVisible)
    assert dialog.targets.isHidden()
    dialog.field.setCurrentIndex(1)
    assert dialog.text.accessibleName() == "Code for vLLM"
    assert dialog.targets.currentRow() == 1


def test_a_failure_is_said(dialog) -> None:
    dialog.set_problem("The model is gone.")
    assert dialog.state == "The model is gone."


@pytest.mark.parametrize("move", list(Migrating))
def test_a_migration_shows_before_and_after(qtbot, move) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    dialog = show_migration(move, window)
    assert labels(dialog) == ["Before", "After"]
    assert dialog.targets.currentRow() == 1
    after = dialog.text.toPlainText()
    assert dialog.notes
    dialog.targets.setCurrentRow(0)
    assert dialog.text.toPlainText() not in ("", after)
    dialog.close()
