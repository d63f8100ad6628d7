"""The tests that were made: opened, compared, deleted; and how fast a model was over time."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.domain.speed_test_history import MeasuredRate, SpeedTestSummary
from app.ui import theme
from app.ui.charts.line_chart import LineChart
from app.ui.charts.line_layout import Axis
from app.ui.charts.series import Line, Mark, Point
from app.ui.engines.wrapped import Wrapped
from app.ui.models.invitation import Invitation
from app.ui.models.quiet_table import FigureDelegate, QuietTable
from app.ui.speed_test.history_table import SUMMARY, Column, HistoryTable
from app.ui.words import decode_speed, moment

_ROW_HEIGHT = 36
_WIDTHS = (224, 176, 136, 128)
_LEAST_MODEL = 180
_GOES_FIRST = (Column.STATE, Column.ENGINES, Column.WHEN)
_CHART_HEIGHT, _CHART_FROM = 240, 560
"""In a lower window the table has the place alone."""
_FEWEST_POINTS = 2
_START = "Start a test"
_READ_AGAIN = "Read again"


class HistoryView(QWidget):
    """Enter opens the row one is on, Delete deletes it; two chosen rows can be compared."""

    open_requested = Signal(int)
    """A test's id, as in those that follow."""
    compare_requested = Signal(int, int)
    remove_requested = Signal(int)
    trend_wanted = Signal(str)
    """A family: `set_trend` is awaited."""
    new_requested = Signal()
    read_again_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table = HistoryTable(self)
        self.rows = _Rows("Speed tests", _WIDTHS, _LEAST_MODEL, _GOES_FIRST, self)
        self.rows.setModel(self._table)
        self.rows.setItemDelegate(FigureDelegate(_ROW_HEIGHT, self.rows))
        self.rows.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.rows.header().setSectionsClickable(False)
        self.rows.header().setSortIndicatorShown(False)
        self.rows.set_column_widths()
        self.rows.activated.connect(lambda _: self._open())
        self.rows.delete_pressed.connect(self._remove)
        self.rows.selectionModel().selectionChanged.connect(lambda *_: self._selected())
        self._hint = Wrapped(self, "Choose two tests to compare them.", size=theme.SIZE_MONO, quiet=True)
        self.open = QPushButton("Open", self)
        self.compare = QPushButton("Compare", self)
        self.remove = QPushButton("Delete", self)
        self.open.clicked.connect(self._open)
        self.compare.clicked.connect(self._compare)
        self.remove.clicked.connect(self._remove)
        self.trend = LineChart("Tokens a second over time", self)
        self.trend.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._family = ""
        self._has_trend = False
        self._empty = Invitation(self)
        self._empty.chosen.connect(self._help)
        deeds = QHBoxLayout()
        deeds.setSpacing(theme.SPACE_S)
        deeds.addWidget(self._hint, 1, Qt.AlignmentFlag.AlignVCenter)
        for button in (self.open, self.compare, self.remove):
            deeds.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_M, theme.SPACE_XL, theme.SPACE_M)
        layout.setSpacing(theme.SPACE_M)
        layout.addLayout(deeds)
        layout.addWidget(self.rows, 1)
        layout.addWidget(self.trend)
        layout.addWidget(self._empty, 1)
        for before, after in zip(
            (self.rows, self.open, self.compare), (self.open, self.compare, self.remove), strict=True
        ):
            QWidget.setTabOrder(before, after)
        QWidget.setTabOrder(self.remove, self.trend)
        self.setFocusProxy(self.rows)
        self.set_summaries(())
        self._empty.say("Reading the history…", "")

    @property
    def chosen(self) -> list[SpeedTestSummary]:
        """The chosen tests, from the top."""
        rows = sorted(self.rows.selectionModel().selectedRows(), key=lambda index: index.row())
        return [index.data(SUMMARY) for index in rows]

    def set_summaries(self, summaries: Sequence[SpeedTestSummary]) -> None:
        """Show these, the newest first. What was chosen stays so."""
        before = [summary.id for summary in self.chosen]
        place = self.rows.currentIndex().row()
        self._table.set_summaries(summaries)
        there = bool(summaries)
        for part in (self.rows, self._hint, self.open, self.compare, self.remove):
            part.setVisible(there)
        self._empty.setVisible(not there)
        self._empty.say(
            "No speed test yet",
            "Each test is kept here with all its figures, so that you see what an update changed.",
            [_START],
        )
        self.setFocusProxy(self.rows if there else self._empty)
        kept = [row for test_id in before if (row := self._table.row_of(test_id)) >= 0]
        if there and not kept:
            kept = [max(0, min(place, len(summaries) - 1))]
        selection = self.rows.selectionModel()
        flag = QItemSelectionModel.SelectionFlag
        for number, row in enumerate(kept):
            index = self._table.index(row, 0)
            if not number:
                selection.setCurrentIndex(index, flag.ClearAndSelect | flag.Rows)
            else:
                selection.select(index, flag.Select | flag.Rows)
        self._selected()
        if there and self._family:
            self.trend_wanted.emit(self._family)

    def set_failed(self, sentence: str) -> None:
        """The history cannot be read, and why. What was shown before stays."""
        self._empty.say("The history cannot be read", sentence, [_READ_AGAIN])

    def set_trend(self, family: str, rates: Sequence[MeasuredRate]) -> None:
        """How fast a model was, one reply at a time, over all tests."""
        if family != self._family:
            return
        lines = lines_of(rates)
        self._has_trend = any(len(line.points) >= _FEWEST_POINTS for line in lines)
        self.trend.title = f"{family}: tokens a second over time"
        self.trend.setAccessibleName(self.trend.title)
        self.trend.set_data(lines, write_x=moment, write_y=decode_speed, x_axis=Axis.TIME)
        self._share()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._share()

    def _share(self) -> None:
        self.trend.setVisible(self._has_trend and not self.rows.isHidden() and self.height() >= _CHART_FROM)
        self.trend.setFixedHeight(_CHART_HEIGHT)

    def _selected(self) -> None:
        chosen = self.chosen
        self.open.setEnabled(len(chosen) == 1)
        self.compare.setEnabled(len(chosen) == 2)
        self.remove.setEnabled(bool(chosen))
        self._hint.setText(
            "Compare the two chosen tests." if len(chosen) == 2 else "Choose two tests to compare them."
        )
        families = chosen[0].families if chosen else ()
        family = families[0] if families else ""
        if family != self._family:
            self._family = family
            self._has_trend = False
            self._share()
            if family:
                self.trend_wanted.emit(family)

    def _help(self, words: str) -> None:
        (self.read_again_requested if words == _READ_AGAIN else self.new_requested).emit()

    def _open(self) -> None:
        if len(self.chosen) == 1:
            self.open_requested.emit(self.chosen[0].id)

    def _compare(self) -> None:
        if len(self.chosen) == 2:
            self.compare_requested.emit(*(summary.id for summary in self.chosen))

    def _remove(self) -> None:
        for summary in self.chosen:
            self.remove_requested.emit(summary.id)


class _Rows(QuietTable):
    delete_pressed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.delete_pressed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.activated.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)


def lines_of(rates: Sequence[MeasuredRate]) -> list[Line]:
    """A line for each engine and precision."""
    points: dict[tuple[str, str, str], list[Point]] = {}
    for rate in rates:
        value = rate.decode_rate if rate.decode_rate is not None else rate.output_rate
        doubt = (Mark("d", "Something disturbed the measurement"),) if rate.disturbed else ()
        key = (rate.engine_id, rate.engine, rate.precision)
        points.setdefault(key, []).append(Point(rate.at, value, marks=doubt))
    return [
        Line(" ".join(part for part in (engine, precision) if part), tuple(found), engine_id)
        for (engine_id, engine, precision), found in points.items()
    ]
