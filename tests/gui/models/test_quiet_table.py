"""A table whose columns give way, and whose rows say which one the pointer and the keyboard are on."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from app.ui.models.quiet_table import FigureDelegate, QuietTable


@pytest.fixture
def page(qtbot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(1000, 400)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    return made


@pytest.fixture
def table(page) -> QuietTable:
    made = QuietTable("Things", (100, 100, 100), 200, (2, 1), page)
    model = QStandardItemModel(5, 4, made)
    for row in range(5):
        for column in range(4):
            model.setItem(row, column, QStandardItem(f"{row}{column}"))
    model.setHorizontalHeaderLabels(["Name", "One", "Two", "Three\nlines"])
    made.setModel(model)
    made.setItemDelegate(FigureDelegate(30, made))
    made.set_column_widths()
    made.resize(620, 300)
    made.show()
    return made


def widths(table: QuietTable) -> list[int]:
    return [0 if table.isColumnHidden(column) else table.columnWidth(column) for column in range(4)]


def test_the_first_column_takes_what_the_others_leave(table) -> None:
    first, *others = widths(table)
    assert others == [100, 100, 100]
    assert first + 300 <= table.viewport().width()
    table.resize(900, 300)
    assert widths(table)[0] == first + 280


def test_columns_go_in_their_order_and_come_back(table) -> None:
    table.resize(450, 300)
    assert table.hidden_columns == (2,)
    table.resize(330, 300)
    assert table.hidden_columns == (2, 1)
    assert widths(table)[3] == 100
    table.resize(620, 300)
    assert table.hidden_columns == ()


def test_it_says_which_row_the_pointer_is_over(table, qtbot) -> None:
    seen: list[int] = []
    table.hovered.connect(seen.append)
    for row in (1, 1, 3):
        qtbot.mouseMove(table.viewport(), table.visualRect(table.model().index(row, 0)).center())
    QApplication.sendEvent(table.viewport(), QEvent(QEvent.Type.Leave))
    assert seen == [1, 3, -1]
    assert table.hovered_row == -1


def test_arrows_walk_and_the_row_is_marked(table, qtbot) -> None:
    table.setCurrentIndex(table.model().index(0, 0))
    table.setFocus()
    plain = row_picture(table, 1)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert table.currentIndex().row() == 1
    assert row_picture(table, 1) != plain


def row_picture(table: QuietTable, row: int) -> Any:
    where = table.visualRect(table.model().index(row, 0))
    return table.viewport().grab(where).toImage()


def test_a_click_on_a_heading_sorts(table, qtbot) -> None:
    table.setSortingEnabled(True)
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    qtbot.mouseClick(table.header().viewport(), Qt.MouseButton.LeftButton, pos=QPoint(20, 10))
    assert table.model().index(0, 0).data() == "40"


def test_tab_leaves_the_table(table, page, qtbot) -> None:
    field = QLineEdit(page)
    field.show()
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert field.hasFocus()
