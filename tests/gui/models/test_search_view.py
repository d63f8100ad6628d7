"""Searching the hub: when it searches, what it shows in each case, and what can be had of a repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QWidget

from app.domain.download import Download, DownloadState
from app.domain.hub import Access, Format, HubFile, HubModel, Variant
from app.domain.model import LocalModel
from app.ui.models import search_view
from app.ui.models.invitation import Invitation
from app.ui.models.search_result import SearchResult
from app.ui.models.search_view import SearchView
from app.ui.models.variant_list import download_name

QWEN = HubModel(
    "Qwen/Qwen3-4B-GGUF",
    (Format.GGUF,),
    Access.OPEN,
    1_234_567,
    412,
    "apache-2.0",
    4_022_468_096,
    "2020-01-01",
)
GEMMA = HubModel("google/gemma-3-12b-it-gguf", (Format.GGUF,), Access.GATED)
BARE = HubModel("me/bare", (Format.GGUF, Format.SAFETENSORS), Access.OPEN)


def variant(label: str, size: int | None, repository: str = QWEN.repository, parts: int = 1) -> Variant:
    files = tuple(HubFile(f"{label}-{part}.gguf", size) for part in range(parts))
    return Variant(repository, "0" * 40, Format.GGUF, label, files)


VARIANTS = (
    variant("Q8_0", 4_280_404_704),
    variant("Q4_K_M", 2_497_280_256),
    variant("BF16", 4_000_000_000, parts=2),
)


@pytest.fixture
def search(qtbot) -> SearchView:
    widget = SearchView()
    qtbot.addWidget(widget)
    widget.resize(900, 600)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    widget.focus_search()
    return widget


@pytest.fixture
def found(search) -> SearchView:
    """With three repositories found for "qwen"."""
    search.search_for("qwen")
    search.set_results("qwen", [QWEN, GEMMA, BARE])
    return search


def field(search: SearchView) -> Any:
    return search.findChild(QLineEdit)


def invitation(search: SearchView) -> Any:
    return search.findChild(Invitation)


def choice(search: SearchView, name: str) -> Any:
    return next(box for box in search.findChildren(QComboBox) if box.accessibleName() == name)


def choose(search: SearchView, name: str, words: str) -> None:
    box = choice(search, name)
    box.setCurrentIndex(box.findText(words))
    box.activated.emit(box.currentIndex())


def buttons(widget: QWidget) -> dict[str, Any]:
    found = [button for button in widget.findChildren(QPushButton) if button.isVisible()]
    return {button.accessibleName() or button.text(): button for button in found}


def texts(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible() and label.text()]


def headers(search: SearchView) -> list[Any]:
    """The lines of the results, in order."""
    found = [row.header for row in search.findChildren(SearchResult) if not row.isHidden()]
    return sorted(found, key=lambda button: button.mapTo(search, button.pos()).y())


def header(search: SearchView, repository: str) -> Any:
    return next(line for line in headers(search) if line.accessibleName().startswith(repository))


def open_result(search: SearchView, found: HubModel, variants=VARIANTS) -> None:
    header(search, found.repository).click()
    search.set_variants(found.repository, variants)


def test_it_teaches_before_anything_is_typed(search) -> None:
    assert invitation(search).isVisible()
    assert "Type a model’s name" in invitation(search).text


def test_enter_searches_at_once(search, qtbot) -> None:
    qtbot.keyClicks(field(search), "qwen3  4b ")
    with qtbot.waitSignal(search.searched, timeout=search_view.PAUSE_MS // 2) as told:
        qtbot.keyClick(field(search), Qt.Key.Key_Return)
    assert told.args == ["qwen3 4b", Format.GGUF, "downloads"]
    assert isinstance(told.args[1], Format)  # a mere string is equal to it, too


def test_a_pause_searches_once(search, qtbot) -> None:
    asked: list[str] = []
    search.searched.connect(lambda words, *_: asked.append(words))
    qtbot.keyClicks(field(search), "qwen3")
    qtbot.waitUntil(lambda: bool(asked))
    field(search).setText("qwen3 ")
    qtbot.wait(search_view.PAUSE_MS + 100)
    assert asked == ["qwen3"]


def test_format_and_order_search_again(search, qtbot) -> None:
    search.search_for("qwen")
    with qtbot.waitSignal(search.searched) as told:
        choose(search, "Format", "Both formats")
    assert told.args == ["qwen", None, "downloads"]
    with qtbot.waitSignal(search.searched) as told:
        choose(search, "Order", "Newest")
    assert told.args == ["qwen", None, "lastModified"]


def test_nothing_typed_nothing_searched(search, qtbot) -> None:
    with qtbot.assertNotEmitted(search.searched, wait=search_view.PAUSE_MS + 50):
        qtbot.keyClicks(field(search), "   ")
        qtbot.keyClick(field(search), Qt.Key.Key_Return)
        choose(search, "Format", "safetensors")


def test_results_say_what_the_hub_says(found) -> None:
    names = [line.accessibleName() for line in headers(found)]
    assert names[0].startswith(
        "Qwen/Qwen3-4B-GGUF, GGUF, 4.0B parameters, 1.2 M downloads, 412 likes, apache-2.0, "
    )
    assert "years ago" in names[0]
    assert names[1] == "google/gemma-3-12b-it-gguf, GGUF, Gated: needs a token, closed"
    assert names[2] == "me/bare, GGUF and safetensors, closed"
    assert invitation(found).isHidden()


def test_the_number_found_is_announced(search, monkeypatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(search_view, "announce", lambda _, sentence: heard.append(sentence))
    search.search_for("qwen")
    search.set_results("qwen", [QWEN, BARE])
    search.search_for("zebra")
    search.set_results("zebra", [])
    search.search_for("x")
    search.set_failed("x", "The hub did not answer.")
    assert heard == ["2 found", "Nothing found", "The hub did not answer."]


def test_an_answer_that_comes_too_late_is_not_shown(search) -> None:
    search.search_for("qwen")
    field(search).setText("gemma")
    search.set_results("qwen", [QWEN])
    assert headers(search) == []
    search.set_failed("qwen", "It broke.")
    assert "It broke." not in invitation(search).text
    search.search_for("gemma")
    search.set_results("gemma", [GEMMA])
    assert len(headers(search)) == 1


def test_clearing_the_field_begins_again(found) -> None:
    field(found).clear()
    assert headers(found) == []
    assert invitation(found).text.startswith("Search the hub")
    found.set_results("qwen", [QWEN])
    assert headers(found) == []


def test_searching_says_so(search) -> None:
    search.search_for("qwen")
    assert "Searching…" in invitation(search).text


def test_nothing_found_offers_the_other_formats(search, qtbot) -> None:
    search.search_for("zebra")
    search.set_results("zebra", [])
    assert invitation(search).text.startswith("Nothing found")
    assert "zebra" in invitation(search).text
    with qtbot.waitSignal(search.searched) as told:
        buttons(search)["Search both formats"].click()
    assert told.args == ["zebra", None, "downloads"]
    search.set_results("zebra", [])
    assert "Search both formats" not in buttons(search)


def test_a_failure_says_why_and_can_be_tried_again(search, qtbot) -> None:
    search.search_for("qwen")
    search.set_failed("qwen", "The hub did not answer.", "timed out")
    assert "The hub did not answer." in invitation(search).text
    assert "The search did not go through" in texts(search)
    with qtbot.waitSignal(search.log_requested) as log:
        buttons(search)["Show log"].click()
    assert log.args == ["The hub did not answer.", "timed out"]
    with qtbot.waitSignal(search.searched) as told:
        buttons(search)["Try again"].click()
    assert told.args[0] == "qwen"


def test_offline_asks_for_nothing(found, qtbot) -> None:
    found.set_offline(True)
    assert invitation(found).text.startswith("You work offline")
    assert not field(found).isEnabled()
    with qtbot.assertNotEmitted(found.searched, wait=search_view.PAUSE_MS + 50):
        found.search_for("gemma")
    with qtbot.waitSignal(found.settings_requested):
        buttons(found)["Open settings"].click()
    with qtbot.waitSignal(found.searched) as told:
        found.set_offline(False)
    assert told.args[0] == "gemma"


def test_opening_a_repository_asks_for_its_files_once(found, qtbot) -> None:
    line = header(found, QWEN.repository)
    with qtbot.waitSignal(found.repository_opened) as told:
        line.click()
    assert told.args == [QWEN.repository]
    assert "Looking at its files…" in texts(found)
    found.set_variants(QWEN.repository, VARIANTS)
    assert line.accessibleName().endswith("open")
    assert [text for text in texts(found) if text in ("Q8_0", "Q4_K_M", "BF16")] == ["Q8_0", "Q4_K_M", "BF16"]
    assert {"4.3 GB", "2.5 GB", "8.0 GB", "2 parts"} <= set(texts(found))
    line.click()
    assert "Q8_0" not in texts(found)
    with qtbot.assertNotEmitted(found.repository_opened):
        line.click()
    assert "Q8_0" in texts(found)


def test_downloading_a_variant(found, qtbot) -> None:
    open_result(found, QWEN)
    with qtbot.waitSignal(found.download_requested) as told:
        buttons(found)["Download: Q4_K_M, 2.5 GB"].click()
    assert told.args == [VARIANTS[1], "Qwen3 4B · Q4_K_M"]


@pytest.mark.parametrize(
    ("state", "said", "enabled"),
    [
        (DownloadState.RUNNING, "Downloading · 50 %", False),
        (DownloadState.WAITING, "Waiting", False),
        (DownloadState.VERIFYING, "Downloading · 50 %", False),
        (DownloadState.PAUSED, "Go on", True),
        (DownloadState.FAILED, "Try again", True),
        (DownloadState.DONE, "On this machine", False),
    ],
)
def test_a_variant_on_its_way_says_so(found, state, said, enabled) -> None:
    download = Download(1, "Qwen3 4B · Q4_K_M", VARIANTS[1], state, done=1_000, size=2_000)
    found.set_downloads([download])
    open_result(found, QWEN)
    button = next(b for name, b in buttons(found).items() if "Q4_K_M" in name)
    assert button.text() == said
    assert button.isEnabled() is enabled
    found.set_downloads([])
    assert button.text() == "Download"
    assert button.isEnabled()


def test_what_is_on_this_machine_needs_no_download(found) -> None:
    here = LocalModel("x", Path("/models/Qwen/Qwen3-4B-GGUF/Q4_K_M-0.gguf"), 2_497_280_256)
    found.set_local([here])
    open_result(found, QWEN)
    assert not buttons(found)["On this machine: Q4_K_M, 2.5 GB"].isEnabled()
    assert buttons(found)["Download: Q8_0, 4.3 GB"].isEnabled()
    found.set_local([])
    assert buttons(found)["Download: Q4_K_M, 2.5 GB"].isEnabled()


def test_only_what_changes_is_named_again(found) -> None:
    open_result(found, QWEN)
    for done in (100, 200):
        found.set_downloads([Download(1, "x", VARIANTS[1], DownloadState.RUNNING, done=done, size=2_000)])
        assert "Downloading: Q4_K_M, 2.5 GB" in buttons(found)


def test_what_suits_this_machine(found, qtbot) -> None:
    open_result(found, QWEN)
    with qtbot.waitSignal(found.advice_requested) as told:
        buttons(found)["Which one suits this machine?"].click()
    assert told.args == [QWEN.repository]


def test_safetensors_alone_have_no_ladder(found) -> None:
    safetensors = Variant(
        "me/bare", "0" * 40, Format.SAFETENSORS, "BF16", (HubFile("model.safetensors", 10_000),)
    )
    open_result(found, BARE, [safetensors])
    assert "Which one suits this machine?" not in buttons(found)
    assert "safetensors, for the other engines" in texts(found)


def test_a_gated_repository_says_so_and_takes_a_token(found, qtbot) -> None:
    open_result(found, GEMMA, [variant("Q4_0", 7_000_000_000, GEMMA.repository)])
    assert any("accepted their conditions" in text for text in texts(found))
    assert not buttons(found)["Download: Q4_0, 7.0 GB"].isEnabled()
    with qtbot.waitSignal(found.token_requested) as told:
        buttons(found)["Enter token…"].click()
    assert told.args == [GEMMA.repository]
    assert "Open its page" in buttons(found)
    found.set_has_token(True)
    assert buttons(found)["Download: Q4_0, 7.0 GB"].isEnabled()
    assert "Enter token…" not in buttons(found)
    assert "Gated: uses your token" in header(found, GEMMA.repository).accessibleName()


def test_files_that_cannot_be_listed(found, qtbot) -> None:
    header(found, GEMMA.repository).click()
    found.set_repository_failed(GEMMA.repository, "It needs a token.", needs_token=True, detail="HTTP 401")
    assert "It needs a token." in texts(found)
    assert set(buttons(found)) == {"Enter token…", "Open its page", "Try again", "Show log"}
    with qtbot.waitSignal(found.log_requested) as log:
        buttons(found)["Show log"].click()
    assert log.args == ["It needs a token.", "HTTP 401"]
    with qtbot.waitSignal(found.repository_opened) as again:
        buttons(found)["Try again"].click()
    assert again.args == [GEMMA.repository]
    found.set_variants(GEMMA.repository, [])
    assert "There is nothing in it that an engine here could load." in texts(found)


def test_variants_with_the_same_label_are_told_apart_by_their_files(found) -> None:
    one = variant("Q4_K_M", 10_000)
    other = replace(one, files=(HubFile("coder/Q4_K_M-other.gguf", 10_000),))
    open_result(found, QWEN, [one, other])
    assert {"Q4_K_M-0.gguf", "Q4_K_M-other.gguf"} <= set(texts(found))


def test_an_unknown_size_is_not_zero(found) -> None:
    open_result(found, QWEN, [variant("Q4_K_M", None)])
    assert "—" in texts(found)


def test_answers_for_what_is_not_shown_do_nothing(found) -> None:
    found.set_variants("no/such", VARIANTS)
    found.set_variants(QWEN.repository, VARIANTS)  # not opened yet
    found.set_repository_failed("no/such", "No.", needs_token=False)
    assert "Q8_0" not in texts(found)


def test_the_arrows_walk_through_the_results(found, qtbot) -> None:
    found.focus_search()
    qtbot.keyClick(field(found), Qt.Key.Key_Down)
    lines = headers(found)
    assert lines[0].hasFocus()
    qtbot.keyClick(lines[0], Qt.Key.Key_Down)
    assert lines[1].hasFocus()
    qtbot.keyClick(lines[1], Qt.Key.Key_Return)
    assert lines[1].isChecked()
    qtbot.keyClick(lines[1], Qt.Key.Key_Escape)
    assert not lines[1].isChecked()
    qtbot.keyClick(lines[1], Qt.Key.Key_Up)
    qtbot.keyClick(lines[0], Qt.Key.Key_Up)
    assert field(found).hasFocus()


def test_every_control_has_a_name(found) -> None:
    open_result(found, GEMMA)
    for widget in found.findChildren(QWidget):
        if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            interface = QAccessible.queryAccessibleInterface(widget)
            assert interface.text(QAccessible.Text.Name), widget


@pytest.mark.parametrize("width", [560, 660, 1140])
def test_nothing_is_wider_than_the_page(search, width) -> None:
    long = replace(QWEN, repository="owner/" + "a-very-long-name-" * 12)
    search.resize(width, 600)
    search.search_for("long")
    search.set_results("long", [long, replace(long, access=Access.GATED)])
    headers(search)[0].click()
    search.set_variants(long.repository, [replace(v, label=v.label * 10) for v in VARIANTS])
    assert search.width() == width
    right = [button.mapTo(search, button.rect().bottomRight()).x() for button in buttons(search).values()]
    assert max(right) < width


@pytest.mark.parametrize(
    ("repository", "label", "name"),
    [
        ("Qwen/Qwen3-4B-GGUF", "Q4_K_M", "Qwen3 4B · Q4_K_M"),
        ("microsoft/phi-4-gguf", "", "phi 4"),
        ("bartowski/Llama-3.2-3B-Instruct-GGUF", "BF16", "Llama 3.2 3B Instruct · BF16"),
        ("ggml-org/gpt-oss-20b-Q8_0", "Q8_0", "gpt oss 20b · Q8_0"),
    ],
)
def test_names_of_downloads(repository, label, name) -> None:
    assert download_name(variant(label, 1, repository)) == name
