"""A table of results: each figure with its spread, and what must be said of it, below it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.benchmark.tables import Cell, Mark, Table
from app.ui import theme
from app.ui.elided_label import plain_tip
from app.ui.models.quiet_table import QuietTable
from app.ui.speed_test.case_words import range_words
from app.ui.speed_test.chart_data import sentence_of
from app.ui.words import UNKNOWN

Index = QModelIndex | QPersistentModelIndex

_ROW_HEIGHT, _ROW_HEIGHT_OF_ONE = 44, 32
"""With a second line in any cell, and without."""
_HEADER = 32
_AIR = theme.SPACE_S
_LEAST_NAME, _LEAST_FIGURE, _MOST_FIGURE = 176, 112, 240
_SCROLL_BAR = 12
_LEFT_TO_RIGHT = "\u200e"
"""Before words that begin with a number: else a page from right to left shows "at once 8"."""
_BELOW = Qt.ItemDataRole.UserRole
"""The second line of a cell."""


class FigureTable(QuietTable):
    """As high as its rows; where there are too many columns it scrolls sideways."""

    def __init__(self, table: Table, parent: QWidget, *, grey: bool = False) -> None:
        super().__init__(table.title, (), _LEAST_NAME, (), parent)
        self._figures = len(table.headings)
        self._rows = _Model(table, self, grey=grey)
        self.setModel(self._rows)
        self._row_height = _ROW_HEIGHT if self._rows.has_second_lines else _ROW_HEIGHT_OF_ONE
        self.setItemDelegate(_Delegate(self._row_height, self, grey=grey))
        self.setSortingEnabled(False)
        self.header().setSortIndicatorShown(False)
        self.header().setSectionsClickable(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.set_column_widths()

    @property
    def rows(self) -> list[list[str]]:
        """What is written, row by row."""
        model = self._rows
        return [
            [str(model.data(model.index(row, column))) for column in range(model.columnCount())]
            for row in range(model.rowCount())
        ]

    def _lay_out(self) -> None:
        if self.model() is None:
            return
        room = self.viewport().width()
        each = min(_MOST_FIGURE, max(_LEAST_FIGURE, (room - _LEAST_NAME) // max(1, self._figures)))
        for column in range(1, self._figures + 1):
            self.setColumnWidth(column, each)
        name = max(_LEAST_NAME, room - each * self._figures)
        self.setColumnWidth(0, name)
        scrolls = name + each * self._figures > room
        height = _HEADER + self._row_height * self._rows.rowCount() + (_SCROLL_BAR if scrolls else 0)
        self.setFixedHeight(height)


class _Model(QAbstractTableModel):
    def __init__(self, table: Table, parent: QObject, *, grey: bool) -> None:
        super().__init__(parent)
        self._table = table
        self._grey = grey

    @property
    def has_second_lines(self) -> bool:
        """Whether anything is to be said below a figure."""
        return any(self._below(cell) for row in self._table.rows for cell in row.cells)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._table.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._table.headings) + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _LEFT_TO_RIGHT + self._table.headings[section - 1] if section else ""
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self._table.rows[index.row()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if index.column() == 0:
            match role:
                case Qt.ItemDataRole.DisplayRole:
                    return row.name
                case Qt.ItemDataRole.DecorationRole:
                    return row.engine_id
                case Qt.ItemDataRole.AccessibleTextRole:
                    return self._spoken(index.row())
            return None
        cell = row.cells[index.column() - 1]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._figure(cell)
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tip(self._told(cell))
            case _ if role == _BELOW:
                return self._below(cell)
        return None

    def _figure(self, cell: Cell) -> str:
        if cell.spread is None:
            return cell.short or ("not measured" if cell.note else "")
        return self._table.unit.words(cell.spread.median)

    def _below(self, cell: Cell) -> str:
        """The spread, and the marks in words."""
        if cell.spread is None:
            return ""
        marks = [mark.value for mark in cell.marks if mark is not Mark.SINGLE]
        parts = [cell.note] if self._grey and cell.note else []
        parts.append(range_words(self._table.unit, cell.spread))
        return " · ".join(part for part in (*marks, *parts) if part)

    def _told(self, cell: Cell) -> str:
        if cell.spread is None:
            return cell.note
        said = self._figure(cell)
        if cell.spread.n > 1:
            low, high = (self._table.unit.words(each) for each in (cell.spread.p5, cell.spread.p95))
            said += f", from {low} to {high} (5th to 95th percentile of {cell.spread.n:,})"
        return f"{said}. {sentence_of(cell)}".strip()

    def _spoken(self, row: int) -> str:
        """A whole row as a reader says it."""
        cells = zip(self._table.headings, self._table.rows[row].cells, strict=True)
        parts = [f"{heading}: {self._told(cell)}" for heading, cell in cells if self._told(cell)]
        whose = f", reference, {self._table.source}" if self._table.source else ""
        return f"{self._table.rows[row].name}{whose}. {' '.join(parts)}"


class _Delegate(QStyledItemDelegate):
    """The engine's dot and name, or a figure over a smaller line."""

    def __init__(self, height: int, parent: QWidget, *, grey: bool) -> None:
        super().__init__(parent)
        self._height = height
        self._grey = grey

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        return QSize(40, self._height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colours = theme.current()
        words, below = str(index.data() or ""), str(index.data(_BELOW) or "")
        side = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag(_alignment(index.column())))
        flags = side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
        inner = option.rect.adjusted(_AIR, 0, -_AIR, 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        engine = index.data(Qt.ItemDataRole.DecorationRole)
        if engine and not self._grey:
            mirrored = option.direction is Qt.LayoutDirection.RightToLeft
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.engine_colour(engine))
            x = inner.right() - 9 if mirrored else inner.left()
            painter.drawEllipse(x, inner.center().y() - 4, 10, 10)
            inner = inner.adjusted(0, 0, -18, 0) if mirrored else inner.adjusted(18, 0, 0, 0)
        quiet = self._grey or words in ("", UNKNOWN, "not measured", "failed", "left out")
        for text, font, ink, where in (
            (
                words,
                theme.tabular_font(theme.SIZE_MONO),
                colours.secondary if quiet else colours.text,
                inner.adjusted(0, 0, 0, -18) if below else inner,
            ),
            (
                below,
                theme.tabular_font(theme.SIZE_SECONDARY - 1),
                colours.secondary,
                inner.adjusted(0, 18, 0, -2),
            ),
        ):
            if text:
                painter.setFont(font)
                painter.setPen(ink)
                cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, where.width())
                painter.drawText(where, flags, cut)
        painter.restore()


def _alignment(column: int) -> int:
    return int(Qt.AlignmentFlag.AlignTrailing if column else Qt.AlignmentFlag.AlignLeading)
