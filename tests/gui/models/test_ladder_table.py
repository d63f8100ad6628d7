from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible

from app.advisor.ladder import Fit
from app.domain.download import Download, DownloadState
from app.domain.hub import Format, HubFile, Variant
from app.ui.models.ladder_head import COLUMNS, HEAD_HEIGHT, LadderHead
from app.ui.models.ladder_table import LadderTable, deed_words
from app.ui.models.rung_row import columns, row_name
from tests.gui.models.advice import RUNGS, ladder, rung
from tests.unit.advisor.measured import lost

HERE = replace(RUNGS[1], path=Path("/models/x.gguf"))


@pytest.fixture
def table(qtbot) -> LadderTable:
    widget = LadderTable()
    qtbot.addWidget(widget)
    widget.set_ladder(ladder())
    widget.resize(900, 300)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    return widget


def test_the_recommended_rung_is_chosen_at_first(table) -> None:
    assert table.chosen is RUNGS[1]
    assert table.button.text() == "Download 2.5 GB"
    assert "Q4_K_M" in table.button.accessibleName()


def test_a_rung_says_how_far_its_download_is(table) -> None:
    variant = Variant("r/m", "0" * 40, Format.GGUF, "Q4_K_M", (HubFile("a.gguf", 1000, "0" * 64),))
    coming = Download(1, "M", variant, DownloadState.RUNNING, done=470, size=1000)
    before = table.rows[1].grab().toImage()
    table.set_downloads({"Q4_K_M": coming})
    assert table.button.text() == "Downloading · 47 %"
    assert not table.button.isEnabled()
    assert table.rows[1].accessibleName().endswith(", Downloading")
    assert table.rows[1].grab().toImage() != before
    table.set_ladder(ladder())
    assert table.button.text() == "Downloading · 47 %"
    table.set_downloads({"Q4_K_M": replace(coming, state=DownloadState.PAUSED)})
    assert (table.button.text(), table.button.isEnabled()) == ("Go on", True)
    assert table.rows[1].accessibleName().endswith(", Paused")
    table.set_downloads({})
    assert table.button.text() == "Download 2.5 GB"
    assert table.rows[1].grab().toImage() == before


def test_a_head_names_the_columns_over_them(table) -> None:
    (head,) = table.findChildren(LadderHead)
    assert COLUMNS[1:] == ("Size", "Needs", "Speed", "Quality")
    assert head.geometry().bottom() + 1 == table.rows[0].y() == HEAD_HEIGHT
    assert head.width() == table.rows[0].width()
    image = head.grab().toImage()
    ground = image.pixelColor(1, 1)
    for where in columns(head.width(), head.height())[1:]:
        inked = [
            x
            for x in range(where.left(), where.right())
            for y in range(image.height())
            if image.pixelColor(x, y) != ground
        ]
        assert inked


@pytest.mark.parametrize(
    ("it", "words"),
    [
        (RUNGS[1], "Download 2.5 GB"),
        (RUNGS[2], "Download 2.0 GB"),
        (RUNGS[3], "Download anyway 1.7 GB"),
        (replace(RUNGS[1], file_size=None), "Download"),
        (HERE, "Chat with it"),
        (replace(HERE, fit=Fit.NO), "Load anyway"),
    ],
)
def test_refusing_is_never_final(it, words) -> None:
    assert deed_words(it) == words


def test_a_row_says_all_that_it_shows(table) -> None:
    shown = QAccessible.queryAccessibleInterface(table.rows[1])
    assert shown is not None
    assert shown.role() is QAccessible.Role.RadioButton
    assert shown.state().checked
    said = shown.text(QAccessible.Text.Name)
    for part in (
        "Q4_K_M",
        "recommended",
        "file 2.5 GB",
        "needs 3.5 GB",
        "fits in memory",
        "19 tokens",
        "+2.8 %",
    ):
        assert part in said
    assert "speed not known" in row_name(RUNGS[2], recommended=False)
    assert "no figures published" in row_name(RUNGS[2], recommended=False)
    here = replace(RUNGS[1], measured=lost("Q4_K_M", 0.2), perplexity_increase_percent=-0.25)
    assert "measured -0.2 %" in row_name(here, recommended=False)


def test_arrows_choose_and_the_button_follows(table, qtbot) -> None:
    table.focus_row()
    qtbot.keyClick(table.rows[1], Qt.Key.Key_Down)
    assert table.rows[2].hasFocus()
    assert table.chosen is RUNGS[2]
    assert table.rows[2].geometry().contains(table.button.geometry().center())
    qtbot.keyClick(table.rows[2], Qt.Key.Key_Up)
    assert table.chosen is RUNGS[1]


def test_a_click_anywhere_in_a_row_chooses_it(table, qtbot) -> None:
    qtbot.mouseClick(table.rows[3], Qt.MouseButton.LeftButton, pos=table.rows[3].rect().center())
    assert table.chosen is RUNGS[3]


def test_the_choice_stays_while_the_ladder_moves(table, qtbot) -> None:
    qtbot.mouseClick(table.rows[0], Qt.MouseButton.LeftButton, pos=table.rows[0].rect().center())
    table.set_ladder(ladder(recommended=3))
    assert table.chosen is RUNGS[0]
    table.forget_choice()
    table.set_ladder(ladder(recommended=3))
    assert table.chosen is RUNGS[3]


def test_what_was_not_chosen_by_hand_follows_the_recommendation(table) -> None:
    table.set_ladder(ladder(recommended=0))
    assert table.chosen is RUNGS[0]


def test_a_shorter_ladder_leaves_no_rows_behind(table) -> None:
    table.set_ladder(ladder((rung("Q8_0", 4.3),), 0))
    assert [row.rung.quantization for row in table.rows] == ["Q8_0"]
    assert [row for row in table.findChildren(type(table.rows[0])) if row.isVisible()] == table.rows


def test_the_button_asks_for_the_right_thing(table, qtbot) -> None:
    with qtbot.waitSignal(table.download_requested) as asked:
        table.button.click()
    assert asked.args == [RUNGS[1]]
    table.set_ladder(ladder((HERE,), 0))
    with qtbot.waitSignal(table.chat_requested) as asked:
        table.button.click()
    assert asked.args == [HERE]


def test_while_it_is_begun_it_cannot_be_asked_for_twice(table) -> None:
    table.set_waiting(True)
    assert not table.button.isEnabled()
    table.set_ladder(ladder())
    assert not table.button.isEnabled()
    table.set_waiting(False)
    assert table.button.isEnabled()


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_in_a_narrow_table_the_chosen_row_has_the_button_below_its_words(table, qtbot, direction) -> None:
    table.setLayoutDirection(direction)
    table.resize(616, table.heightForWidth(616))
    chosen = table.rows[1]
    qtbot.waitUntil(lambda: chosen.height() > table.rows[0].height())
    assert chosen.geometry().contains(table.button.geometry())
    assert table.button.y() >= chosen.y() + table.rows[0].height()
    assert table.rows[2].y() == chosen.geometry().bottom() + 1
    assert table.rows[-1].geometry().bottom() < table.heightForWidth(616)
    qtbot.mouseClick(table.rows[3], Qt.MouseButton.LeftButton, pos=table.rows[3].rect().center())
    assert table.rows[3].geometry().contains(table.button.geometry())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_star_is_on_the_recommended_row_alone(table, scheme) -> None:
    from app.ui import theme

    theme.source().set_scheme(scheme)
    accent = theme.current().accent

    def starred(row) -> bool:
        image = row.grab().toImage()
        return any(image.pixelColor(x, y) == accent for x in range(12, 30) for y in range(18, 36))

    assert [starred(row) for row in table.rows] == [False, True, False, False]
