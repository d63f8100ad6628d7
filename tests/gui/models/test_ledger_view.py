"""The ledger: rows, order, and how good the forecasts were in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QTreeView

from app.domain.ledger import LedgerEntry
from app.ui.models.invitation import Invitation
from app.ui.models.ledger_table import summary
from app.ui.models.ledger_view import LedgerView


def load(
    number: int,
    model: str,
    forecast: int,
    measured: int | None,
    speed_forecast: float | None = None,
    speed: float | None = None,
) -> LedgerEntry:
    return LedgerEntry(
        number, 1_700_000_000.0 + number, model, "llama.cpp", "llama", "Q4_1", 8192, 2, 0,
        forecast, forecast, measured, speed_forecast, speed_forecast, speed,
    )  # fmt: skip


SMOL = load(1, "SmolLM2-135M-Instruct.Q4_1", 412_000_000, 405_000_000, 118.0, 126.0)
QWEN = load(2, "Qwen3-4B-Q4_K_M", 3_610_000_000, 3_702_000_000, 14.2, 11.9)
FAST = load(4, "Fast-Q8_0", 4_500_000_000, 1_000_000_000, 80.0, 1.0)
UNMEASURED = load(3, "Other-Q8_0", 8_000_000_000, None)


@pytest.fixture
def ledger(qtbot) -> LedgerView:
    widget = LedgerView()
    qtbot.addWidget(widget)
    widget.resize(1100, 500)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def rows(ledger: LedgerView) -> Any:
    return ledger.findChild(QTreeView)


def cells(ledger: LedgerView, row: int) -> list[str]:
    model = rows(ledger).model()
    return [model.index(row, column).data() for column in range(model.columnCount())]


def models(ledger: LedgerView) -> list[str]:
    return [cells(ledger, row)[0] for row in range(rows(ledger).model().rowCount())]


def columns(ledger: LedgerView) -> list[str]:
    view = rows(ledger)
    headings = [
        view.model().headerData(n, Qt.Orientation.Horizontal) for n in range(view.model().columnCount())
    ]
    return [heading.replace("\n", " ") for n, heading in enumerate(headings) if not view.isColumnHidden(n)]


def test_it_teaches_while_there_is_nothing(ledger) -> None:
    empty: Any = ledger.findChild(Invitation)
    assert empty.isVisible()
    assert "Chat with a model" in empty.text
    ledger.set_entries([SMOL])
    assert empty.isHidden()
    assert rows(ledger).isVisible()


def test_forecast_beside_measurement(ledger) -> None:
    ledger.set_entries([QWEN, UNMEASURED])
    assert models(ledger) == ["Other", "Qwen3 4B"]  # the newest first
    assert cells(ledger, 1)[3:] == [
        "8k", "3.61 GB", "3.70 GB", "−2.5 %", "14.2 tok/s", "11.9 tok/s", "+19.3 %",
    ]  # fmt: skip
    assert cells(ledger, 0)[4:] == ["8.00 GB", "—", "—", "—", "—", "—"]


def test_an_error_that_no_percentage_pictures_is_a_factor(ledger) -> None:
    ledger.set_entries([FAST])
    assert (cells(ledger, 0)[6], cells(ledger, 0)[9]) == ("4.5× too much", "80× too fast")


def test_what_is_not_there_says_why(ledger) -> None:
    ledger.set_entries([replace(QWEN, measured_speed=None), UNMEASURED])
    model = rows(ledger).model()
    tips = [
        [str(model.index(row, column).data(Qt.ItemDataRole.ToolTipRole) or "") for column in (5, 7, 8, 9)]
        for row in (1, 0)
    ]
    assert "no reply had the 32 tokens" in tips[0][2]
    assert "no reply had the 32 tokens" in tips[0][3]
    assert tips[0][:2] == ["", ""]
    assert "bandwidth" in tips[1][1]
    assert "the system did not tell" in tips[1][0]


def test_a_row_as_a_sentence(ledger) -> None:
    ledger.set_entries([UNMEASURED, QWEN])
    spoken = [rows(ledger).model().index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in (0, 1)]
    assert "memory forecast 8.00 GB, not measured" in spoken[0]
    assert "memory forecast 3.61 GB, measured 3.70 GB, error −2.5 %" in spoken[1]


def test_far_off_is_marked(ledger) -> None:
    ledger.set_entries([QWEN])
    model = rows(ledger).model()
    assert model.index(0, 9).data(Qt.ItemDataRole.ForegroundRole) == "busy"
    assert model.index(0, 6).data(Qt.ItemDataRole.ForegroundRole) == "secondary"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([], ""),
        ([UNMEASURED], ""),
        ([SMOL], "The memory forecast was 1.7 % off (1 load) and the speed forecast was 6.3 % off (1 load)."),
        (
            [SMOL, QWEN, UNMEASURED],
            "The memory forecast was typically 2.1 % off (median of 2 loads) and the speed forecast was "
            "typically 12.8 % off (median of 2 loads).",
        ),
        (
            [FAST],
            "The memory forecast was 4.5× too much (1 load) and the speed forecast was 80× too fast "
            "(1 load).",
        ),
        ([load(1, "x", 101, 100)], "The memory forecast was 1.0 % off (1 load)."),
    ],
)
def test_how_good_the_forecasts_were(entries, said) -> None:
    assert summary(entries) == (f"{said} What was measured corrects the next forecast." if said else "")


def test_the_sentence_stands_on_top(ledger) -> None:
    ledger.set_entries([SMOL])
    label = next(label for label in ledger.findChildren(QLabel) if label.text().startswith("The memory"))
    assert label.isVisible()
    ledger.set_entries([UNMEASURED])
    assert label.isHidden()


def test_sorting_by_how_far_off(ledger, qtbot) -> None:
    ledger.set_entries([SMOL, QWEN, UNMEASURED])
    view = rows(ledger)
    at = QPoint(view.header().sectionViewportPosition(6) + 10, 10)
    qtbot.mouseClick(view.header().viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert models(ledger) == ["Other", "SmolLM2 135M Instruct", "Qwen3 4B"]
    qtbot.mouseClick(view.header().viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert models(ledger) == ["Qwen3 4B", "SmolLM2 135M Instruct", "Other"]


def test_in_a_narrow_window_what_matters_most_stays(ledger, qtbot) -> None:
    ledger.set_entries([SMOL])
    qtbot.waitUntil(lambda: len(columns(ledger)) == 10)
    ledger.resize(660, 500)
    most = ["Model", "Memory forecast", "Memory measured", "Memory error", "Speed error"]
    qtbot.waitUntil(lambda: columns(ledger) == most)
