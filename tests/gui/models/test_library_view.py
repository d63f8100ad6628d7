"""The models on this machine: rows, sorting, filtering, what can be done with each, and deleting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAccessible, QContextMenuEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QTreeView,
    QWidget,
)

from app.domain.hub import Format
from app.domain.model import LibraryEntry, LocalModel, ModelDetails, Place
from app.ui.models import library_view
from app.ui.models.invitation import Invitation
from app.ui.models.library_view import LibraryView
from app.ui.models.question_bar import QuestionBar


def entry(name: str, size: int, place: Place = Place.LIBRARY, **more) -> LibraryEntry:
    details = ModelDetails(name, "qwen3", 4_022_468_096, "Q4_K_M", 40_960, "apache-2.0", True, 36)
    model = LocalModel(name, Path("/models") / f"{name}.gguf", size, place)
    return LibraryEntry(model, **{"details": details, "last_used": None, **more})


QWEN = entry("Qwen3-4B-Q4_K_M", 2_497_280_256)
LLAMA = ModelDetails("SmolLM2", "llama", 134_515_008, "Q4_1", 8_192, "apache-2.0", True, 30)
SMOL = entry("SmolLM2-135M-Instruct.Q4_1", 98_362_432, details=LLAMA, last_used=1.0)
OLLAMA = entry("gemma3:12b", 8_149_190_253, Place.OLLAMA)
KEPT = entry("kept-F16", 600_000_000, Place.IN_PLACE)
BROKEN = entry("broken-Q8_0", 61_000_000, details=None, problem="The file ends early.")


@pytest.fixture
def library(qtbot) -> LibraryView:
    widget = LibraryView()
    qtbot.addWidget(widget)
    widget.resize(1100, 600)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    widget.set_entries([QWEN, SMOL, OLLAMA, KEPT, BROKEN])
    return widget


def rows(library: LibraryView) -> QTreeView:
    found = library.findChild(QTreeView)
    assert isinstance(found, QTreeView)
    return found


def names(library: LibraryView) -> list[str]:
    model = rows(library).model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def columns(library: LibraryView) -> list[str]:
    view = rows(library)
    headings = [
        view.model().headerData(n, Qt.Orientation.Horizontal) for n in range(view.model().columnCount())
    ]
    return [heading for n, heading in enumerate(headings) if heading and not view.isColumnHidden(n)]


def cells(library: LibraryView, row: int) -> list[str]:
    model = rows(library).model()
    return [model.index(row, column).data() for column in range(1, 7)]


def invitation(library: LibraryView) -> Any:
    return library.findChild(Invitation)


def buttons(widget: QWidget) -> dict[str, Any]:
    found = [button for button in widget.findChildren(QAbstractButton) if button.isVisible()]
    return {button.text() or button.accessibleName(): button for button in found}


def question(library: LibraryView) -> Any:
    return library.findChild(QuestionBar)


def filter_field(library: LibraryView) -> Any:
    return library.findChild(QLineEdit)


def state_of(library: LibraryView, name: str) -> str:
    """What a row says to a screen reader."""
    model = rows(library).model()
    for row in range(model.rowCount()):
        index = model.index(row, 0)
        if index.data() == name:
            return index.data(Qt.ItemDataRole.AccessibleTextRole)
    raise AssertionError(name)


def menu(library: LibraryView, qtbot, name: str) -> QMenu:
    """The menu of a row, opened by the menu key."""
    library.select(name)
    view = rows(library)
    view.setFocus()
    at = view.visualRect(view.currentIndex()).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, at, view.viewport().mapToGlobal(at))
    QApplication.sendEvent(view, event)
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    opened = QApplication.activePopupWidget()
    assert isinstance(opened, QMenu)
    return opened


def choose(opened: Any, words: str) -> None:
    next(action for action in opened.actions() if action.text() == words).trigger()
    opened.close()


def test_rows_say_what_is_known(library) -> None:
    assert names(library) == ["broken", "gemma3 12b", "kept", "Qwen3 4B", "SmolLM2 135M Instruct"]
    assert cells(library, 3) == ["Q4_K_M", "4.0B", "2.5 GB", "40k", "Edgewise", "never"]
    assert cells(library, 0) == ["Q8_0", "—", "61 MB", "—", "Edgewise", "never"]
    assert cells(library, 2)[4] == "Where you keep it"
    spoken = state_of(library, "Qwen3 4B")
    assert spoken == "Qwen3 4B, Q4_K_M, 2.5 GB, Edgewise, qwen3 · apache-2.0"
    assert "The file ends early." in state_of(library, "broken")


def test_safetensors_are_named_as_such(library) -> None:
    model = LocalModel("Qwen3-0.6B", Path("/cache/x"), 1, Place.HUGGING_FACE, Format.SAFETENSORS)
    library.set_entries([LibraryEntry(model, None, None)])
    assert cells(library, 0)[0] == "safetensors"


@pytest.mark.parametrize(
    ("heading", "smallest", "largest"),
    [
        ("Size", "broken", "gemma3 12b"),
        ("Last used", None, "SmolLM2 135M Instruct"),
        ("Parameters", "broken", None),
        ("Context", "broken", None),
        ("Where", None, "kept"),
        ("Quantization", "SmolLM2 135M Instruct", "broken"),
    ],
)
def test_sorting_by_the_header(library, qtbot, heading, smallest, largest) -> None:
    view = rows(library)
    column = columns(library).index(heading)
    at = QPoint(view.header().sectionViewportPosition(column) + 10, 10)
    for place in (0, -1):
        qtbot.mouseClick(view.header().viewport(), Qt.MouseButton.LeftButton, pos=at)
        assert smallest in (None, names(library)[place])
        assert largest in (None, names(library)[-1 - place])


def test_sorting_by_the_keyboard(library, qtbot) -> None:
    opened = menu(library, qtbot, QWEN.model.name)
    sorting = next(action.menu() for action in opened.actions() if action.text() == "Sort by")
    choose(sorting, "Size")
    opened.close()
    assert names(library)[0] == "broken"
    assert names(library)[-1] == "gemma3 12b"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("qwen", ["gemma3 12b", "kept", "Qwen3 4B"]),  # the architecture, too
        ("QWEN3-4B", ["Qwen3 4B"]),
        ("ollama", ["gemma3 12b"]),
        ("instruct q4_1", ["SmolLM2 135M Instruct"]),
        ("(", []),
        ("   ", ["broken", "gemma3 12b", "kept", "Qwen3 4B", "SmolLM2 135M Instruct"]),
    ],
)
def test_filtering(library, typed, found) -> None:
    filter_field(library).setText(typed)
    assert names(library) == found


def test_a_filter_without_a_match_teaches_and_lets_go(library, qtbot) -> None:
    filter_field(library).setText("zebra")
    empty = invitation(library)
    assert empty.isVisible()
    assert "zebra" in empty.text
    qtbot.mouseClick(buttons(empty)["Show all"], Qt.MouseButton.LeftButton)
    assert len(names(library)) == 5
    assert filter_field(library).hasFocus()


def test_an_empty_library_teaches_the_next_step(library, qtbot, monkeypatch) -> None:
    library.set_entries([])
    empty = invitation(library)
    assert empty.isVisible()
    assert not filter_field(library).isEnabled()
    with qtbot.waitSignal(library.catalog_requested):
        qtbot.mouseClick(buttons(empty)["See the catalog"], Qt.MouseButton.LeftButton)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (["/a/b.gguf"], ""))
    with qtbot.waitSignal(library.import_requested) as told:
        qtbot.mouseClick(buttons(empty)["Add files…"], Qt.MouseButton.LeftButton)
    assert told.args == [[Path("/a/b.gguf")]]


def test_while_the_folders_are_read_nothing_is_said_to_be_missing(qtbot) -> None:
    library = LibraryView()
    qtbot.addWidget(library)
    library.show()
    library.set_looking(True)
    assert invitation(library).isHidden()
    library.set_looking(False)
    assert invitation(library).isVisible()


def test_a_folder_can_be_added(library, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/a/models")
    add = buttons(library)["Add…"]
    with qtbot.waitSignal(library.import_requested) as told:
        choose(add.menu(), "A folder…")
    assert told.args == [[Path("/a/models")]]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    with qtbot.assertNotEmitted(library.import_requested):
        choose(add.menu(), "A folder…")


def test_looking_again(library, qtbot) -> None:
    again = buttons(library)["Look again"]
    with qtbot.waitSignal(library.look_again_requested):
        qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    library.set_looking(True)
    assert not again.isEnabled()


def test_a_refresh_keeps_the_selection(library) -> None:
    library.select(KEPT.model.name)
    library.set_entries([replace(KEPT, last_used=5.0), OLLAMA, entry("a-new-one", 5), QWEN])
    view = rows(library)
    assert view.currentIndex().siblingAtColumn(0).data() == "kept"
    assert names(library) == ["a new one", "gemma3 12b", "kept", "Qwen3 4B"]


def test_what_did_not_change_is_not_told(library, qtbot) -> None:
    model = rows(library).model()
    changed: list[int] = []
    model.dataChanged.connect(lambda first, _: changed.append(first.row()))
    library.set_entries([QWEN, replace(SMOL, problem="Gone."), OLLAMA, KEPT, BROKEN])
    assert changed == [4]
    with qtbot.assertNotEmitted(model.modelReset):
        library.set_entries([QWEN, SMOL, OLLAMA, KEPT, BROKEN])


@pytest.mark.parametrize(
    ("words", "signal"),
    [
        ("Chat with it", "chat_requested"),
        ("Details", "details_requested"),
        ("Verify", "verify_requested"),
        ("Show in folder", "reveal_requested"),
        ("Quantize…", "quantize_requested"),
        ("Measure quality…", "measure_requested"),
    ],
)
def test_the_menu_of_a_row(library, qtbot, words, signal) -> None:
    opened = menu(library, qtbot, QWEN.model.name)
    with qtbot.waitSignal(getattr(library, signal)) as told:
        choose(opened, words)
    assert told.args == [QWEN]


def test_what_can_be_made_of_a_model_goes_by_its_format(library, qtbot) -> None:
    folder = replace(QWEN, model=replace(QWEN.model, name="Qwen3-4B", format=Format.SAFETENSORS))
    library.set_entries([QWEN, folder, BROKEN])
    opened = menu(library, qtbot, "Qwen3-4B")
    words = [action.text() for action in opened.actions()]
    assert "Quantize…" not in words
    with qtbot.waitSignal(library.convert_requested) as told:
        choose(opened, "Convert to GGUF…")
    assert told.args == [folder]
    opened = menu(library, qtbot, BROKEN.model.name)
    assert not next(it for it in opened.actions() if it.text() == "Quantize…").isEnabled()
    opened.close()


def test_work_that_is_not_counted_in_bytes(library, qtbot) -> None:
    library.show_work(QWEN.model.name, "Quantizing", "Quantizing · 12 of 272 tensors", 12 / 272)
    assert "12 of 272 tensors" in state_of(library, "Qwen3 4B")
    opened = menu(library, qtbot, QWEN.model.name)
    assert not next(it for it in opened.actions() if it.text() == "Quantize…").isEnabled()
    opened.close()
    library.end_work(QWEN.model.name)
    assert "tensors" not in state_of(library, "Qwen3 4B")


def test_the_row_one_goes_to_is_told(library, qtbot) -> None:
    tree = rows(library)
    tree.setCurrentIndex(tree.model().index(0, 0))
    with qtbot.waitSignal(library.current_changed) as told:
        qtbot.keyClick(tree, Qt.Key.Key_Down)
    assert told.args == [OLLAMA]


def test_enter_and_a_double_click_open_the_details(library, qtbot) -> None:
    library.select(QWEN.model.name)
    library.focus_rows()
    with qtbot.waitSignal(library.details_requested) as told:
        qtbot.keyClick(rows(library), Qt.Key.Key_Return)
    assert told.args == [QWEN]


def test_the_buttons_go_to_the_current_row_and_to_the_pointer(library, qtbot) -> None:
    library.select(QWEN.model.name)
    library.focus_rows()
    assert "Chat with Qwen3 4B · Q4_K_M" in buttons(library)
    view = rows(library)
    over = view.visualRect(view.model().index(4, 0)).center()
    qtbot.mouseMove(view.viewport(), over)
    assert "Chat with SmolLM2 135M Instruct · Q4_1" in buttons(library)
    with qtbot.waitSignal(library.chat_requested) as told:
        qtbot.mouseClick(
            buttons(library)["Chat with SmolLM2 135M Instruct · Q4_1"], Qt.MouseButton.LeftButton
        )
    assert told.args == [SMOL]


def test_the_pointer_takes_no_button_from_the_keyboard(library, qtbot) -> None:
    library.select(QWEN.model.name)
    library.focus_rows()
    qtbot.keyClick(rows(library), Qt.Key.Key_Tab)
    assert buttons(library)["Chat with Qwen3 4B · Q4_K_M"].hasFocus()
    view = rows(library)
    qtbot.mouseMove(view.viewport(), view.visualRect(view.model().index(4, 0)).center())
    assert buttons(library)["Chat with Qwen3 4B · Q4_K_M"].hasFocus()


def test_what_cannot_be_used_offers_no_chat(library, qtbot) -> None:
    library.select(BROKEN.model.name)
    assert not any(name.startswith("Chat with") for name in buttons(library))
    opened = menu(library, qtbot, BROKEN.model.name)
    assert not next(a for a in opened.actions() if a.text() == "Chat with it").isEnabled()
    opened.close()


def test_deleting_asks_once_and_says_what_it_frees(library, qtbot) -> None:
    library.select(QWEN.model.name)
    library.focus_rows()
    with qtbot.waitSignal(library.remove_considered) as considered:
        qtbot.keyClick(rows(library), Qt.Key.Key_Delete)
    assert considered.args == [QWEN]
    bar = question(library)
    assert bar.text == "Delete Qwen3 4B · Q4_K_M? This frees 2.5 GB and cannot be undone."
    library.set_freed(SMOL.model.name, 5)
    library.set_freed(QWEN.model.name, 3_300_000_000)
    assert "frees 3.3 GB" in bar.text
    assert buttons(bar)["Keep"].hasFocus()
    with qtbot.assertNotEmitted(library.remove_requested):
        qtbot.keyClick(buttons(bar)["Keep"], Qt.Key.Key_Return)
    assert bar.isHidden()
    assert rows(library).hasFocus()
    qtbot.keyClick(rows(library), Qt.Key.Key_Delete)
    with qtbot.waitSignal(library.remove_requested) as removed:
        qtbot.mouseClick(buttons(bar)["Delete"], Qt.MouseButton.LeftButton)
    assert removed.args == [QWEN]
    assert bar.isHidden()


def test_backspace_deletes_nothing(library, qtbot) -> None:
    library.select(QWEN.model.name)
    library.focus_rows()
    qtbot.keyClick(rows(library), Qt.Key.Key_Backspace)
    assert question(library).isHidden()


def test_escape_keeps(library, qtbot) -> None:
    library.select(QWEN.model.name)
    library.focus_rows()
    qtbot.keyClick(rows(library), Qt.Key.Key_Delete)
    with qtbot.assertNotEmitted(library.remove_requested):
        qtbot.keyClick(buttons(question(library))["Keep"], Qt.Key.Key_Escape)
    assert question(library).isHidden()


def test_a_model_kept_in_place_is_only_forgotten(library, qtbot) -> None:
    choose(menu(library, qtbot, KEPT.model.name), "Forget…")
    assert "The file stays where you keep it" in question(library).text
    with qtbot.waitSignal(library.remove_requested) as told:
        qtbot.mouseClick(buttons(question(library))["Forget"], Qt.MouseButton.LeftButton)
    assert told.args == [KEPT]


def test_models_of_other_programs_are_left_alone(library, qtbot) -> None:
    with qtbot.assertNotEmitted(library.remove_requested), qtbot.assertNotEmitted(library.remove_considered):
        choose(menu(library, qtbot, OLLAMA.model.name), "Delete…")
        assert "belongs to Ollama" in question(library).text
        with qtbot.waitSignal(library.reveal_requested) as told:
            qtbot.mouseClick(buttons(question(library))["Show in folder"], Qt.MouseButton.LeftButton)
    assert told.args == [OLLAMA]


def test_a_model_that_comes_with_edgewise_stays(library, qtbot) -> None:
    bundled = entry("starter-Q4_1", 98_000_000, Place.BUNDLED)
    library.set_entries([bundled])
    with qtbot.assertNotEmitted(library.remove_requested), qtbot.assertNotEmitted(library.remove_considered):
        choose(menu(library, qtbot, bundled.model.name), "Delete…")
        assert question(library).text.endswith("stays as long as Edgewise is installed.")


def test_the_question_goes_with_the_model(library, qtbot) -> None:
    choose(menu(library, qtbot, QWEN.model.name), "Delete…")
    library.set_entries([SMOL, OLLAMA])
    assert question(library).isHidden()


def test_progress_in_the_row_with_a_way_out(library, qtbot) -> None:
    library.select(QWEN.model.name)
    library.set_work(QWEN.model.name, "Verifying", 1_200_000_000, 2_497_280_256)
    assert "Verifying · 1.2 of 2.5 GB" in state_of(library, "Qwen3 4B")
    with qtbot.waitSignal(library.cancel_requested) as told:
        name = "Cancel what is under way with Qwen3 4B · Q4_K_M"
        qtbot.mouseClick(buttons(library)[name], Qt.MouseButton.LeftButton)
    assert told.args == [QWEN.model.name]
    library.end_work(QWEN.model.name, "Whole, and as the hub has it.")
    assert "Whole, and as the hub has it." in state_of(library, "Qwen3 4B")
    assert "Chat with Qwen3 4B · Q4_K_M" in buttons(library)
    library.set_work(QWEN.model.name, "Verifying", 0, None)
    library.end_work(QWEN.model.name)
    assert state_of(library, "Qwen3 4B").endswith("qwen3 · apache-2.0")


def test_an_import_is_shown_above_until_it_is_over(library, qtbot, monkeypatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(library_view, "announce", lambda _, sentence: heard.append(sentence))
    library.set_work("new.gguf", "Copying", 10_000_000, 40_000_000)
    library.set_work("new.gguf", "Copying", 20_000_000, 40_000_000)
    bar = library.findChild(QProgressBar)
    assert bar.value() == 50
    assert "Copying · 20 of 40 MB" in [label.text() for label in library.findChildren(QLabel)]
    with qtbot.waitSignal(library.cancel_requested) as told:
        qtbot.mouseClick(buttons(library)["Cancel new.gguf"], Qt.MouseButton.LeftButton)
    assert told.args == ["new.gguf"]
    library.end_work("new.gguf", "Added.")
    assert "Cancel new.gguf" not in buttons(library)
    assert heard == ["Copying: new.gguf.", "new.gguf: Added."]


def drag(library: Any, kind: Any, *urls: str) -> QDropEvent:
    data = QMimeData()
    data.setUrls([QUrl(url) for url in urls])
    library.dragged = data  # kept while the event is about
    left, plain = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    at = QPoint(50, 50) if kind is QDragEnterEvent else QPointF(50, 50)
    event = kind(at, Qt.DropAction.CopyAction, data, left, plain)
    event.ignore()
    QApplication.sendEvent(library, event)
    return event


def test_files_and_folders_can_be_dropped(library, qtbot) -> None:
    urls = ("file:///a/One.GGUF", "file:///a/folder", "file:///a/picture.png", "https://example.org/x.gguf")
    assert drag(library, QDragEnterEvent, *urls).isAccepted()
    with qtbot.waitSignal(library.import_requested) as told:
        drag(library, QDropEvent, *urls)
    assert told.args == [[Path("/a/One.GGUF"), Path("/a/folder")]]


def test_what_is_no_model_is_not_taken(library, qtbot) -> None:
    assert not drag(library, QDragEnterEvent, "file:///a/picture.png").isAccepted()
    with qtbot.assertNotEmitted(library.import_requested):
        drag(library, QDropEvent, "file:///a/picture.png")


def test_columns_give_way_in_a_narrow_window(library) -> None:
    every = ["Name", "Quantization", "Parameters", "Size", "Context", "Where", "Last used"]
    assert columns(library) == every
    library.resize(660, 500)
    assert columns(library) == ["Name", "Quantization", "Size"]
    library.resize(1100, 500)
    assert columns(library) == every


def test_names_for_a_screen_reader(library) -> None:
    library.select(QWEN.model.name)
    for widget in library.findChildren(QWidget):
        if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            assert QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name), widget


def test_tab_goes_as_one_reads(library, qtbot) -> None:
    library.set_work("new.gguf", "Copying", 1, 2)
    library.select(QWEN.model.name)
    found = buttons(library)
    order = [
        filter_field(library), found["Add…"], found["Look again"], found["Cancel new.gguf"], rows(library),
        found["Chat with Qwen3 4B · Q4_K_M"], found["More to do with Qwen3 4B · Q4_K_M"],
    ]  # fmt: skip
    order[0].setFocus()
    for widget in order[1:]:
        qtbot.keyClick(library.focusWidget(), Qt.Key.Key_Tab)
        assert widget.hasFocus(), widget


def test_a_name_that_looks_like_html_is_only_a_name(library) -> None:
    name = "<img src=x> & <b>bold</b>"
    library.set_entries([entry(name, 5)])
    tip = rows(library).model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.startswith("<p>&lt;img src=x&gt; &amp; &lt;b&gt;bold&lt;/b&gt;<br>")
