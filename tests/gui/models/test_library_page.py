"""The library's list and details together, with the real library and the starter model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QProcess
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLabel, QMessageBox

from app.domain.model import Soundness, Verification
from app.services.background import Background
from app.services.library_session import LibrarySession
from app.services.model_library import ModelLibrary
from app.storage.paths import Paths
from app.ui.models import library_page
from app.ui.models.library_page import LibraryPage, reveal


@pytest.fixture
def page(qtbot, edgewise_home) -> Iterator[LibraryPage]:
    background = Background()
    session = LibrarySession(ModelLibrary(Paths.find()), background)
    widget = LibraryPage(session)
    background.setParent(session)
    session.setParent(widget)
    qtbot.addWidget(widget)
    widget.resize(1144, 700)
    widget.show()
    qtbot.waitExposed(widget)
    session.look()
    qtbot.waitUntil(lambda: bool(session.entries) and session.entries[0].details is not None)
    yield widget
    background.finish()


def show_details(page: LibraryPage) -> None:
    page.view.details_requested.emit(page._session.entries[0])


def said(page: LibraryPage, words: str) -> bool:
    return any(words in label.text() for label in page.panel.findChildren(QLabel) if label.isVisible())


def test_details_stand_beside_the_list_and_go_again(page, qtbot) -> None:
    assert page.panel.isHidden()
    with qtbot.waitSignal(page.forecast_wanted):
        show_details(page)
    assert page.panel.isVisible()
    assert page.view.isVisible()
    assert page.panel.x() >= page.view.geometry().right()
    page.panel.closed.emit()
    assert page.panel.isHidden()


def test_open_details_follow_the_row_one_is_on(page) -> None:
    entry = page._session.entries[0]
    other = replace(entry, model=replace(entry.model, name="other"))
    page.view.current_changed.emit(other)
    assert page.panel.isHidden()
    show_details(page)
    page.view.current_changed.emit(other)
    assert said(page, "other")
    page.panel.closed.emit()
    page.view.current_changed.emit(entry)
    assert page.panel.isHidden()


def test_what_was_verified_is_known_when_the_details_are_opened_again(page, qtbot) -> None:
    show_details(page)
    assert said(page, "Not verified")
    model = page._session.entries[0].model
    page._session.verified.emit(Verification(model, Soundness.DAMAGED, "It is damaged."))
    page.panel.closed.emit()
    other = replace(page._session.entries[0], model=replace(model, name="other"))
    page.view.details_requested.emit(other)
    assert said(page, "Not verified")
    show_details(page)
    assert said(page, "It is damaged.")
    page._session.listed.emit([])
    page._session.listed.emit(page._session.entries)  # it was deleted, and fetched anew
    show_details(page)
    assert said(page, "Not verified")


def test_in_a_narrow_window_they_take_its_place(page, qtbot) -> None:
    show_details(page)
    page.resize(664, 432)
    qtbot.waitUntil(page.view.isHidden)
    qtbot.waitUntil(lambda: page.panel.width() == 664)
    page.panel.closed.emit()
    assert page.view.isVisible()


def test_what_is_brought_is_asked_about_first(page, tmp_path) -> None:
    page.view.import_requested.emit([tmp_path / "x.gguf"])
    box = page.findChild(QMessageBox)
    assert box is not None
    box.reject()
    page.view.import_requested.emit([])
    assert len(page.findChildren(QMessageBox)) <= 1


@pytest.mark.parametrize(
    ("system", "call"),
    [
        ("win32", ("explorer.exe", ["/select,", "/a b/x.gguf"])),
        ("darwin", ("open", ["-R", "/a b/x.gguf"])),
        ("linux", "file:///a b"),
    ],
)
def test_a_file_is_shown_as_each_system_does_it(monkeypatch, system, call) -> None:
    calls: list[object] = []
    monkeypatch.setattr(library_page.sys, "platform", system)  # type: ignore[attr-defined]
    monkeypatch.setattr(QProcess, "startDetached", lambda *args: calls.append(args))
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: calls.append(url.toString()))
    reveal(Path("/a b/x.gguf"))
    assert calls == [call]
