"""The settings page: every change is kept at once and takes effect."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QPushButton,
    QWidget,
)

from app.domain.announcement import Installed
from app.domain.generation import SamplingParams
from app.domain.release import Release
from app.services.background import Background
from app.services.update_session import UpdateSession
from app.services.updates import Updates
from app.storage.paths import Paths
from app.storage.secrets import TokenPlace
from app.storage.settings import MAXIMUM_CONTEXT_LENGTH, MAXIMUM_THREADS, Settings, load_settings
from app.storage.update_record import UpdateRecord
from app.ui import theme
from app.ui.settings.page import SettingsPage
from tests.gui.app_driver import App
from tests.release_server import ANNOUNCEMENT, ReleaseServer, gives


class Kept:
    """Holds the settings as the app does."""

    def __init__(self) -> None:
        self.settings = Settings(system_prompt="Be brief.", params=SamplingParams(temperature=0.3), threads=3)
        self.changes = 0

    def keep(self, settings: Settings) -> None:
        self.settings = settings
        self.changes += 1


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with ReleaseServer() as server:
        yield server


@pytest.fixture
def home() -> str:
    """Where releases are announced: nowhere, as for a copy from source."""
    return ""


@pytest.fixture
def portable() -> bool:
    return False


@pytest.fixture
def page(qtbot, empty_home, kept, home, portable) -> Iterator[SettingsPage]:
    paths = replace(Paths.find(), portable=portable)
    background = Background()
    updates = UpdateSession(
        Updates(Release("0.1.0", home), lambda: kept.settings.offline),
        UpdateRecord(paths.updates),
        background,
        lambda: kept.settings,
    )
    widget = SettingsPage(lambda: kept.settings, paths, updates)
    widget.changed.connect(kept.keep)
    widget.changed.connect(lambda _: updates.settings_changed())
    qtbot.addWidget(widget)
    widget.resize(800, 900)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    yield widget
    updates.close()
    background.finish()


def field(page: SettingsPage, name: str) -> Any:
    """The field with this accessible name."""
    return next(widget for widget in page.findChildren(QWidget) if widget.accessibleName() == name)


def button(page: SettingsPage, name: str) -> QPushButton:
    return next(b for b in page.findChildren(QPushButton) if name in (b.text(), b.accessibleName()))


def test_it_shows_what_is_set_and_reports_nothing(page, kept) -> None:
    assert field(page, "Colours").currentText() == "As the system"
    assert field(page, "Context length").text() == "automatic"
    assert field(page, "Threads").value() == 3
    assert field(page, "System prompt").toPlainText() == "Be brief."
    assert field(page, "Temperature").value() == 0.3
    page.flush()
    assert kept.changes == 0


@pytest.mark.parametrize(("row", "value"), [(1, "light"), (2, "dark"), (0, "system")])
def test_colours(page, kept, qtbot, row, value) -> None:
    kept.settings = replace(kept.settings, theme="dark" if value != "dark" else "light")
    box = field(page, "Colours")
    box.setCurrentIndex(row)
    box.activated.emit(row)
    assert kept.settings.theme == value


def type_into(box: Any, text: str, qtbot) -> None:
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, text)


def test_context_and_threads_are_kept_with_enter(page, kept, qtbot) -> None:
    type_into(field(page, "Context length"), "4096", qtbot)
    qtbot.keyClick(field(page, "Context length"), Qt.Key.Key_Return)
    type_into(field(page, "Threads"), "2", qtbot)
    qtbot.keyClick(field(page, "Threads"), Qt.Key.Key_Tab)
    assert (kept.settings.context_length, kept.settings.threads) == (4096, 2)


def test_nothing_means_automatic(page, kept, qtbot) -> None:
    field(page, "Threads").setValue(0)
    qtbot.keyClick(field(page, "Threads"), Qt.Key.Key_Return)
    assert kept.settings.threads is None
    assert field(page, "Threads").text() == "automatic"


def test_the_ranges_are_those_of_the_store(page) -> None:
    assert field(page, "Context length").maximum() == MAXIMUM_CONTEXT_LENGTH
    assert field(page, "Threads").maximum() == MAXIMUM_THREADS


def test_a_number_being_typed_is_kept_on_closing(page, kept, qtbot) -> None:
    type_into(field(page, "Context length"), "2048", qtbot)
    page.flush()
    assert kept.settings.context_length == 2048


def test_what_new_conversations_begin_with(page, kept, qtbot) -> None:
    field(page, "System prompt").setPlainText("Speak like a sailor.")
    field(page, "Temperature").setValue(1.25)
    page.flush()
    assert kept.settings.system_prompt == "Speak like a sailor."
    assert kept.settings.params == SamplingParams(temperature=1.25)
    assert kept.settings.threads == 3


def test_the_folders_are_named_and_opened(page, empty_home, qtbot, monkeypatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    words = [label.text() for label in page.findChildren(QLabel)]
    assert f"Data folder\n{empty_home}" in words
    assert f"Model folder\n{empty_home / 'models'}" in words
    qtbot.mouseClick(button(page, "Open the model folder"), Qt.MouseButton.LeftButton)
    assert [Path(url.toLocalFile()) for url in opened] == [empty_home / "models"]


@pytest.mark.parametrize("portable", [True])
def test_a_portable_copy_says_what_goes_along(page) -> None:
    (hint,) = [
        label.text()
        for label in page.findChildren(QLabel)
        if label.text().startswith("This Edgewise is portable")
    ]
    assert hint.endswith("Tokens and keys are kept in the system’s keyring instead.")


def test_the_licences_of_what_is_carried_are_a_click_away(page, qtbot, monkeypatch, tmp_path) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    notices = button(page, "Licences of what Edgewise carries")
    qtbot.mouseClick(notices, Qt.MouseButton.LeftButton)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    qtbot.mouseClick(notices, Qt.MouseButton.LeftButton)
    file, folder = (Path(url.toLocalFile()) for url in opened)
    assert file.read_text(encoding="utf-8").startswith("#")
    assert folder == tmp_path / "licences"


def test_the_log_is_a_click_away(page, qtbot) -> None:
    with qtbot.waitSignal(page.log_requested):
        qtbot.mouseClick(button(page, "Show the engine's log"), Qt.MouseButton.LeftButton)


def test_scrolling_past_changes_nothing(page, kept, qtbot) -> None:
    field(page, "System prompt").setFocus()
    for name in ("Colours", "Context length", "Threads", "Temperature"):
        box = field(page, name)
        before = box.currentIndex() if isinstance(box, QComboBox) else box.value()
        turn = QWheelEvent(
            QPointF(5, 5),
            QPointF(box.mapToGlobal(QPoint(5, 5))),
            QPoint(0, 0),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(box, turn)
        assert (box.currentIndex() if isinstance(box, QComboBox) else box.value()) == before
    page.flush()
    assert kept.changes == 0


def test_in_the_app_a_change_takes_effect_and_is_on_the_disk(qtbot, empty_home) -> None:
    app = App(qtbot)
    qtbot.addWidget(app.window)
    app.ctrl(Qt.Key.Key_Comma)
    page = app.edgewise.window.settings_page
    assert page is not None
    box = field(page, "Colours")
    box.setCurrentIndex(2)
    box.activated.emit(2)
    assert theme.current().dark
    app.wait(lambda: load_settings(app.paths.settings).theme == "dark")
    field(page, "System prompt").setPlainText("Typed just now.")
    type_into(field(page, "Threads"), "2", qtbot)
    app.close()
    written = load_settings(app.paths.settings)
    assert (written.theme, written.system_prompt, written.threads) == ("dark", "Typed just now.", 2)
    assert written.window_geometry


def test_the_offline_switch_is_kept_at_once(page, kept, qtbot) -> None:
    box = next(b for b in page.findChildren(QCheckBox) if b.text().startswith("Work offline"))
    assert not box.isChecked()
    box.click()
    assert kept.settings.offline
    box.click()
    assert not kept.settings.offline


def test_where_the_token_is_kept_is_said_and_it_can_be_changed(page, qtbot) -> None:
    def said() -> str:
        return next(
            label.text() for label in page.findChildren(QLabel) if label.text().startswith("Hub token")
        )

    page.show_token(TokenPlace.NOWHERE)
    assert said() == "Hub token: none. Gated models ask for one."
    page.show_token(TokenPlace.KEYRING)
    assert said() == "Hub token: in the system’s keyring"
    with qtbot.waitSignal(page.token_requested):
        qtbot.mouseClick(button(page, "Enter, change or forget the hub token"), Qt.MouseButton.LeftButton)


# --- updates -----------------------------------------------------------------------------------------


def words(page: SettingsPage) -> list[str]:
    return [label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page) and label.text()]


def says(page: SettingsPage, begin: str) -> bool:
    return any(text.startswith(begin) for text in words(page))


def daily(page: SettingsPage) -> QCheckBox:
    return next(b for b in page.findChildren(QCheckBox) if b.text() == "Look once a day")


class TestOfAPublishedCopy:
    """Its page of releases is a server on this computer."""

    @pytest.fixture(autouse=True)
    def linux(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.ui.settings.updates.installed", lambda: Installed("linux", "x86_64", "deb"))

    @pytest.fixture
    def home(self, server: ReleaseServer) -> str:
        return server.home

    def look(self, page: SettingsPage, qtbot: Any, until: str) -> None:
        qtbot.mouseClick(button(page, "Look for a newer version"), Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: says(page, until), timeout=30_000)

    def test_it_says_what_it_is_and_asks_nobody(self, page, kept, server, qtbot) -> None:
        assert says(page, "Edgewise 0.1.0, for Linux on x86_64")
        assert says(page, "Asks 127.0.0.1 for one small file")
        assert not daily(page).isChecked()
        assert not button(page, "Open its page").isVisibleTo(page)
        page.flush()
        assert kept.changes == 0
        assert server.asked == []

    def test_a_newer_version_is_shown_and_its_page_opens_on_a_click(
        self, page, server, qtbot, monkeypatch
    ) -> None:
        opened: list[QUrl] = []
        monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
        server.announce(notes="Chats open <b>faster</b>.\n[Here](https://evil.example)")
        self.look(page, qtbot, "There is a newer version: Edgewise 9.9.0 of 2026-12-01.")
        assert "Chats open <b>faster</b>.\n[Here](https://evil.example)" in words(page)
        assert says(page, "For this computer: edgewise_9.9.0_amd64.deb, 120 MB.")
        notes = next(label for label in page.findChildren(QLabel) if "<b>" in label.text())
        assert notes.textFormat() is Qt.TextFormat.PlainText
        assert opened == []
        qtbot.mouseClick(button(page, "Open its page"), Qt.MouseButton.LeftButton)
        assert [url.toString() for url in opened] == [f"{server.home}/tag/v9.9.0"]
        assert [path for path, _ in server.asked] == [ANNOUNCEMENT]

    def test_without_a_file_for_this_computer(self, page, server, qtbot) -> None:
        server.announce(files=[], notes="")
        self.look(page, qtbot, "There is a newer")
        assert says(page, "Its page says how to get it.")

    def test_the_newest(self, page, server, qtbot) -> None:
        server.announce(version="0.1.0")
        self.look(page, qtbot, "This is the newest version.")
        assert not button(page, "Open its page").isVisibleTo(page)

    def test_a_failure_is_a_sentence_and_what_was_shown_before_is_gone(self, page, server, qtbot) -> None:
        server.announce()
        self.look(page, qtbot, "There is a newer")
        server.answers[ANNOUNCEMENT] = gives(b"", 500)
        self.look(page, qtbot, "The page of the releases has trouble of its own.")
        assert not says(page, "There is a newer")
        assert not button(page, "Open its page").isVisibleTo(page)

    def test_the_focus_stays_on_the_button_while_it_looks(self, page, server, qtbot) -> None:
        look = button(page, "Look for a newer version")
        look.setFocus()
        server.announce(version="0.1.0")
        qtbot.keyClick(look, Qt.Key.Key_Space)
        assert look.hasFocus()
        assert says(page, "Looking…")
        qtbot.waitUntil(lambda: says(page, "This is the newest"), timeout=30_000)
        assert look.hasFocus()

    def test_tab_goes_from_the_look_to_the_page_to_the_daily_look(self, page, server, qtbot) -> None:
        server.announce()
        self.look(page, qtbot, "There is a newer")
        button(page, "Look for a newer version").setFocus()
        for following in (button(page, "Open its page"), daily(page), button(page, "Open the data folder")):
            qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
            assert following.hasFocus()

    def test_once_a_day_is_off_until_it_is_switched_on(self, page, kept, server, qtbot) -> None:
        server.announce()
        assert not kept.settings.look_for_updates
        daily(page).click()
        assert kept.settings.look_for_updates
        qtbot.waitUntil(lambda: says(page, "There is a newer"), timeout=30_000)
        daily(page).click()
        assert not kept.settings.look_for_updates

    def test_offline_there_is_nothing_to_press(self, page, kept, server, qtbot) -> None:
        next(b for b in page.findChildren(QCheckBox) if b.text().startswith("Work offline")).click()
        assert says(page, "You work offline")
        assert not button(page, "Look for a newer version").isEnabled()
        daily(page).click()
        assert kept.settings.look_for_updates
        assert server.asked == []


def test_a_copy_from_source_has_nothing_to_look_for(page) -> None:
    assert says(page, "Edgewise 0.1.0")
    assert says(page, "This copy was built from source, so nobody announces newer ones.")
    for name in ("Look for a newer version", "Open its page"):
        assert not button(page, name).isVisibleTo(page)
    assert not daily(page).isVisibleTo(page)


def test_in_the_app_the_daily_look_is_one_quiet_notice(
    qtbot, empty_home, server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.updates_room.this_release", lambda: Release("0.1.0", server.home))
    monkeypatch.setattr("app.services.update_session.FIRST_LOOK_MS", 1)
    server.announce()

    def run(start: int) -> None:
        app = App(qtbot)
        qtbot.addWidget(app.window)
        if start == 0:  # nobody said that it may ask
            assert not app.edgewise.updates.session._timer.isActive()
            app.ctrl(Qt.Key.Key_Comma)
            settings = app.edgewise.window.settings_page
            assert settings is not None
            assert server.asked == []
            daily(settings).click()
            app.wait(lambda: load_settings(app.paths.settings).look_for_updates)
            app.wait(lambda: says(settings, "There is a newer"))
            app.ctrl(Qt.Key.Key_1)
        else:
            UpdateRecord(app.paths.updates).looked(0)
            app.edgewise.updates.session.look_if_due()
            app.wait(lambda: app.edgewise.updates.session.announcement is not None)
        told = app.chat.notice
        if start < 2:
            assert told.text == "There is a newer version: Edgewise 9.9.0 of 2026-12-01."
        if start == 0:
            app.click(app.button("See what is new"))
            assert app.edgewise.window.settings_page is not None
            assert app.edgewise.window.settings_page.isVisible()
        elif start == 1:
            app.click(app.button("Not now"))
            app.wait(lambda: UpdateRecord(app.paths.updates).read().put_off == "9.9.0")
        assert told.isHidden()
        app.close()

    for start in range(3):
        run(start)
    assert len(server.asked) == 3
