"""The title over the open conversation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gui.app_driver import App, short, write_conversation


@pytest.fixture
def app(qtbot, edgewise_home) -> Iterator[App]:
    write_conversation("Lighthouse story", "Tell me about lighthouses.", "They shine.", params=short())
    opened = App(qtbot)
    qtbot.addWidget(opened.window)
    yield opened
    opened.close()


def test_a_reply_that_is_made_again_leaves_the_title_as_it_is(app, qtbot) -> None:
    app.edgewise.session.rename(app.id(), "Towers by the sea")
    app.wait(lambda: app.window.windowTitle().startswith("Towers by the sea"))
    said: list[str] = []
    app.chat.title_changed.connect(said.append)
    reply = app.stored()[-1].id
    with qtbot.waitSignal(app.edgewise.session.path_changed):
        app.transcript.regenerate_requested.emit(reply)
    app.wait_reply_ends()
    assert set(said) == {"Towers by the sea"}
