"""The dialog that asks with which engine a conversation goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.domain.hub import Format
from app.domain.model import LocalModel
from app.services.moving import Move, Step
from app.ui import theme
from app.ui.chat.move_dialog import MoveDialog
from app.ui.chat.move_row import facts_of, title_of

PLAIN = LocalModel("SmolLM2-135M-Instruct", Path("/m/a"), 269_000_000, format=Format.SAFETENSORS)
READY = Move(
    "transformers", "Transformers", PLAIN.name, PLAIN, "bf16", 16.0, PLAIN.size, 8192,
    kept=("The chat template is the same.",), differences=("Replies differ.",),
)  # fmt: skip
ABSENT = Move(
    "vllm", "vLLM", PLAIN.name, PLAIN, "bf16", why_not="vLLM is not installed yet.", step=Step.INSTALL
)
MISSING = Move(
    "llama_cpp", "llama.cpp", "SmolLM2", why_not="It reads GGUF alone.", step=Step.CONVERT, source=PLAIN
)
NEVER = Move("sglang", "SGLang", "SmolLM2", why_not="It needs a GPU.")
SERVED = Move("attached:1", "Office", "smollm2", remote=True)


@pytest.fixture
def dialog(qtbot) -> MoveDialog:
    made = MoveDialog("SmolLM2 135M Instruct")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_it_waits_first(dialog) -> None:
    assert "Looking at the engines" in dialog.state
    assert not dialog.go.isEnabled()


def test_what_goes_along_and_what_does_not_is_said_before(dialog, qtbot) -> None:
    dialog.set_ways([READY, ABSENT])
    assert dialog.state == ""
    assert dialog.rows[0].isChecked()
    assert dialog.rows[0].hasFocus() or not dialog.isActiveWindow()
    assert dialog.told.split("\n") == [
        "What goes along", "The chat template is the same.", "What becomes different", "Replies differ.",
    ]  # fmt: skip
    assert "Replies differ." in dialog.rows[0].accessibleDescription()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.go.click()
    assert chosen.args == [READY]
    assert dialog.isHidden()


@pytest.mark.parametrize(
    ("way", "words"),
    [(ABSENT, "Install vLLM…"), (MISSING, "Convert to GGUF…"), (READY, "Continue with Transformers")],
)
def test_the_button_says_what_comes_next(dialog, way, words) -> None:
    dialog.set_ways([way])
    assert dialog.go.text() == words
    assert dialog.go.isEnabled()


def test_a_step_is_told_in_the_place_of_the_move(dialog, qtbot) -> None:
    dialog.set_ways([MISSING])
    with qtbot.waitSignal(dialog.step_requested) as asked, qtbot.assertNotEmitted(dialog.chosen):
        dialog.go.click()
    assert asked.args == [MISSING]


def test_what_cannot_be_done_says_why_and_no_more(dialog) -> None:
    dialog.set_ways([READY, NEVER])
    dialog.rows[1].click()
    assert dialog.told == "It needs a GPU."
    assert not dialog.go.isEnabled()


def test_the_arrows_choose(dialog, qtbot) -> None:
    dialog.set_ways([READY, ABSENT, NEVER])
    dialog.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is dialog.rows[0])
    QTest.keyClick(dialog.rows[0], Qt.Key.Key_Down)
    assert dialog.rows[1].isChecked()
    assert dialog.told.startswith("vLLM is not installed yet.")


def test_without_any_way_it_teaches_the_next_step(dialog) -> None:
    dialog.set_ways([])
    assert "The Models page" in dialog.state
    assert not dialog.go.isEnabled()


def test_a_failure_is_said(dialog) -> None:
    dialog.set_problem("The model is gone.")
    assert dialog.state == "The model is gone."


def test_rows_in_words() -> None:
    assert title_of(READY) == "Transformers · bf16"
    assert facts_of(READY) == "269 MB · 8,192 tokens of context · SmolLM2-135M-Instruct"
    assert title_of(SERVED) == "Office · smollm2 · remote"
    assert facts_of(ABSENT) == "not installed yet"
    assert facts_of(NEVER) == "cannot run it here"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_rows_fit_into_the_narrowest_dialog(dialog, qtbot, scheme, direction) -> None:
    theme.source().set_scheme(scheme)
    dialog.setLayoutDirection(direction)
    dialog.set_ways([READY, ABSENT, MISSING, NEVER, SERVED])
    dialog.resize(dialog.minimumSizeHint().width(), 420)
    qtbot.waitUntil(lambda: dialog.rows[0].width() <= dialog.width())
    assert dialog.go.mapTo(dialog, dialog.go.rect().bottomRight()).y() <= dialog.height()
    assert not dialog.rows[0].grab().isNull()
