"""The settings page: every change is kept at once and takes effect."""

from __future__ import annotations

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

from app.domain.generation import SamplingParams
from app.storage.paths import Paths
from app.storage.secrets import TokenPlace
from app.storage.settings import MAXIMUM_CONTEXT_LENGTH, MAXIMUM_THREADS, Settings, load_settings
from app.ui import theme
from app.ui.settings.page import SettingsPage
from tests.gui.app_driver import App


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
def page(qtbot, empty_home, kept) -> SettingsPage:
    widget = SettingsPage(lambda: kept.settings, Paths.find())
    widget.changed.connect(kept.keep)
    qtbot.addWidget(widget)
    widget.resize(800, 900)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    return widget


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
