"""Attaching a server: looked at first, and told what leaves this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit

from app.domain.attached import ServerFacts, ServerKind
from app.domain.errors import EdgewiseError
from app.ui.engines.attach_dialog import AttachDialog
from tests.gui.engines import cards
from tests.gui.engines.looking import button, texts


@pytest.fixture
def dialog(qtbot) -> AttachDialog:
    made = AttachDialog()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def field(dialog: AttachDialog, name: str) -> QLineEdit:
    return {each.accessibleName(): each for each in dialog.findChildren(QLineEdit)}[name]


def looked(dialog: AttachDialog, address: str = "https://gpu.example.org/v1") -> None:
    field(dialog, "Address").setText(address)
    button(dialog, "Look").click()
    dialog.show_facts(cards.FACTS)


def test_nothing_can_be_done_without_an_address(dialog) -> None:
    assert not button(dialog, "Look").isEnabled()
    assert not button(dialog, "Attach").isEnabled()


def test_looked_at_with_all_that_was_typed(dialog, qtbot) -> None:
    field(dialog, "Address").setText(" localhost:8000 ")
    field(dialog, "Key").setText("secret ")
    field(dialog, "Certificates").setText("/ca.pem")
    with qtbot.waitSignal(dialog.look_requested) as told:
        qtbot.keyClick(field(dialog, "Address"), Qt.Key.Key_Return)
    assert told.args == ["localhost:8000", "secret", Path("/ca.pem")]
    assert not button(dialog, "Look").isEnabled()  # it is being asked


def test_the_key_is_hidden_until_it_is_to_be_seen(dialog) -> None:
    key = field(dialog, "Key")
    assert key.echoMode() is QLineEdit.EchoMode.Password
    button(dialog, "Show it").click()
    assert key.echoMode() is QLineEdit.EchoMode.Normal


def test_what_it_is_and_a_name_for_it(dialog, qtbot) -> None:
    looked(dialog)
    assert "vLLM 0.33 answers" in texts(dialog)
    assert field(dialog, "Name").text() == "vLLM on gpu.example.org"
    with qtbot.waitSignal(dialog.attach_requested) as told:
        button(dialog, "Attach").click()
    assert told.args == ["vLLM on gpu.example.org"]
    dialog.settle()
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert field(dialog, "Key").text() == ""


def test_a_name_that_a_person_gave_stays(dialog) -> None:
    field(dialog, "Name").setText("Team")
    looked(dialog)
    assert field(dialog, "Name").text() == "Team"


@pytest.mark.parametrize("name", ["Address", "Key", "Certificates"])
def test_another_server_is_looked_at_anew(dialog, name) -> None:
    looked(dialog)
    field(dialog, name).insert("x")
    assert not button(dialog, "Attach").isEnabled()
    assert "vLLM 0.33 answers" not in texts(dialog)


def test_why_not(dialog) -> None:
    field(dialog, "Address").setText("https://gpu.example.org")
    button(dialog, "Look").click()
    dialog.show_error(EdgewiseError("It refuses the key."))
    assert "It refuses the key." in texts(dialog)
    assert button(dialog, "Look").isEnabled()
    assert not button(dialog, "Attach").isEnabled()
    looked(dialog)
    assert "It refuses the key." not in texts(dialog)
    button(dialog, "Attach").click()
    dialog.settle("The disk is full.")
    assert dialog.isVisible()
    assert button(dialog, "Attach").isEnabled()


def test_what_leaves_this_machine_is_told_while_typing(dialog) -> None:
    address = field(dialog, "Address")
    address.setText("http://10.0.0.5:8000")
    told = " ".join(texts(dialog))
    assert "is sent to 10.0.0.5." in told
    assert "not encrypted" in told
    address.setText("https://gpu.example.org")
    assert "not encrypted" not in " ".join(texts(dialog))
    address.setText("http://localhost:1234")
    assert "leaves this machine" not in " ".join(texts(dialog))


def test_one_without_models_says_so(dialog) -> None:
    field(dialog, "Address").setText("localhost:1")
    button(dialog, "Look").click()
    dialog.show_facts(ServerFacts(ServerKind.UNKNOWN, ()))
    assert "It has no models yet." in texts(dialog)
    assert field(dialog, "Name").text() == "localhost"


def test_offline_no_other_machine_can_be_asked(qtbot) -> None:
    dialog = AttachDialog(offline=True)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    field(dialog, "Address").setText("https://gpu.example.org")
    assert any(text.startswith("Offline mode is on") for text in texts(dialog))
    assert not button(dialog, "Look").isEnabled()
    field(dialog, "Address").setText("http://localhost:1234")
    assert button(dialog, "Look").isEnabled()
