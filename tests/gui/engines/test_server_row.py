"""An attached server's row: what it is, where it is, and what leaves this machine."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from app.ui.engines.server_row import REMOTE, ServerRow, models_words
from tests.gui.engines import cards
from tests.gui.engines.looking import button, buttons, texts


@pytest.fixture
def make(qtbot):
    def maker(card) -> ServerRow:
        row = ServerRow(card)
        qtbot.addWidget(row)
        row.resize(900, 100)
        row.show()
        qtbot.waitExposed(row)
        return row

    return maker


def test_what_leaves_this_machine_is_marked(make) -> None:
    assert REMOTE in texts(make(cards.remote))
    assert REMOTE not in texts(make(cards.local))
    assert any("not encrypted" in text for text in texts(make(cards.in_clear)))
    assert not any("not encrypted" in text for text in texts(make(cards.remote)))


def test_what_it_is_and_has(make) -> None:
    row = make(cards.remote)
    assert "vLLM 0.33 · org/big (128k), org/other, m and 2 more" in texts(row)
    assert "https://gpu.example.org/v1" in texts(row)
    assert row.accessibleName().startswith("GPU box, leaves this machine: vLLM 0.33, org/big (128k)")


def test_one_that_was_never_asked_says_nothing_of_models(make) -> None:
    assert not any("models" in text for text in texts(make(cards.in_clear)))
    assert models_words(cards.in_clear.server.facts) == "no models"


def test_one_that_is_not_reached(make, qtbot) -> None:
    row = make(cards.unreached)
    assert {"Not reached", "Lab does not answer."} <= set(texts(row))
    with qtbot.waitSignal(row.log_requested) as told:
        qtbot.mouseClick(button(row, "Show log: Lab"), Qt.MouseButton.LeftButton)
    assert told.args == ["attached:3"]
    row.set_card(cards.in_clear)
    assert buttons(row) == ["Detach"]


@pytest.mark.parametrize(
    ("words", "signal"), [("Detach", "detach_requested"), ("Look again", "look_requested")]
)
def test_what_can_be_done(make, qtbot, words, signal) -> None:
    row = make(cards.remote)
    with qtbot.waitSignal(getattr(row, signal)) as told:
        qtbot.mouseClick(button(row, f"{words}: GPU box"), Qt.MouseButton.LeftButton)
    assert told.args == ["attached:1"]


def test_offline_only_other_machines_are_left_alone(make) -> None:
    remote, local = make(cards.remote), make(cards.local)
    for row in (remote, local):
        row.set_offline(True)
    assert "Not asked" in texts(remote)
    assert not button(remote, "Look again: GPU box").isEnabled()
    assert "Attached" in texts(local)
    assert button(local, "Look again: LM Studio here").isEnabled()
