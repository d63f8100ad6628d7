from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel, QPushButton

from app.domain.download import Download, DownloadState
from app.domain.hub import Format, HubFile, Variant
from app.models.catalog import catalog
from app.services.download_entry import OFFLINE
from app.services.first_model import FirstModel
from app.ui.models.first_run import FirstRun
from tests.gui.models.advice import rung

OFFER = FirstModel(
    "This machine has 20.0 GB of memory free. It runs models well.", catalog()[5], rung("Q4_K_M", 2.5)
)
VARIANT = Variant("a/b", "0" * 40, Format.GGUF, "Q4_K_M", (HubFile("b.gguf", 2_500_000_000),))
RUNNING = Download(
    4,
    "Qwen3 4B · Q4_K_M",
    VARIANT,
    DownloadState.RUNNING,
    done=600_000_000,
    size=2_500_000_000,
    speed=11_000_000.0,
    seconds_left=173.0,
)


@pytest.fixture
def first(qtbot) -> FirstRun:
    widget = FirstRun()
    qtbot.addWidget(widget)
    widget.resize(700, 300)
    widget.show()
    return widget


def said(first: FirstRun) -> str:
    return "\n".join(label.text() for label in first.findChildren(QLabel) if label.isVisible())


def buttons(first: FirstRun) -> dict[str, QPushButton]:
    return {button.text(): button for button in first.findChildren(QPushButton) if button.isVisible()}


def test_before_the_machine_is_known_it_offers_what_needs_no_advice(first) -> None:
    assert "Looking at this machine…" in said(first)
    assert list(buttons(first)) == ["See all models", "Add a file…"]


def test_one_download_is_offered_with_its_size(first, qtbot) -> None:
    first.set_offer(OFFER)
    assert OFFER.machine_words in said(first)
    assert catalog()[5].name in said(first)
    assert list(buttons(first)) == ["Download 2.5 GB", "See all models", "Add a file…"]
    with qtbot.waitSignal(first.download_requested) as asked:
        buttons(first)["Download 2.5 GB"].click()
    assert asked.args == [OFFER]
    assert not buttons(first)["Download 2.5 GB"].isEnabled()
    first.set_problem("The hub did not answer.")
    assert "The hub did not answer." in said(first)
    assert buttons(first)["Download 2.5 GB"].isEnabled()


def test_the_download_is_followed(first, qtbot) -> None:
    first.set_offer(OFFER)
    first.set_download(RUNNING)
    for part in ("Qwen3 4B · Q4_K_M", "0.6 of 2.5 GB", "11 MB/s", "3 min left"):
        assert part in said(first)
    with qtbot.waitSignal(first.pause_requested) as asked:
        buttons(first)["Pause"].click()
    assert asked.args == [4]
    first.set_download(replace(RUNNING, state=DownloadState.PAUSED))
    with qtbot.waitSignal(first.resume_requested):
        buttons(first)["Go on"].click()
    first.set_download(replace(RUNNING, state=DownloadState.FAILED, error="The disk is full."))
    assert "The disk is full." in said(first)
    with qtbot.waitSignal(first.retry_requested):
        buttons(first)["Try again"].click()
    first.set_download(replace(RUNNING, state=DownloadState.VERIFYING))
    assert "Checking" in said(first)
    first.set_download(None)
    assert "Download 2.5 GB" in buttons(first)


def test_a_download_that_is_held_by_the_offline_switch_says_so(first) -> None:
    first.set_download(replace(RUNNING, state=DownloadState.PAUSED))
    assert "Paused" in said(first)
    first.set_download(replace(RUNNING, state=DownloadState.PAUSED, error=OFFLINE))
    assert "0.6 of 2.5 GB · Waits: Edgewise works offline" in said(first)


def test_the_download_can_be_given_up_after_a_question(first, qtbot) -> None:
    first.set_offer(OFFER)
    assert "Cancel" not in buttons(first)
    first.set_download(RUNNING)
    buttons(first)["Cancel"].click()
    assert "Give it up? The 600 MB that are here will be deleted." in said(first)
    buttons(first)["Keep"].click()
    assert "11 MB/s" in said(first)
    buttons(first)["Cancel"].click()
    with qtbot.waitSignal(first.cancel_requested) as asked:
        buttons(first)["Give up"].click()
    assert asked.args == [4]
    first.set_download(replace(RUNNING, id=5, done=1000))
    with qtbot.waitSignal(first.cancel_requested) as asked:
        buttons(first)["Cancel"].click()
    assert asked.args == [5]


def test_offline_it_says_how_to_add_a_file(first, qtbot) -> None:
    first.set_offer(OFFER)
    first.set_offline(True)
    assert "work offline" in said(first)
    assert "drop it onto this window" in said(first)
    assert list(buttons(first)) == ["See all models", "Add a file…"]
    with qtbot.waitSignal(first.add_requested):
        buttons(first)["Add a file…"].click()
    first.set_offline(False)
    assert "Download 2.5 GB" in buttons(first)


def test_a_machine_that_nothing_suits_is_told_so_and_led_on(first) -> None:
    first.set_offer(FirstModel("This machine has 0.3 GB of memory free."))
    assert "Choose a model, or add a GGUF file" in said(first)
    assert list(buttons(first)) == ["See all models", "Add a file…"]
