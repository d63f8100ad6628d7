"""The engines page in the real app: the real llama-server, and a server that somebody else runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QSpinBox

from app.domain.generation import SamplingParams
from app.services.engine_card import Standing
from app.ui.engines.attach_dialog import AttachDialog
from app.ui.engines.engine_row import EngineRow
from app.ui.engines.install_dialog import InstallDialog
from app.ui.engines.page import EnginesPage
from app.ui.log_dialog import LogDialog
from tests.gui.app_driver import App, change_settings, one
from tests.gui.engines.looking import button, texts
from tests.unit.services.test_attached_servers import KEY, Server


@pytest.fixture
def app(qtbot, edgewise_home) -> Iterator[App]:
    change_settings(params=SamplingParams(max_tokens=60))
    made = App(qtbot)
    qtbot.addWidget(made.window)
    yield made
    made.close()


def engines_page(app: App) -> EnginesPage:
    app.ctrl(Qt.Key.Key_3)
    page = app.edgewise.window.engines_page
    assert page is not None
    app.wait(lambda: len(page.view.rows) == 7)
    app.wait(lambda: all(row.card.standing is not Standing.LOOKING for row in page.view.rows.values()))
    return page


def llama(app: App) -> EngineRow:
    row = engines_page(app).view.rows["llama_cpp"]
    app.wait(lambda: row.card.standing is Standing.READY)  # the chat has loaded its model
    return row


def test_stopped_started_and_watched(app) -> None:
    row = llama(app)
    app.wait(lambda: (row.card.status.memory or 0) > 100_000_000)
    app.click(button(row, "Stop"))
    app.wait(lambda: row.card.standing is Standing.STOPPED)
    app.click(button(row, "Start"))
    app.wait(lambda: row.card.standing is Standing.READY)
    assert "8,192 tokens" in " ".join(texts(row))
    app.edgewise.engine_room.engines.read_log("llama_cpp")
    app.wait(lambda: len(app.window.findChildren(LogDialog)) == 1)
    one(app.window, LogDialog).reject()


def test_busy_while_a_reply_is_made(app) -> None:
    seen: list[Standing] = []
    row = llama(app)
    app.ctrl(Qt.Key.Key_1)
    app.edgewise.engine_room.engines.changed.connect(
        lambda: seen.extend(card.standing for card in app.edgewise.engine_room.engines.cards)
    )
    app.send("Tell me a long story about the sea.")
    app.wait(lambda: Standing.BUSY in seen)
    app.wait(lambda: row.card.standing is Standing.READY)


def test_options_hold_for_the_next_start_and_the_next_run(app, qtbot) -> None:
    row = llama(app)
    row.open()
    row.details.show_options()
    fields = {field.accessibleName(): field for field in row.findChildren(QSpinBox)}
    context = fields["Context length"]
    app.wait(lambda: context.text().startswith("automatic: 8,192"))
    context.setFocus()
    context.selectAll()
    qtbot.keyClicks(context, "2048")
    qtbot.keyClick(context, Qt.Key.Key_Return)
    app.wait(lambda: app.edgewise.settings.loading["llama_cpp"].context_length == 2048)
    app.click(button(row, "Stop"))
    app.wait(lambda: row.card.standing is Standing.STOPPED)
    app.click(button(row, "Start"))
    app.wait(lambda: row.card.status.context_length == 2048)


def test_what_installing_takes_is_told_before(app) -> None:
    page = engines_page(app)
    row = page.view.rows["transformers"]
    app.click(row._first)
    dialog = one(app.window, InstallDialog)
    assert dialog.isVisible()
    assert any(text.startswith("about ") for text in texts(dialog))
    dialog.reject()
    assert row.card.standing is Standing.ABSENT


def test_a_server_is_attached_offered_to_chats_and_detached(app, qtbot) -> None:
    page = engines_page(app)
    with Server() as server:
        app.click(page.view.attach)
        dialog = one(app.window, AttachDialog)
        fields = {field.accessibleName(): field for field in dialog.findChildren(QLineEdit)}
        fields["Address"].setText(f"127.0.0.1:{server.port}")
        fields["Key"].setText("wrong")
        app.click(button(dialog, "Look"))
        app.wait(lambda: any("key" in text for text in texts(dialog) if text.endswith(".")))
        fields["Key"].setText(KEY)
        app.click(button(dialog, "Look"))
        app.wait(lambda: button(dialog, "Attach").isEnabled())
        fields["Name"].setText("Office")
        app.click(button(dialog, "Attach"))
        app.wait(lambda: len(page.view.servers) == 1)
        app.wait(lambda: app.window.findChild(AttachDialog) is None)
        app.wait(lambda: "Office" in str([it.engine for it in app.chat.picker._choices]))
        row = next(iter(page.view.servers.values()))
        app.click(button(row, "Detach"))
        app.click(button(page.question, "Detach"))
        app.wait(lambda: page.view.servers == {})
        app.wait(lambda: "Office" not in str([it.engine for it in app.chat.picker._choices]))


def test_offline_the_page_says_so(qtbot, edgewise_home) -> None:
    change_settings(offline=True)
    app = App(qtbot)
    qtbot.addWidget(app.window)
    page = engines_page(app)
    row = page.view.rows["transformers"]
    assert any(text.startswith("Offline mode is on") for text in texts(row))
    app.click(row._first)
    dialog = one(app.window, InstallDialog)
    assert button(dialog, "From a folder…").isEnabled()
    assert not dialog._install.isEnabled()
    dialog.reject()
    app.close()
