"""The views of the models page look after a change of theme as if they had been made in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.domain.download import Download, DownloadState
from app.domain.hub import Access, Format, HubFile, HubModel, Variant
from app.domain.ledger import LedgerEntry
from app.domain.model import LibraryEntry, LocalModel, ModelDetails, Soundness, Verification
from app.ui import theme
from app.ui.models.details_panel import DetailsPanel
from app.ui.models.download_shelf import DownloadShelf
from app.ui.models.ledger_view import LedgerView
from app.ui.models.library_view import LibraryView
from app.ui.models.search_view import SearchView
from app.ui.models.token_dialog import TokenDialog

VARIANT = Variant("o/n-GGUF", "0" * 40, Format.GGUF, "Q4_K_M", (HubFile("a.gguf", 2_000_000_000),))
DETAILS = ModelDetails("Model", "llama", 135_000_000, "Q4_1", 8192, "apache-2.0", True, 30)
ENTRY = LibraryEntry(LocalModel("model-Q4_1", Path("/m/model.gguf"), 98_362_432), DETAILS)
BROKEN = LibraryEntry(LocalModel("broken", Path("/m/broken.gguf"), 5), None, problem="The file ends early.")
LOAD = LedgerEntry(1, 1.7e9, "model-Q4_1", "llama.cpp", "llama", "Q4_1", 8192, 2, 0, 9, 9, 8, 9.0, 9.0, 7.0)


def shelf() -> QWidget:
    made = DownloadShelf()
    states = (DownloadState.RUNNING, DownloadState.FAILED, DownloadState.DONE)
    made.set_downloads(
        [
            Download(n, "Model", VARIANT, state, 10**9, 2 * 10**9, error="It broke.", detail="x")
            for n, state in enumerate(states)
        ]
    )
    return made


def library() -> QWidget:
    made = LibraryView()
    made.set_entries([ENTRY, BROKEN])
    made.set_work("model-Q4_1", "Verifying", 1, 2)
    made.set_work("new.gguf", "Copying", 1, 2)
    made.select("broken")
    return made


def details() -> QWidget:
    made = DetailsPanel()
    made.set_entry(BROKEN)
    made.set_check(Verification(BROKEN.model, Soundness.DAMAGED, "It is damaged."))
    made.set_forecast([("Memory", "1 GB")])
    return made


def search() -> QWidget:
    made = SearchView()
    made.search_for("model")
    made.set_results("model", [HubModel("o/n-GGUF", (Format.GGUF,), Access.GATED, 12_345)])
    return made


def ledger() -> QWidget:
    made = LedgerView()
    made.set_entries([LOAD])
    return made


def token() -> QWidget:
    made = TokenDialog(has_token=True)
    made.settle("The keyring is locked.")
    return made


def picture(widget: QWidget) -> QImage:
    focused = QApplication.focusWidget()
    if focused is not None:  # one of the two windows has it, and a cursor that blinks
        focused.clearFocus()
    return widget.grab().toImage()


def shown(make: Callable[[], QWidget], qtbot) -> QWidget:
    widget = make()
    qtbot.addWidget(widget)
    widget.resize(900, 500)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


@pytest.mark.parametrize("make", [shelf, library, details, search, ledger, token])
def test_as_if_made_in_it(make, qtbot, qapp) -> None:
    switched = shown(make, qtbot)
    before = picture(switched)
    theme.apply(qapp, theme.Scheme.DARK)
    made_in_it = shown(make, qtbot)
    made_in_it.resize(switched.size())
    qtbot.waitUntil(lambda: picture(switched) == picture(made_in_it))  # a field's cross fades in
    assert picture(switched) != before
