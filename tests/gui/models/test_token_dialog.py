"""The hub's token: hidden while it is typed, given away once, and nothing opened by itself."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit

from app.ui.models.token_dialog import TOKENS_PAGE, TokenDialog

TOKEN = "hf_" + "x" * 34


def made(qtbot, **more) -> TokenDialog:
    dialog = TokenDialog(**{"has_token": False, **more})
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    dialog.activateWindow()
    return dialog


@pytest.fixture
def dialog(qtbot) -> TokenDialog:
    return made(qtbot)


def field(dialog: TokenDialog) -> Any:
    return next(line for line in dialog.findChildren(QLineEdit) if line.accessibleName() == "Token")


def buttons(dialog: TokenDialog) -> dict[str, QAbstractButton]:
    return {b.text().replace("&", ""): b for b in dialog.findChildren(QAbstractButton) if b.isVisible()}


def texts(dialog: TokenDialog) -> str:
    return " ".join(label.text() for label in dialog.findChildren(QLabel) if label.isVisible())


def test_the_cursor_waits_in_the_field(dialog) -> None:
    assert field(dialog).hasFocus()
    assert "keyring and nowhere else" in texts(dialog)
    assert "Without a keyring it is forgotten" in texts(dialog)


def test_letters_are_shown_only_on_asking(dialog, qtbot) -> None:
    assert field(dialog).echoMode() is QLineEdit.EchoMode.Password
    buttons(dialog)["Show it"].click()
    assert field(dialog).echoMode() is QLineEdit.EchoMode.Normal
    buttons(dialog)["Show it"].click()
    assert field(dialog).echoMode() is QLineEdit.EchoMode.Password


def test_a_token_is_given_and_the_dialog_waits_for_the_keyring(dialog, qtbot) -> None:
    assert not buttons(dialog)["Keep token"].isEnabled()
    field(dialog).setText(f"  {TOKEN} ")
    with qtbot.waitSignal(dialog.token_given) as told:
        qtbot.keyClick(field(dialog), Qt.Key.Key_Return)
    assert told.args == [TOKEN]
    assert dialog.isVisible()
    assert not buttons(dialog)["Keep token"].isEnabled()
    dialog.settle()
    assert not dialog.isVisible()
    assert field(dialog).text() == ""


def test_a_problem_is_said_and_the_token_is_not_lost(dialog, qtbot) -> None:
    field(dialog).setText(TOKEN)
    buttons(dialog)["Keep token"].click()
    dialog.settle("The keyring is locked. Unlock it and try again.")
    assert "The keyring is locked." in texts(dialog)
    assert field(dialog).text() == TOKEN
    assert field(dialog).hasFocus()
    with qtbot.waitSignal(dialog.token_given):
        buttons(dialog)["Keep token"].click()


@pytest.mark.parametrize("text", ["two words", "hf_é", "hf_x\x7f"])
def test_what_cannot_be_a_token_is_said_at_once(dialog, text) -> None:
    field(dialog).setText(text)
    assert not buttons(dialog)["Keep token"].isEnabled()
    assert "only plain letters" in texts(dialog)
    field(dialog).setText(TOKEN)
    assert buttons(dialog)["Keep token"].isEnabled()
    assert "only plain letters" not in texts(dialog)


def test_escape_gives_nothing_away(dialog, qtbot) -> None:
    field(dialog).setText(TOKEN)
    with qtbot.assertNotEmitted(dialog.token_given):
        qtbot.keyClick(field(dialog), Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_only_a_kept_token_can_be_forgotten(dialog, qtbot) -> None:
    assert "Forget token" not in buttons(dialog)
    other = made(qtbot, has_token=True)
    with qtbot.waitSignal(other.forget_requested):
        buttons(other)["Forget token"].click()
    other.settle("The keyring is locked.")
    assert buttons(other)["Forget token"].isEnabled()


def test_it_says_for_which_repository(qtbot) -> None:
    assert "google/gemma is gated" in texts(made(qtbot, repository="google/gemma"))
    again = texts(made(qtbot, repository="google/gemma", has_token=True))
    assert "google/gemma is not open to the account" in again
    refused = texts(made(qtbot, repository="google/gemma", has_token=True, refused=True))
    assert "does not accept the token that is kept" in refused
    assert "not open to the account" not in refused


def test_the_page_opens_on_a_click_alone(dialog, qtbot, monkeypatch) -> None:
    visited: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: visited.append(url.toString()))
    address = next(line for line in dialog.findChildren(QLineEdit) if line.text() == TOKENS_PAGE)
    assert address.isReadOnly()
    assert visited == []
    buttons(dialog)["Open in browser"].click()
    assert visited == [TOKENS_PAGE]


def test_tab_goes_as_one_reads(dialog, qtbot) -> None:
    field(dialog).setText(TOKEN)
    found = buttons(dialog)
    address = next(line for line in dialog.findChildren(QLineEdit) if line.text() == TOKENS_PAGE)
    order = [address, found["Open in browser"], field(dialog), found["Show it"], found["Keep token"]]
    address.setFocus()
    for widget in order[1:]:
        qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
        assert widget.hasFocus()
