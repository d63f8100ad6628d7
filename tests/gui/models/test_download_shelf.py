"""The shelf of downloads: states in words, what can be done, and calm while figures change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QDesktopServices
from PySide6.QtWidgets import QAbstractButton, QLabel, QProgressBar, QVBoxLayout, QWidget

from app.domain.download import Download, DownloadState
from app.domain.hub import Format, HubFile, Variant
from app.services.download_entry import OFFLINE
from app.ui import theme
from app.ui.models import download_row
from app.ui.models.download_shelf import DownloadShelf

VARIANT = Variant(
    "Qwen/Qwen3-4B-GGUF", "0" * 40, Format.GGUF, "Q4_K_M", (HubFile("a.gguf", 2_497_280_256, "0" * 64),)
)
RUNNING = Download(
    7,
    "Qwen3 4B · Q4_K_M",
    VARIANT,
    DownloadState.RUNNING,
    done=612_000_000,
    size=2_497_280_256,
    speed=11_400_000,
    seconds_left=118,
)


@pytest.fixture
def page(qtbot) -> QWidget:
    """What the shelf stands at the bottom of."""
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(900, 700)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    return made


@pytest.fixture
def shelf(page) -> DownloadShelf:
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addStretch(1)
    made = DownloadShelf()
    layout.addWidget(made)
    return made


def texts(shelf: DownloadShelf) -> list[str]:
    return [label.text() for label in shelf.findChildren(QLabel) if label.isVisible() and label.text()]


def buttons(shelf: DownloadShelf) -> dict[str, QAbstractButton]:
    found = [button for button in shelf.findChildren(QAbstractButton) if button.isVisible()]
    return {button.text() or button.accessibleName(): button for button in found}


def press(shelf: DownloadShelf, name: str, qtbot) -> None:
    qtbot.mouseClick(buttons(shelf)[name], Qt.MouseButton.LeftButton)


def as_it_is(state: DownloadState, **more) -> Download:
    return replace(RUNNING, state=state, **more)


def test_it_is_only_there_while_there_is_something(shelf) -> None:
    assert shelf.isHidden()
    shelf.set_downloads([RUNNING])
    assert shelf.isVisible()
    shelf.set_downloads([])
    assert shelf.isHidden()


@pytest.mark.parametrize(
    ("download", "said"),
    [
        (RUNNING, "0.6 of 2.5 GB · 11 MB/s · 2 min left"),
        (replace(RUNNING, done=0, speed=None, seconds_left=None), "0.0 of 2.5 GB · starting"),
        (replace(RUNNING, size=None, seconds_left=None), "612 MB · 11 MB/s"),
        (as_it_is(DownloadState.WAITING, done=0), "Waiting · 2.5 GB"),
        (as_it_is(DownloadState.VERIFYING), "Checking that it is whole · 2.5 GB"),
        (as_it_is(DownloadState.RETRYING, retry_in_s=8.0), "Trying again in 8 s · 0.6 of 2.5 GB"),
        (as_it_is(DownloadState.PAUSED), "Paused · 0.6 of 2.5 GB"),
        (
            as_it_is(DownloadState.PAUSED, error=OFFLINE),
            "Waits: Edgewise works offline · 0.6 of 2.5 GB",
        ),
        (as_it_is(DownloadState.FAILED), "Not downloaded"),
        (as_it_is(DownloadState.DONE), "On this machine · 2.5 GB"),
    ],
)
def test_its_state_in_words(shelf, download, said) -> None:
    shelf.set_downloads([download])
    assert texts(shelf)[:2] == ["Qwen3 4B · Q4_K_M", said]


def test_going_on_while_offline_is_answered_in_words(shelf) -> None:
    shelf.set_downloads([as_it_is(DownloadState.PAUSED)])
    shelf.set_downloads([as_it_is(DownloadState.PAUSED, error=OFFLINE)])
    assert "Waits: Edgewise works offline · 0.6 of 2.5 GB" in texts(shelf)
    assert buttons(shelf)["Go on: Qwen3 4B · Q4_K_M"].toolTip() == OFFLINE
    shelf.set_downloads([as_it_is(DownloadState.PAUSED)])
    assert buttons(shelf)["Go on: Qwen3 4B · Q4_K_M"].toolTip() == "Go on"


def test_the_bar_knows_its_share(shelf) -> None:
    shelf.set_downloads([RUNNING])
    bar = shelf.findChild(QProgressBar)
    assert bar.isVisible()
    assert bar.value() == 25
    shelf.set_downloads([replace(RUNNING, done=2_497_280_256)])
    assert bar.value() == 100


@pytest.mark.parametrize(
    ("download", "name", "signal"),
    [
        (RUNNING, "Pause: Qwen3 4B · Q4_K_M", "pause_requested"),
        (as_it_is(DownloadState.WAITING), "Pause: Qwen3 4B · Q4_K_M", "pause_requested"),
        (as_it_is(DownloadState.PAUSED), "Go on: Qwen3 4B · Q4_K_M", "resume_requested"),
        (as_it_is(DownloadState.FAILED), "Try again: Qwen3 4B · Q4_K_M", "retry_requested"),
        (as_it_is(DownloadState.RETRYING), "Try again now: Qwen3 4B · Q4_K_M", "retry_requested"),
        (as_it_is(DownloadState.DONE), "Dismiss: Qwen3 4B · Q4_K_M", "forget_requested"),
        (replace(RUNNING, done=5_000_000), "Cancel: Qwen3 4B · Q4_K_M", "cancel_requested"),
    ],
)
def test_what_can_be_done_with_each(shelf, qtbot, download, name, signal) -> None:
    shelf.set_downloads([download])
    with qtbot.waitSignal(getattr(shelf, signal)) as told:
        press(shelf, name, qtbot)
    assert told.args == [7]


def test_much_that_is_here_is_given_up_only_after_a_question(shelf, qtbot) -> None:
    shelf.set_downloads([RUNNING])
    with qtbot.assertNotEmitted(shelf.cancel_requested):
        press(shelf, "Cancel: Qwen3 4B · Q4_K_M", qtbot)
        assert "Give it up? The 612 MB that are here will be deleted." in texts(shelf)
        assert buttons(shelf)["Keep"].hasFocus()
        press(shelf, "Keep", qtbot)
    assert "Pause: Qwen3 4B · Q4_K_M" in buttons(shelf)
    press(shelf, "Cancel: Qwen3 4B · Q4_K_M", qtbot)
    shelf.set_downloads([replace(RUNNING, done=700_000_000)])
    assert "Give it up? The 700 MB that are here will be deleted." in texts(shelf)
    with qtbot.waitSignal(shelf.cancel_requested) as told:
        press(shelf, "Give up", qtbot)
    assert told.args == [7]


def test_the_question_ends_with_the_download(shelf, qtbot) -> None:
    shelf.set_downloads([RUNNING])
    press(shelf, "Cancel: Qwen3 4B · Q4_K_M", qtbot)
    shelf.set_downloads([as_it_is(DownloadState.DONE)])
    assert set(buttons(shelf)) == {"Chat with it", "Dismiss: Qwen3 4B · Q4_K_M"}


def test_a_done_one_leads_to_a_chat(shelf, qtbot) -> None:
    shelf.set_downloads([as_it_is(DownloadState.DONE)])
    with qtbot.waitSignal(shelf.chat_requested) as told:
        press(shelf, "Chat with it", qtbot)
    assert told.args == [VARIANT]
    other = replace(VARIANT, format=Format.SAFETENSORS)  # no engine here loads it yet
    shelf.set_downloads([replace(as_it_is(DownloadState.DONE), id=8, variant=other)])
    assert "Chat with it" not in buttons(shelf)


def test_a_failure_says_why_and_what_to_do(shelf, qtbot) -> None:
    failed = as_it_is(
        DownloadState.FAILED, error="The repository is gated.", detail="HTTP 401", needs_token=True
    )
    shelf.set_downloads([failed])
    assert "The repository is gated." in texts(shelf)
    with qtbot.waitSignal(shelf.token_requested) as token:
        press(shelf, "Enter token…", qtbot)
    assert token.args == ["Qwen/Qwen3-4B-GGUF"]
    with qtbot.waitSignal(shelf.log_requested) as log:
        press(shelf, "Show log", qtbot)
    assert log.args == ["The repository is gated.", "HTTP 401"]
    shelf.set_downloads([replace(failed, needs_token=False, detail="")])
    assert "Enter token…" in buttons(shelf)  # the state is the same: nothing moves
    shelf.set_downloads([RUNNING])
    shelf.set_downloads([replace(failed, needs_token=False, detail="")])
    assert not {"Enter token…", "Show log"} & set(buttons(shelf))


def test_the_page_of_a_gated_one_is_opened_on_a_click_alone(shelf, qtbot, monkeypatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    shelf.set_downloads([as_it_is(DownloadState.FAILED, error="It is gated.", needs_token=True)])
    assert opened == []
    press(shelf, "Open its page", qtbot)
    assert opened == ["https://huggingface.co/Qwen/Qwen3-4B-GGUF"]
    shelf.set_downloads([])
    shelf.set_downloads([as_it_is(DownloadState.FAILED, error="The disk is full.")])
    assert "Open its page" not in buttons(shelf)


def test_focus_stays_where_it_is_while_figures_change(shelf, qtbot) -> None:
    shelf.set_downloads([RUNNING])
    toggle = buttons(shelf)["Pause: Qwen3 4B · Q4_K_M"]
    toggle.setFocus()
    for step in range(20):
        shelf.set_downloads([replace(RUNNING, done=612_000_000 + step * 1_000_000)])
    assert toggle.hasFocus()
    shelf.set_downloads([as_it_is(DownloadState.PAUSED)])
    assert toggle.hasFocus()
    assert toggle.accessibleName() == "Go on: Qwen3 4B · Q4_K_M"
    shelf.set_downloads([as_it_is(DownloadState.DONE)])
    assert buttons(shelf)["Dismiss: Qwen3 4B · Q4_K_M"].hasFocus()


def test_a_screen_reader_hears_of_states_and_not_of_bytes(shelf, monkeypatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(download_row, "announce", lambda _, sentence: heard.append(sentence))
    shelf.set_downloads([RUNNING])
    for step in range(20):
        shelf.set_downloads([replace(RUNNING, done=612_000_000 + step * 30_000_000)])
    assert heard == []
    shelf.set_downloads([as_it_is(DownloadState.FAILED, error="The disk is full.")])
    assert heard == ["Qwen3 4B · Q4_K_M. Not downloaded. The disk is full."]


def test_its_words_have_a_name_of_their_own_that_rests(shelf) -> None:
    shelf.set_downloads([RUNNING])
    label = next(label for label in shelf.findChildren(QLabel) if label.text().startswith("0.6 of"))
    interface = QAccessible.queryAccessibleInterface(label)
    shelf.set_downloads([replace(RUNNING, done=900_000_000)])
    assert label.text().startswith("0.9 of")
    assert interface.text(QAccessible.Text.Name).startswith("0.6 of")


def test_done_ones_go_by_themselves_but_not_from_under_a_hand(shelf, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(download_row, "DONE_MS", 30)
    done = as_it_is(DownloadState.DONE)
    shelf.set_downloads([done])
    buttons(shelf)["Dismiss: Qwen3 4B · Q4_K_M"].setFocus()
    with qtbot.assertNotEmitted(shelf.forget_requested, wait=100):
        pass
    with qtbot.waitSignal(shelf.forget_requested) as told:
        buttons(shelf)["Dismiss: Qwen3 4B · Q4_K_M"].clearFocus()
    assert told.args == [7]


def many(count: int) -> list[Download]:
    waiting = [replace(RUNNING, id=n, name=f"Model {n}", state=DownloadState.WAITING) for n in range(count)]
    return [*waiting[:-1], replace(waiting[-1], state=DownloadState.RUNNING)]


def names(shelf: DownloadShelf) -> list[str]:
    return [text for text in texts(shelf) if text.startswith("Model")]


def test_of_many_the_running_ones_are_shown_and_the_rest_on_asking(shelf, qtbot) -> None:
    shelf.set_downloads(many(6))
    assert names(shelf) == ["Model 0", "Model 1", "Model 5"]
    press(shelf, "and 3 more", qtbot)
    assert names(shelf) == [f"Model {n}" for n in range(6)]
    shelf.set_downloads(many(6))
    assert len(names(shelf)) == 6
    press(shelf, "Show fewer", qtbot)
    assert len(names(shelf)) == 3


def test_in_a_low_window_one_is_shown(shelf) -> None:
    shelf.window().resize(720, 480)
    shelf.set_downloads(many(4))
    assert names(shelf) == ["Model 3"]
    assert "and 3 more" in buttons(shelf)


def test_it_never_takes_more_than_its_part_of_the_window(shelf, qtbot) -> None:
    shelf.set_downloads(many(40))
    press(shelf, "and 37 more", qtbot)
    assert shelf.height() < 0.5 * shelf.window().height()


GATED = as_it_is(
    DownloadState.FAILED,
    done=0,
    needs_token=True,
    error="Qwen/Qwen3-4B-GGUF is gated: its owners ask for an account that accepted their conditions. "
    "Accept them on the hub, then enter a token of that account.",
)


def test_rows_are_as_high_as_they_need_to_be(page, shelf, qtbot) -> None:
    page.resize(1100, 700)
    shelf.set_downloads([GATED, replace(RUNNING, id=8), as_it_is(DownloadState.PAUSED, id=9)])

    def fitting() -> bool:
        rows = shelf.findChildren(download_row.DownloadRow)
        needed = [max(row.heightForWidth(row.width()), 40) for row in rows]
        inside = sum(needed) + 2 * theme.SPACE_XS
        return [row.height() for row in rows] == needed and shelf.height() <= inside + theme.SPACE_XS + 1

    qtbot.waitUntil(fitting)
    assert shelf.findChildren(download_row.DownloadRow)[1].height() == 40


def test_a_failed_one_is_slim_in_the_smallest_window(page, shelf, qtbot) -> None:
    shelf.set_downloads([GATED])
    page.resize(664, 480)
    qtbot.waitUntil(lambda: 60 < shelf.height() <= 140)
    (row,) = shelf.findChildren(download_row.DownloadRow)
    assert row.height() == row.heightForWidth(row.width())


@pytest.mark.parametrize("width", [480, 660, 1140])
def test_nothing_is_wider_than_the_window(shelf, width) -> None:
    long = "模型 نموذج " + "long-name-" * 20
    error = "The hub did not answer. " * 8
    shelf.window().resize(width, 700)
    shelf.set_downloads(
        [
            replace(RUNNING, name=long),
            replace(
                RUNNING,
                id=8,
                name=long,
                state=DownloadState.FAILED,
                error=error,
                detail="x",
                needs_token=True,
            ),
        ]
    )
    assert shelf.window().width() == width
    right = [button.mapTo(shelf, button.rect().bottomRight()).x() for button in buttons(shelf).values()]
    assert max(right) < width


def test_every_control_is_named_and_in_reading_order(shelf, qtbot) -> None:
    shelf.set_downloads([as_it_is(DownloadState.FAILED, error="No.", detail="x", needs_token=True)])
    found = buttons(shelf)
    order = [
        "Enter token…",
        "Open its page",
        "Show log",
        "Try again: Qwen3 4B · Q4_K_M",
        "Cancel: Qwen3 4B · Q4_K_M",
    ]
    assert list(found) == order
    found[order[0]].setFocus()
    for name in order[1:]:
        qtbot.keyClick(shelf.window().focusWidget(), Qt.Key.Key_Tab)
        assert found[name].hasFocus()
