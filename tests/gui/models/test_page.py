"""The models page as a whole: its four views, its shelf, and what it says above them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QStackedWidget

from app.advisor.correction import UNCORRECTED
from app.domain.download import Download, DownloadState
from app.domain.errors import EdgewiseError, ModelFileError
from app.domain.hub import Format, HubFile, Variant
from app.domain.model import LibraryEntry, LocalModel, Place
from app.services.background import Background
from app.services.download_watch import DownloadWatch
from app.services.hub_access import HubAccess
from app.services.library_session import LibrarySession
from app.services.model_advice import ModelAdvice
from app.services.model_library import ModelLibrary
from app.services.models_session import ModelsSession
from app.storage.paths import Paths
from app.ui.models.card import Presence
from app.ui.models.page import CATALOG, LEDGER, LIBRARY, SEARCH, ModelsPage

VARIANT = Variant("a/b", "0" * 40, Format.GGUF, "Q4_K_M", (HubFile("b.gguf", 10),))
RUNNING = Download(1, "B · Q4_K_M", VARIANT, DownloadState.RUNNING, done=1, size=10)


@pytest.fixture
def page(qtbot, edgewise_home) -> Iterator[ModelsPage]:
    paths = Paths.find()
    holder = QObject()
    background = Background(holder)
    hub = HubAccess(paths, lambda: True)
    advice = ModelAdvice(paths, hub, lambda *_: UNCORRECTED)
    models = ModelsSession(paths, background, advice, hub, lambda: True, holder)
    library = LibrarySession(ModelLibrary(paths), background, holder)
    widget = ModelsPage(models, library, DownloadWatch(holder))
    holder.setParent(widget)
    qtbot.addWidget(widget)
    widget.resize(1144, 752)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    yield widget
    background.finish()


def current(page: ModelsPage) -> object:
    stack = page.findChild(QStackedWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert isinstance(stack, QStackedWidget)
    return stack.currentWidget()


def test_each_tab_brings_its_view(page, qtbot) -> None:
    for place, view in (
        (SEARCH, page.search),
        (LIBRARY, page.library),
        (LEDGER, page.ledger),
        (CATALOG, page.catalog),
    ):
        page.tabs.choose(place)
        assert current(page) is view


def test_the_ledger_is_read_when_it_is_looked_at(page, qtbot) -> None:
    with qtbot.waitSignal(page.ledger_wanted):
        page.tabs.choose(LEDGER)


def test_coming_to_the_page_looks_at_machine_and_library(page, qtbot) -> None:
    qtbot.waitUntil(lambda: page._models.machine is not None, timeout=30_000)
    qtbot.waitUntil(lambda: bool(page._library_session.entries))


def test_the_keyboard_begins_at_the_tabs(page) -> None:
    page.setFocus()
    focused = QApplication.focusWidget()
    assert focused is not None
    assert page.tabs is focused or page.tabs.isAncestorOf(focused)


def test_words_that_the_catalog_has_nothing_for_are_searched(page) -> None:
    page.catalog.search_wanted.emit("mistral")
    assert page.tabs.current == SEARCH


def test_a_failure_is_said_above_the_views_with_its_detail(page) -> None:
    page._models.failed.emit(EdgewiseError("It did not work.", detail="why"))
    assert page.notice.text == "It did not work."
    assert page.notice.isVisible()


def test_the_shelf_is_there_only_while_there_is_something(page, qtbot) -> None:
    assert page.shelf.isHidden()
    page._show_downloads((RUNNING,))
    assert page.shelf.isVisible()
    with qtbot.waitSignal(page.pause_requested) as asked:
        page.shelf.pause_requested.emit(1)
    assert asked.args == [1]
    page._show_downloads(())
    assert page.shelf.isHidden()


def test_a_card_says_what_is_on_its_way_and_nothing_that_failed(page) -> None:
    model = page._models.models[0]
    running = replace(RUNNING, variant=replace(VARIANT, repository=model.repository))
    for download, there in (
        (running, True),
        (replace(running, state=DownloadState.FAILED, error="It broke off."), False),
    ):
        page._show_downloads((download,))
        names = [card.accessibleName() for card in page.catalog.catalog.grid.cards]
        assert any(Presence.ARRIVING in name for name in names) is there


@pytest.mark.parametrize(
    ("place", "freed", "words"),
    [
        (Place.LIBRARY, 98_000_000, "98 MB are free again."),
        (Place.LIBRARY, 0, "0 bytes are free again."),
        (Place.IN_PLACE, 0, "Its files stay where they are."),
    ],
)
def test_what_was_removed_and_what_that_freed(page, place, freed, words) -> None:
    entry = LibraryEntry(LocalModel("Qwen", Path("/m/Qwen.gguf"), 1, place), None)
    page._library_session.removed.emit(entry, freed)
    assert page.notice.text == f"Qwen was removed. {words}"


def test_a_new_import_settles_what_was_said_of_the_last(page, tmp_path) -> None:
    session = page._library_session
    session.failed.emit(ModelFileError("a.gguf is damaged."))
    assert page.notice.text == "a.gguf is damaged."
    session.import_models([], copy=True)
    assert page.notice.isHidden()
    page.show_error(EdgewiseError("It did not work."))
    session.import_models([], copy=True)
    assert page.notice.isVisible()


def test_the_ladder_hears_of_the_downloads_of_its_repository(page, monkeypatch) -> None:
    other = replace(RUNNING, id=2, variant=replace(VARIANT, repository="c/d"))
    monkeypatch.setattr(page._models, "_repository", "a/b")
    page._show_downloads((RUNNING, other))
    assert page.catalog.ladder.table._downloads == {"Q4_K_M": RUNNING}
