"""The window: its pages, its shortcuts, its sizes; and the chat page as far as no model is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QStackedWidget

from app.advisor.ladder import Goal
from app.domain.conversation import Message
from app.domain.engine import EngineState
from app.domain.errors import DiskFull
from app.services.chat_session import OpenConversation
from app.services.engine_choice import ModelChoice
from app.storage.settings import load_settings
from tests.gui.app_driver import App, change_settings, one, write_conversation

Opener = Callable[[], App]


@pytest.fixture
def open_app(qtbot, empty_home) -> Iterator[Opener]:
    """Opens the app on a folder without a model; may be called again after closing."""
    opened: list[App] = []

    def open_one() -> App:
        opened.append(App(qtbot))
        qtbot.addWidget(opened[-1].window)
        return opened[-1]

    yield open_one
    for app in opened:
        app.close()


@pytest.fixture
def app(open_app: Opener) -> App:
    write_conversation("Boat names", "Name a boat.", "Seagull.")
    write_conversation("Lighthouse story", "Tell me about lighthouses.", "They shine.")
    return open_app()


def page(app: App) -> object:
    return one(app.window, QStackedWidget).currentWidget()


def pretend_model(app: App) -> None:
    """What is sent without any model stays in the field; these tests want it sent."""
    app.wait(lambda: not app.chat.empty.first_run.isHidden())  # it is known that there is none
    app.chat.set_models([ModelChoice("gone", "llama_cpp", "llama.cpp", is_best=True)])


def full_disk(*args: object, **kwargs: object) -> Future[Message]:
    failed: Future[Message] = Future()
    failed.set_exception(DiskFull("The disk is full. Free some space and try again."))
    return failed


# The window itself


def test_first_and_smallest_size(app) -> None:
    assert (app.window.width(), app.window.height()) == (1200, 800)
    assert (app.window.minimumWidth(), app.window.minimumHeight()) == (720, 480)


@pytest.mark.parametrize("panel", [False, True])
def test_everything_fits_into_the_smallest_window(app, qtbot, panel) -> None:
    if panel:
        app.click(app.button("System prompt and sampling"))
    app.window.resize(720, 480)
    qtbot.waitUntil(lambda: app.list.isHidden())
    least = app.window.centralWidget().minimumSizeHint
    qtbot.waitUntil(lambda: least().width() <= 720 and least().height() <= 480)
    assert app.field.width() >= 200


def test_navigation_by_mouse(app) -> None:
    assert page(app) is app.chat
    app.click(app.button("Settings"))
    assert page(app) is app.edgewise.window.settings_page
    app.click(app.button("Chat"))
    assert page(app) is app.chat
    assert app.field.hasFocus()


def test_navigation_by_keys(app) -> None:
    app.ctrl(Qt.Key.Key_Comma)
    assert page(app) is app.edgewise.window.settings_page
    assert app.button("Settings").isChecked()
    app.ctrl(Qt.Key.Key_1)
    assert page(app) is app.chat
    assert app.button("Chat").isChecked()
    assert app.field.hasFocus()


def test_the_rail_can_be_walked_with_arrows(app) -> None:
    app.button("Chat").setFocus()
    app.press(Qt.Key.Key_Down)
    assert page(app) is app.edgewise.window.models_page
    app.press(Qt.Key.Key_Down)
    assert page(app) is app.edgewise.window.engines_page
    app.press(Qt.Key.Key_Down)
    assert page(app) is app.edgewise.window.speed_test_page
    app.press(Qt.Key.Key_Down)
    assert page(app) is app.edgewise.window.advisor_page
    app.press(Qt.Key.Key_Down)
    assert page(app) is app.edgewise.window.settings_page
    app.press(Qt.Key.Key_Up)
    assert page(app) is app.edgewise.window.advisor_page
    assert app.button("Advisor").hasFocus()


def test_search_shortcut_from_any_page(app) -> None:
    app.ctrl(Qt.Key.Key_Comma)
    app.ctrl(Qt.Key.Key_F)
    assert page(app) is app.chat
    assert app.search().hasFocus()
    app.ctrl(Qt.Key.Key_L)
    assert app.field.hasFocus()


def test_new_chat_shortcut(app) -> None:
    app.ctrl(Qt.Key.Key_N)
    app.wait(lambda: "New chat" in app.titles())
    assert app.stored() == []
    assert app.field.hasFocus()


def test_an_empty_chat_is_used_again(app) -> None:
    app.ctrl(Qt.Key.Key_N)
    app.wait(lambda: "New chat" in app.titles())
    first = app.id()
    app.click(app.button("New chat"))
    assert app.field.hasFocus()
    app.edgewise.background._pool.waitForDone()
    app.choose("Boat names")
    assert app.titles().count("New chat") == 1
    assert first != app.id()


def test_the_quit_shortcut_closes_and_stores(app) -> None:
    with app.qtbot.waitSignal(app.edgewise.closed):
        app.ctrl(Qt.Key.Key_Q)
    assert not app.window.isVisible()


def test_the_list_folds_with_the_window_and_comes_back(app, qtbot) -> None:
    assert app.list.isVisible()
    app.window.resize(720, 480)
    qtbot.waitUntil(app.list.isHidden)
    app.window.resize(1100, 700)
    qtbot.waitUntil(app.list.isVisible)


def test_a_list_opened_in_a_small_window_is_no_preference(app, qtbot) -> None:
    app.window.resize(720, 480)
    qtbot.waitUntil(app.list.isHidden)
    app.ctrl(Qt.Key.Key_B)
    assert app.list.isVisible()
    app.ctrl(Qt.Key.Key_B)
    assert app.list.isHidden()
    assert app.edgewise.settings.sidebar_open


def test_in_a_small_window_list_and_panel_take_turns(app, qtbot) -> None:
    app.window.resize(720, 480)
    qtbot.waitUntil(app.list.isHidden)
    app.ctrl(Qt.Key.Key_B)
    app.click(app.button("System prompt and sampling"))
    assert (app.list.isVisible(), app.chat.panel.isVisible()) == (False, True)
    app.ctrl(Qt.Key.Key_B)
    assert (app.list.isVisible(), app.chat.panel.isVisible()) == (True, False)


def test_a_folded_list_stays_folded(app, open_app) -> None:
    app.ctrl(Qt.Key.Key_B)
    assert app.list.isHidden()
    app.close()
    assert not load_settings(app.paths.settings).sidebar_open
    assert open_app().list.isHidden()


def test_the_geometry_is_kept(app, open_app) -> None:
    app.window.resize(790, 560)
    app.close()
    again = open_app()
    assert (again.window.width(), again.window.height()) == (790, 560)


def test_the_goal_for_models_is_kept(app, open_app) -> None:
    app.edgewise.models.models.set_goal(Goal(32_768, 8.0))
    app.close()
    assert open_app().edgewise.models.models.goal == Goal(32_768, 8.0)


def test_a_geometry_that_makes_no_sense_is_ignored(open_app) -> None:
    change_settings(window_geometry="bm9uc2Vuc2U=")
    app = open_app()
    assert (app.window.width(), app.window.height()) == (1200, 800)


def test_coming_forward_ends_minimising(app, qtbot) -> None:
    app.window.showMinimized()
    qtbot.waitUntil(app.window.isMinimized)
    app.window.come_forward()
    qtbot.waitUntil(lambda: not app.window.isMinimized())
    assert app.window.isVisible()


def test_the_window_is_named_after_the_conversation(app) -> None:
    app.choose("Boat names")
    assert app.window.windowTitle() == "Boat names — Edgewise"
    app.ctrl(Qt.Key.Key_N)
    app.wait(lambda: app.window.windowTitle() == "Edgewise")


def test_a_very_long_title_pushes_nothing_away(open_app, qtbot) -> None:
    title = "A very long title about many things " * 20
    write_conversation(title, "Hello.", "Hello.")
    app = open_app()
    header = next(label for label in app.chat.findChildren(QLabel) if label.accessibleName() == title.strip())
    for width in (1200, 720):
        app.window.resize(width, 480)
        qtbot.waitUntil(lambda: header.text().endswith("…") and header.width() < app.chat.width())
        shown = header.fontMetrics().horizontalAdvance(header.text())
        assert shown <= header.width()
        right = app.chat.picker.mapTo(app.window, app.chat.picker.rect().topRight()).x()
        assert right < app.window.width()
        assert app.chat.picker.width() >= app.chat.picker.minimumSizeHint().width()


# The chat page without a model


def test_without_a_model_the_page_says_what_this_machine_can_do_and_offers_one_download(open_app) -> None:
    app = open_app()
    app.wait(lambda: bool(app.visible_texts("Download")))
    words = [label.text() for label in app.chat.empty.findChildren(QLabel) if label.isVisible()]
    assert words[0] == "There is no model yet"
    assert words[1].startswith("This machine has ")
    assert words[1].count(". ") == 1  # two sentences
    assert len(app.visible_texts("Download")) == 1
    assert app.button("See all models").isVisible()
    assert app.chat.picker.text() == "No model"
    # The page itself is about that: it needs no notice, unless a conversation is in its place.
    app.wait(lambda: app.edgewise.supervisor.status.state is EngineState.FAILED)
    assert app.chat.notice.isHidden()
    app.click(app.button("See all models"))
    assert page(app) is app.edgewise.window.models_page


def test_the_latest_conversation_opens_first(app) -> None:
    assert app.window.windowTitle().startswith("Lighthouse story")
    assert app.shown_messages() == ["Tell me about lighthouses.", "They shine."]


def test_walking_the_list_with_arrows_keeps_the_focus_and_enter_leaves_it(app) -> None:
    app.rows.setFocus()
    app.press(Qt.Key.Key_Down)
    app.wait(lambda: app.window.windowTitle().startswith("Boat names"))
    assert app.rows.hasFocus()
    app.press(Qt.Key.Key_Return)
    assert app.field.hasFocus()


def test_a_click_on_a_conversation_leads_to_its_message_field(app) -> None:
    app.choose("Boat names")
    assert app.field.hasFocus()


def test_rename_reaches_list_header_and_window(app) -> None:
    app.edgewise.session.rename(app.id(), "Towers by the sea")
    app.wait(lambda: app.window.windowTitle() == "Towers by the sea — Edgewise")
    assert app.titles() == ["Towers by the sea", "Boat names"]


def test_delete_and_undo(app) -> None:
    deleted = app.id()
    app.rows.setFocus()
    app.press(Qt.Key.Key_Delete)
    app.wait(lambda: app.titles() == ["Boat names"])
    app.wait(lambda: app.window.windowTitle().startswith("Boat names"))
    assert app.chat.notice.text == "“Lighthouse story” was deleted."
    app.click(app.notice_button("Undo"))
    app.wait(lambda: app.titles() == ["Lighthouse story", "Boat names"])
    app.wait(lambda: app.id() == deleted)
    assert app.shown_messages() == ["Tell me about lighthouses.", "They shine."]
    assert app.chat.notice.text.startswith("There is no model")


def test_deleting_the_only_and_empty_conversation_begins_another(open_app) -> None:
    app = open_app()
    deleted = app.id()
    app.rows.setFocus()
    app.press(Qt.Key.Key_Delete)
    app.wait(lambda: app.chat.conversation is not None and app.id() != deleted)
    app.wait(lambda: app.titles() == ["New chat"])


def test_each_conversation_has_its_own_draft(app) -> None:
    app.type("about light")
    app.choose("Boat names")
    assert app.chat.composer.text == ""
    app.type("about boats")
    app.choose("Lighthouse story")
    assert app.chat.composer.text == "about light"
    app.choose("Boat names")
    assert app.chat.composer.text == "about boats"


def test_drafts_survive_a_restart(app, open_app) -> None:
    app.type("half a thought, äöü 漢字")
    app.close()
    again = open_app()
    assert again.chat.composer.text == "half a thought, äöü 漢字"


def test_a_long_conversation_opens_with_its_end_and_gets_the_rest(open_app) -> None:
    write_conversation("Long", *(f"Text number {number}." for number in range(1, 141)))
    app = open_app()
    app.wait(lambda: app.shown_messages() and "Text number 140." in app.shown_messages()[-1])
    app.wait(lambda: len(app.transcript._model.messages) == 140)
    assert "Text number 140." in app.shown_messages()[-1]
    app.transcript.setFocus()
    app.press(Qt.Key.Key_Home)
    assert "Text number 1." in app.shown_messages()[0]


def test_what_comes_before_is_not_put_into_another_conversation(open_app) -> None:
    write_conversation("Other", "A question?", "An answer.")
    long = write_conversation("Long", *(f"Text number {number}." for number in range(1, 141)))
    app = open_app()
    app.wait(lambda: len(app.transcript._model.messages) == 140)
    earlier = app.edgewise.store.path(long)[:90]
    app.edgewise.session.earlier_read.emit(long, earlier)  # a second time
    assert len(app.transcript._model.messages) == 140
    app.choose("Other")
    app.wait(lambda: len(app.transcript._model.messages) == 2)
    app.edgewise.session.earlier_read.emit(long, earlier)
    assert len(app.transcript._model.messages) == 2


def test_a_late_answer_does_not_switch_back(app) -> None:
    app.choose("Boat names")
    store = app.edgewise.store
    lighthouse = next(s.id for s in store.summaries() if s.title == "Lighthouse story")
    late = OpenConversation(store.get(lighthouse), store.path(lighthouse))
    app.edgewise.session.opened.emit(late)
    app.edgewise.session.path_changed.emit(late)
    assert app.window.windowTitle().startswith("Boat names")


def test_what_cannot_be_stored_comes_back_to_the_field(app, monkeypatch) -> None:
    pretend_model(app)
    monkeypatch.setattr(app.edgewise.store, "append", full_disk)
    app.type("Do not lose me.")
    app.press(Qt.Key.Key_Return)
    app.wait(lambda: "disk is full" in app.chat.notice.text)
    assert app.chat.composer.text == "Do not lose me."
    assert app.button("Send").isEnabled()


def test_a_reply_that_cannot_begin_frees_the_field(app, monkeypatch) -> None:
    pretend_model(app)
    real = app.edgewise.store.append

    def only_questions(conversation_id, role, *args, **kwargs):
        if role == "user":
            return real(conversation_id, role, *args, **kwargs)
        return full_disk()

    monkeypatch.setattr(app.edgewise.store, "append", only_questions)
    app.send("Is anyone there?")
    app.wait(lambda: "disk is full" in app.chat.notice.text)
    assert app.chat.composer.text == ""
    app.type("Again")
    assert app.button("Send").isEnabled()


def test_a_second_enter_waits_for_the_first_message(app) -> None:
    pretend_model(app)
    app.type("one")
    app.press(Qt.Key.Key_Return)
    app.type("two")
    app.press(Qt.Key.Key_Return)
    assert app.chat.composer.text == "two"
    app.wait(lambda: len(app.stored()) > 2)
    app.wait_reply_ends()
    assert [m.text for m in app.stored() if m.role == "user"] == ["Tell me about lighthouses.", "one"]


def test_a_message_whose_model_went_away_is_kept_and_told_why(app) -> None:
    pretend_model(app)
    app.send("Is anyone there?")
    ended = app.wait_reply_ends()
    assert ended.error is not None
    assert "no model" in ended.error
    assert app.stored()[-2].text == "Is anyone there?"


def test_the_database_that_was_set_aside_is_told_even_without_a_model(open_app, empty_home) -> None:
    write_conversation("Old", "x", "y")
    database = empty_home / "edgewise.db"
    database.write_bytes(b"this is no database" * 1000)
    app = open_app()
    app.wait(lambda: app.edgewise.supervisor.status.state is EngineState.FAILED)
    assert "was damaged" in app.chat.notice.text
    kept = [path for path in empty_home.iterdir() if "damaged" in path.name]
    assert len(kept) == 1
    assert kept[0].name in app.chat.notice.text
    assert kept[0].read_bytes() == b"this is no database" * 1000


def test_a_suggestion_goes_into_the_field(open_app) -> None:
    app = open_app()
    app.chat.empty.set_has_model(True)
    suggestion = "Suggest three names for a small sailing boat."
    app.window.resize(720, 480)
    app.click(app.button("System prompt and sampling"))
    button = app.button(suggestion)
    assert isinstance(button, QPushButton)
    app.wait(lambda: button.text().endswith("…"))
    app.click(button)
    assert app.chat.composer.text == suggestion
    assert app.field.hasFocus()


def test_the_focus_does_not_stay_in_what_is_folded_away(app, qtbot) -> None:
    app.ctrl(Qt.Key.Key_F)
    assert app.search().hasFocus()
    app.ctrl(Qt.Key.Key_B)
    assert app.field.hasFocus()
    app.ctrl(Qt.Key.Key_F)
    app.window.resize(720, 480)
    qtbot.waitUntil(app.list.isHidden)
    assert app.field.hasFocus()
    app.click(app.button("System prompt and sampling"))
    one(app.chat.panel, QPlainTextEdit).setFocus()
    app.click(app.button("System prompt and sampling"))
    assert app.field.hasFocus()


def test_copying_a_message(app) -> None:
    app.click(app.reply_widget().footer.copy_button)
    assert QGuiApplication.clipboard().text() == "They shine."
