"""The models room in the real app; the real hub client talks to a server that answers like the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QMessageBox, QWidget

from app.domain.download import DownloadState
from app.models.catalog import catalog
from app.services.download_queue import DownloadQueue
from app.ui.models.first_run import FirstRun
from app.ui.models.page import LEDGER, LIBRARY, SEARCH, ModelsPage
from tests.gui.app_driver import App, change_settings
from tests.hub_server import HubServer

Opener = Callable[[], App]


@pytest.fixture
def hub(monkeypatch) -> Iterator[HubServer]:
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        for name in ("HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.fixture
def open_app(qtbot, empty_home, hub) -> Iterator[Opener]:
    opened: list[App] = []

    def open_one() -> App:
        opened.append(App(qtbot))
        qtbot.addWidget(opened[-1].window)
        return opened[-1]

    yield open_one
    for app in opened:
        app.close()


def first_run(app: App) -> FirstRun:
    return app.chat.empty.first_run


def offer_of(app: App):
    """The first model, once this machine is known and judged."""
    app.wait(lambda: first_run(app)._offer is not None)
    return first_run(app)._offer


def models_page(app: App) -> ModelsPage:
    app.ctrl(Qt.Key.Key_2)
    page = app.edgewise.window.models_page
    assert page is not None
    return page


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def serve(hub: HubServer, repository: str, quantization: str, model: Path) -> None:
    hub.add(repository, {f"{repository.rpartition('/')[2]}-{quantization}.gguf": model})


def test_the_first_run_downloads_one_model_and_the_chat_begins(open_app, hub, starter_model) -> None:
    app = open_app()
    offer = offer_of(app)
    assert offer.model is not None
    serve(hub, offer.model.repository, offer.rung.quantization, starter_model)
    before = len(hub.asked)
    assert before == 0  # nothing is asked of the hub until a person wants something of it
    app.click(
        app.button(
            f"Download {offer.model.name}, {app.visible_texts('Download')[0].removeprefix('Download ')}"
        )
    )
    app.wait(lambda: not first_run(app).isVisible())
    assert "What is on your mind?" in texts(app.chat.empty)
    arrived = app.paths.models / offer.model.repository
    assert [path.suffix for path in arrived.iterdir()] == [".gguf"]
    app.wait_ready()
    app.send("Say hello.")
    assert app.wait_reply_ends().text


def test_a_card_leads_to_a_download_that_the_shelf_follows_and_the_library_has(
    open_app, hub, starter_model
) -> None:
    model = catalog()[0]
    serve(hub, model.repository, "Q4_K_M", starter_model)
    app = open_app()
    page = models_page(app)
    view = page.catalog.catalog
    app.wait(lambda: all(card.content.verdict for card in view.grid.cards))
    card = next(card for card in view.grid.cards if card.content.model == model)
    card.setFocus()
    app.press(Qt.Key.Key_Return)
    ladder = page.catalog.ladder
    app.wait(lambda: [row.rung.quantization for row in ladder.table.rows] == ["Q4_K_M"])
    assert ladder.table.rows[0].rung.exact
    assert ladder.table.rows[0].rung.file_size == starter_model.stat().st_size
    app.click(ladder.table.button)
    app.wait(lambda: any(each.state is DownloadState.DONE for each in app.edgewise.models.watch.downloads))
    app.wait(lambda: ladder.table.button.text() == "Chat with it")
    app.press(Qt.Key.Key_Escape)
    assert card.hasFocus()
    assert "On this machine" in card.accessibleName()
    page.tabs.choose(LIBRARY)
    app.wait(lambda: any(e.details for e in app.edgewise.models.library.entries))
    card.click()
    page.tabs.choose(0)
    app.wait(lambda: ladder.table.button.isVisible() and ladder.table.button.text() == "Chat with it")
    app.click(ladder.table.button)
    app.wait(lambda: app.chat.isVisible())
    app.wait(lambda: "SmolLM2" in app.chat.picker.text())


def test_a_repository_that_is_gated_says_so_and_asks_for_a_token(open_app, hub, starter_model) -> None:
    model = catalog()[0]
    hub.add(model.repository, {"SmolLM2-135M-Instruct-Q4_K_M.gguf": starter_model}, gated="manual")
    app = open_app()
    page = models_page(app)
    app.wait(lambda: bool(page.catalog.catalog.grid.cards))
    next(card for card in page.catalog.catalog.grid.cards if card.content.model == model).click()
    ladder = page.catalog.ladder
    app.wait(lambda: ladder.table.button.isVisible())
    app.click(ladder.table.button)
    app.wait(lambda: bool(app.visible_texts("Enter token")) or bool(ladder._problem.text()))
    app.wait(lambda: bool(app.visible_texts("Enter token")))


def test_a_token_that_is_kept_tries_again_what_needed_one(open_app, hub, monkeypatch) -> None:
    tried: list[DownloadQueue] = []
    monkeypatch.setattr(DownloadQueue, "retry_denied", lambda queue: tried.append(queue))
    room = open_app().edgewise.models
    room.tokens.kept.emit()
    assert tried == [room.queue]


def test_offline_nothing_is_asked_and_the_page_works(open_app, hub) -> None:
    change_settings(offline=True)
    app = open_app()
    app.wait(lambda: "work offline" in texts(first_run(app)))
    page = models_page(app)
    view = page.catalog.catalog
    app.wait(lambda: all(card.content.verdict for card in view.grid.cards))
    view.grid.cards[0].click()
    app.wait(lambda: page.catalog.ladder.table.button.isVisible())
    app.click(page.catalog.ladder.table.button)
    app.wait(lambda: "offline" in page.catalog.ladder._problem.text())
    page.tabs.choose(SEARCH)
    app.wait(lambda: "ffline" in texts(page.search))
    assert hub.asked == []


def test_the_switch_in_the_settings_takes_effect_at_once(open_app, hub) -> None:
    app = open_app()
    app.ctrl(Qt.Key.Key_Comma)
    settings = app.edgewise.window.settings_page
    assert settings is not None
    box = next(b for b in settings.findChildren(QCheckBox) if b.text().startswith("Work offline"))
    box.click()
    assert app.edgewise.settings.offline
    assert app.edgewise.models.models.offline
    app.wait(lambda: "Hub token: none" in texts(settings) or not settings._token.isVisible())


def drop(app: App, *paths: Path, onto: QWidget | None = None) -> None:
    target = app.window if onto is None else onto
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    where, copy, left = QPoint(400, 300), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    plain = Qt.KeyboardModifier.NoModifier
    entered = QDragEnterEvent(where, copy, data, left, plain)
    QApplication.sendEvent(target, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPointF(where), copy, data, left, plain))


@pytest.mark.parametrize("how", ["Copy", "Use in place"])
def test_a_file_dropped_onto_the_window_is_taken_in(open_app, starter_model, how) -> None:
    app = open_app()
    drop(app, starter_model)
    box = app.window.findChild(QMessageBox)
    assert box is not None
    next(b for b in box.buttons() if b.text().replace("&", "") == how).click()
    page = app.edgewise.window.models_page
    assert page is not None
    app.wait(lambda: "is in the library" in page.notice.text)
    copied = list(app.paths.models.glob("**/*.gguf"))
    assert bool(copied) is (how == "Copy")
    app.click(app.button("Chat"))
    app.wait(lambda: "What is on your mind?" in texts(app.chat.empty))


def test_a_file_dropped_onto_the_message_field_is_no_text(open_app, starter_model) -> None:
    app = open_app()
    drop(app, starter_model, onto=app.field.viewport())
    assert app.chat.composer.text == ""
    box = app.window.findChild(QMessageBox)
    assert box is not None
    box.reject()


def test_what_is_no_model_is_refused_with_a_sentence(open_app, tmp_path) -> None:
    bad = tmp_path / "not a model.gguf"
    bad.write_bytes(b"GGUF, says the name. " * 100)
    app = open_app()
    drop(app, bad)
    box = app.window.findChild(QMessageBox)
    assert box is not None
    next(b for b in box.buttons() if b.text().replace("&", "") == "Copy").click()
    page = app.edgewise.window.models_page
    assert page is not None
    app.wait(lambda: bool(page.notice.text))
    assert list(app.paths.models.glob("**/*.gguf")) == []


def test_all_views_fit_into_the_smallest_window(open_app, qtbot) -> None:
    app = open_app()
    page = models_page(app)
    app.window.resize(720, 480)
    for place in range(LEDGER + 1):
        page.tabs.choose(place)
        least = app.window.centralWidget().minimumSizeHint
        qtbot.waitUntil(lambda least=least: least().width() <= 720 and least().height() <= 480)


def test_escape_leads_from_a_searched_repositorys_ladder_back_to_the_search(
    open_app, hub, starter_model
) -> None:
    serve(hub, "someone/Their-Model-GGUF", "Q4_1", starter_model)
    app = open_app()
    page = models_page(app)
    page.search.advice_requested.emit("someone/Their-Model-GGUF")
    ladder = page.catalog.ladder
    app.wait(lambda: bool(ladder.table.rows) and ladder.table.isVisible())
    assert ladder.table.rows[0].rung.quantization == "Q4_1"
    app.press(Qt.Key.Key_Escape)
    assert page.tabs.current == SEARCH
